# The course's commands. `make help` lists them; each installs what it needs into .venv once.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HW ?= hw1 hw2 hw3 hw4 hw5
TESTS ?= tests
ARGS ?=
# PyTorch's threads wait briefly; see gcb6206/__init__.py, which a program reads too late that imports torch first
ifndef OMP_WAIT_POLICY
export GOMP_SPINCOUNT ?= 1000
endif
# venv programs first on PATH: nbgrader and jupyter-book start others by their plain names
RUN := PATH="$(abspath $(BIN)):$$PATH" PYTHONWARNINGS=ignore::DeprecationWarning
PYTEST := python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 15

# $(call system_package,PROGRAM OR FILE,PACKAGE): install a Debian package as root, else print the one command to run.
define system_package
@command -v $(1) >/dev/null || ls $(1) >/dev/null 2>&1 || { \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "installing $(2)"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(2) >/dev/null; \
  else \
    echo "missing '$(1)': run  sudo apt-get install $(2)  and then make again"; exit 1; \
  fi; }
endef

.PHONY: help
help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	@echo "ARGS='...' goes to the program behind a command: make mutants ARGS='hw3 --seeds 20', make bench ARGS=--smallest"

$(VENV)/.installed: requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 14); sys.exit(0 if ok else "Python is %d.%d: the course needs 3.11, 3.12, 3.13 or 3.14; name one with  make PYTHON=python3.11 ..." % sys.version_info[:2])'
	@echo "installing the course into $(VENV) (a few minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt 2> $(VENV)/install.log || { tail -n 20 $(VENV)/install.log; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e . robosuite==1.5.2 2>> $(VENV)/install.log || { tail -n 20 $(VENV)/install.log; exit 1; }
	@touch $@

.PHONY: install
install: $(VENV)/.installed  ## install everything into .venv

.PHONY: sandbox
sandbox:
	$(call system_package,bwrap,bubblewrap)
	$(call system_package,/usr/lib/*/libseccomp.so.2,libseccomp2)

.PHONY: browser
browser:
	$(call system_package,chromium,chromium)

.PHONY: postgres
postgres:
	$(call system_package,/usr/lib/postgresql/*/bin/initdb,postgresql)

.PHONY: gl
gl:
	$(call system_package,/usr/lib/*/libEGL.so.1,libegl1 libgl1-mesa-dri)

.PHONY: course
course: book release sample  ## build the book and the student release, grade the sample class
	@echo
	@echo "book:      $(CURDIR)/build/book/_build/html/index.html"
	@echo "release:   $(CURDIR)/build/release/HOMEWORK.zip"
	@echo "feedback:  $(CURDIR)/build/sample_class/feedback"

.PHONY: book
book: $(VENV)/.installed  ## build the HTML book (SOLUTIONS=1: the instructors' edition)
	@$(RUN) jupyter-book build . --path-output build/book -W --keep-going -q $(ARGS)

.PHONY: release
release: $(VENV)/.installed  ## build the student releases build/release/HOMEWORK.zip (HW=hw3: that one)
	@for hw in $(HW); do $(RUN) python -m autograder.release $$hw -o build/release/$$hw.zip $(ARGS) || exit 1; done

.PHONY: sample
sample: $(VENV)/.installed sandbox
	@$(RUN) python -m autograder.sample_class $(HW) $(ARGS)

.PHONY: grade
grade: $(VENV)/.installed sandbox  ## grade your own class: submitted/STUDENT/hw3/hw3.ipynb (HW=hw3: that homework only)
	@found=""; for hw in $(HW); do compgen -G "submitted/*/$$hw" >/dev/null && found="$$found $$hw"; done; \
	  test -n "$$found" || { echo "nothing to grade: expected submitted/STUDENT/HOMEWORK/HOMEWORK.ipynb with one of: $(HW)"; exit 1; }; \
	  for hw in $$found; do \
	    $(RUN) nbgrader generate_assignment $$hw --force && $(RUN) nbgrader autograde $$hw $(ARGS) \
	      && $(RUN) nbgrader generate_feedback $$hw || exit 1; \
	  done
	@$(RUN) nbgrader export
	@echo "feedback pages: $(CURDIR)/feedback"

.PHONY: test
test: $(VENV)/.installed sandbox browser postgres gl  ## run every test, as CI does
	@$(RUN) $(PYTEST) $(ARGS) $(TESTS)

.PHONY: quick
quick: $(VENV)/.installed  ## run the tests that need no training, kernel or browser (under 3 minutes)
	@$(RUN) $(PYTEST) -m "not slow and not alone" $(ARGS) $(TESTS)

.PHONY: lint
lint: $(VENV)/.installed  ## check style, names and the layers of imports
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --check . || { echo "run  $(BIN)/ruff format ."; exit 1; }
	@$(RUN) lint-imports --no-logo

.PHONY: mutants
mutants: $(VENV)/.installed  ## show that every judge catches wrong solutions and passes right ones (GENERATED=1: every small change; SANDBOX=1: right ones in the sandbox)
	@$(RUN) python -m autograder mutants $(if $(GENERATED),--generated) $(if $(SANDBOX),--sandbox) $(ARGS)

.PHONY: bench
bench: $(VENV)/.installed  ## run all benchmarks beside their peers and this machine's limits (20 minutes)
	@$(RUN) python -m benchmarks.speed $(ARGS)

.PHONY: results
results: $(VENV)/.installed  ## record a result of the book again: make results NAME=dqn_cartpole
	@test -n "$(NAME)" || { echo "name a result: make results NAME=..., with one of:"; echo "attacks"; echo "autograde"; echo "bench"; grep -oE '^[a-z][^:]*' book/results/results.yaml; exit 1; }
	@case "$(NAME)" in \
	  attacks) $(RUN) python -m tests.attacks --output book/results/attacks/attacks.json $(ARGS);; \
	  autograde) $(RUN) python benchmarks/autograde.py --output book/results/autograde/autograde.json $(ARGS);; \
	  bench) $(RUN) python -m benchmarks.speed --output book/results/bench/bench.json $(ARGS);; \
	  dqn_bug_*) $(RUN) python -m book.gallery $(NAME:dqn_bug_%=%);; \
	  *) $(RUN) python -m gcb6206.scripts.record $(NAME) --force $(ARGS);; \
	esac

.PHONY: lock
lock: $(VENV)/.installed  ## write constraints.txt from what is installed
	@$(BIN)/python -m pip freeze --exclude-editable --exclude gcb6206 --exclude robosuite | sed 's/+cpu$$//' > constraints.txt

.PHONY: clean
clean:  ## remove what was built; .venv and data stay
	@rm -rf build
