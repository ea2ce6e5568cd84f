"""The grader's command line: `python -m autograder judge ...`, `mutants`, `calibrate`, `sandbox`."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import PUBLISHED_SEED
from autograder.trusted.report import printable

if TYPE_CHECKING:
    from autograder.mutants import Mutant

FULL_MARKS, LOST_POINTS, BAD_REQUEST, GRADER_FAILED = 0, 1, 2, 3
INTERRUPTED = 130

DESCRIPTION = "Judge solutions of the course's exercises."
EXAMPLES = """\
examples:
  python -m autograder judge hw3.update_critic --solution my_solution.py
  python -m autograder judge hw3 --solution my_solution.py --seed 7 --json
  python -m autograder mutants hw3
  python -m autograder mutants hw3.update --seeds 200
  python -m autograder mutants hw3 --sandbox
  python -m autograder mutants --generated hw1 hw3.update
  python -m autograder calibrate hw3 --seeds 40 --held-out 40

A solution file is Python that fills exercises:

  from gcb6206.exercises import solves

  @solves("hw3.get_action")
  def get_action(self, observation, epsilon=0.02):
      ...

exit status: 0 full marks (mutants: all as they should be), 1 points lost (mutants: some are not),
             2 the request is wrong, 3 the grader itself failed
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main_parser = argparse.ArgumentParser(
        prog="python -m autograder",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    judge = commands.add_parser(
        "judge",
        help="judge a solution file in the sandbox",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run a solution file in the sandbox and judge what it fills.",
    )
    judge.add_argument("exercise", help="exercise id such as hw3.update_critic, or a homework such as hw3")
    judge.add_argument("--solution", required=True, metavar="FILE", help="Python file with @solves functions")
    judge.add_argument(
        "--seed",
        type=int,
        default=PUBLISHED_SEED,
        metavar="N",
        help=f"decides the inputs (default {PUBLISHED_SEED}, the seed of check())",
    )
    judge.add_argument("--json", action="store_true", help="print the whole report as JSON")
    judge.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run the file without protection; only for code that you wrote yourself",
    )

    mutants = commands.add_parser(
        "mutants",
        help="show that the judges catch every known mistake",
        description="Judge known-wrong and known-right solutions and print what became of them.",
    )
    mutants.add_argument("names", nargs="*", metavar="name", help="homeworks or exercises (default: all)")
    mutants.add_argument(
        "--generated",
        action="store_true",
        help="judge every small change of the reference solutions instead, and print what no judge catches",
    )
    mutants.add_argument(
        "--seed",
        "--first",
        type=int,
        default=PUBLISHED_SEED,
        metavar="N",
        help="decides the inputs; with --seeds, the first of them",
    )
    mutants.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="judge at N seeds and print how often each judge fails what is right and passes what is wrong",
    )

    mutants.add_argument(
        "--sandbox",
        action="store_true",
        help="judge the right variants where students are judged, in the sandbox; takes a few minutes longer",
    )

    calibrate = commands.add_parser(
        "calibrate",
        help="choose a homework's convergence threshold from many runs, and measure how often it errs",
        description="Train the reference and mutants over many seeds, and write the threshold and its error "
        "bounds into autograder/trusted/thresholds.yaml. Takes from minutes to hours; can be stopped and resumed.",
    )
    calibrate.add_argument(
        "homework", help="a homework with a convergence judge, such as hw3, or hw3.convergence_pictures"
    )
    calibrate.add_argument(
        "--seeds", type=int, default=40, metavar="N", help="runs of the reference to choose by (40)"
    )
    calibrate.add_argument(
        "--held-out", type=int, default=40, metavar="M", help="further runs of it to measure errors on (40)"
    )
    calibrate.add_argument(
        "--mutant-seeds", type=int, default=16, metavar="K", help="runs of each mutant (16)"
    )
    calibrate.add_argument("--workers", type=int, default=1, metavar="W", help="runs at a time (1)")
    calibrate.add_argument("--resume", action="store_true", help="go on with a calibration that was stopped")

    commands.add_parser(
        "sandbox",
        help="try which limits of the sandbox hold on this machine",
        description="Do in the sandbox what it should refuse, and print what it did refuse.",
    )
    return main_parser


def try_sandbox(_: argparse.Namespace) -> int:
    """Prints which limits of the sandbox hold on this machine."""
    from autograder.sandbox import cgroups, nursery

    warm = nursery.warm()
    if warm is None:
        print("Kernels are sealed off, each by a bubblewrap of its own: namespaces cannot be nested here,")
        print("so a kernel takes seconds to start, and this trial, which needs them, is left out.")
        return FULL_MARKS
    with warm:
        found = nursery.trial(warm, exhaust=True)
    for name, holds in found.items():
        print(printable(f"{'✓' if holds else '✗'} {name}"))
    if not found["system calls"]:
        print("  the filter of system calls needs libseccomp.so.2: apt-get install libseccomp2")
    version = cgroups.version()
    if not version and os.geteuid() and tuple(map(int, os.uname().release.split(".")[:2])) < (5, 14):
        print(
            "  one submission's processes can keep another's kernel from starting: Linux 5.14 counts them apart"
        )
    how = f"control groups (version {version}) and " if version else ""
    print(
        f"memory in total and processes are held by {how}a watchdog; cores {'are' if version else 'are not'} bounded"
    )
    return FULL_MARKS if all(found.values()) else LOST_POINTS


def judge_file(args: argparse.Namespace) -> int:
    """Judges one solution file."""
    from autograder.sandbox import kernel_student
    from autograder.trusted.runner import exercises_of, run_judges

    if args.seed < 0:
        raise ValueError(f"--seed is {args.seed}; expected 0 or a positive whole number")
    exercises = exercises_of(args.exercise)
    path = Path(args.solution)
    if not path.is_file():
        raise ValueError(f"there is no solution file {args.solution!r}")
    source = path.read_text(encoding="utf-8")
    compile(source, str(path), "exec")  # a syntax error is told before a kernel is started
    with kernel_student(source, unsafe=args.unsafe_no_sandbox) as student:
        report = run_judges(exercises, student, args.seed)
    print(printable(report.to_json() if args.json else report.to_text()))
    if report.grader_failed:
        return GRADER_FAILED
    return FULL_MARKS if report.score == report.max_score else LOST_POINTS


def judge_mutants(args: argparse.Namespace) -> int:
    """Judges the mutants and prints a table of exercise, mutant, judge that caught it, hint."""
    from autograder.mutants import mutants_of, run_in_sandbox, run_mutants

    if args.seed < 0:
        raise ValueError(f"--seed is {args.seed}; expected 0 or a positive whole number")
    if args.seeds is not None and args.seeds < 1:
        raise ValueError(f"--seeds is {args.seeds}; expected 1 or more")
    if args.sandbox and (args.seeds or args.generated):
        raise ValueError("--sandbox judges the right variants at one seed: leave out --seeds and --generated")
    if args.generated:
        return judge_generated(args.names, range(args.seed, args.seed + (args.seeds or 1)))
    mutants = [mutant for name in args.names or [""] for mutant in mutants_of(name)]
    if args.seeds:
        return sweep_mutants(mutants, range(args.seed, args.seed + args.seeds))
    sealed = [mutant for mutant in mutants if args.sandbox and mutant.is_right]
    forked = [mutant for mutant in mutants if mutant not in sealed]
    outcomes = [*run_mutants(forked, [args.seed]), *run_in_sandbox(sealed, args.seed)]
    outcomes.sort(key=lambda outcome: mutants.index(outcome.mutant))
    print(f"{'':2}{'exercise':24}{'mutant':36}{'caught by':22}hint")
    for outcome in outcomes:
        found = outcome.caught_by or ("full marks" if outcome.mutant.is_right else "SURVIVED")
        hint = textwrap.shorten(outcome.hint, 90, placeholder=" ...")
        mark = "✓" if outcome.as_it_should_be else "✗"
        print(printable(f"{mark:2}{outcome.mutant.exercise:24}{outcome.mutant.name:36}{found:22}{hint}"))
    wrong = [o.mutant for o in outcomes if not o.as_it_should_be]
    right = sum(m.is_right for m in mutants)
    print(
        f"{len(mutants) - right} mutants, {sum(not m.is_right for m in wrong)} not caught as they should be; "
        f"{right} right variants, {sum(m.is_right for m in wrong)} not passed"
    )
    return LOST_POINTS if wrong else FULL_MARKS


def judge_generated(names: list[str], seeds: range) -> int:
    """Judges every small change of the reference solutions and prints what became of them."""
    from autograder.mutants import generated

    exercises = [exercise for name in names or [""] for exercise in generated.exercises_of(name)]
    tallies = generated.judge([change for e in exercises for change in generated.changes_of(e)], seeds)
    print(generated.table(tallies))
    return LOST_POINTS if any(tally.survivors for tally in tallies.values()) else FULL_MARKS


def sweep_mutants(mutants: list[Mutant], seeds: range) -> int:
    """Judges the mutants at many seeds and prints how often each judge errs."""
    from autograder.mutants.sweep import sweep, table

    records = sweep(mutants, seeds)
    print(printable(table(records, len(seeds))))
    return FULL_MARKS if all(record.as_declared for record in records) else LOST_POINTS


def calibrate_homework(args: argparse.Namespace) -> int:
    """Calibrates a homework's convergence judge and prints what was found."""
    from autograder.trusted.calibrate import calibrate

    try:
        print(
            calibrate(args.homework, args.seeds, args.held_out, args.mutant_seeds, args.workers, args.resume)
        )
    except KeyboardInterrupt:
        print("stopped: go on with the same command and --resume", file=sys.stderr)
        return INTERRUPTED
    return FULL_MARKS


def main(words: list[str] | None = None) -> int:
    """Runs one command; its exit status."""
    from autograder.sandbox import SandboxUnavailable

    args = parser().parse_args(words)
    try:
        commands = {
            "judge": judge_file,
            "mutants": judge_mutants,
            "calibrate": calibrate_homework,
            "sandbox": try_sandbox,
        }
        return commands[args.command](args)
    except SyntaxError as error:
        print(f"error: {error.filename}, line {error.lineno}: {error.msg}", file=sys.stderr)
    except (ValueError, OSError, SandboxUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
    return BAD_REQUEST


if __name__ == "__main__":
    sys.exit(main())
