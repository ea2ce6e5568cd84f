"""The pages on homework 1 and on debugging: what they show is the program's word, and what they claim holds."""

from __future__ import annotations

import ast
import copy
import dataclasses
import functools
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import test_diagnose
import torch

import solutions
from autograder.mutants import mutants_of
from autograder.trusted.judges.convergence import rule_of
from gcb6206 import exercises
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.scripts import diagnose
from gcb6206.scripts.scripting_utils import load_config

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from book import figures, ppo_figures, ranking  # noqa: E402

HOMEWORK, DEBUGGING = (ROOT / "book" / "ppo" / f"{name}.md" for name in ("homework", "debugging"))


@pytest.fixture(autouse=True)
def solved():
    ptu.init_gpu(use_gpu=False)
    solutions.load("hw1")


def cells(page: Path) -> list[str]:
    """The code cells of a page, without their options."""
    blocks = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)
    return [re.sub(r"\A(---\n.*?^---\n|(:[^\n]*\n)+\n?)", "", block, flags=re.S | re.M) for block in blocks]


def run_cells(page: Path, *texts: str) -> dict:
    """What the page's first cell and those that hold one of these texts define."""
    scope: dict = {}
    first, *others = cells(page)
    for cell in [first, *(cell for cell in others if any(text in cell for text in texts))]:
        exec(cell, scope)
    return scope


# --- the recorded runs


def test_every_recorded_run_has_one_planted_fault():
    runs = ppo_figures.recorded_logs()
    names = [name for logs in runs.values() for name in logs]
    assert sorted(names) == sorted(file.stem for file in ppo_figures.BROKEN.glob("*.csv"))
    assert all(runs.values()) and sorted(runs["healthy"]) == test_diagnose.HEALTHY


def test_a_recorded_run_is_read_as_its_test_reads_it():
    for name in ("lr_high_seed1", "sb3_nan_reward_seed1", "healthy_roarm_seed1"):
        log, expected = ppo_figures.recorded_log(name), test_diagnose.read_csv(name)
        assert log.curves.keys() == expected.keys()
        for tag, curve in expected.items():
            np.testing.assert_array_equal(log.curves[tag], curve)


def test_the_table_shows_the_rule_that_each_planted_fault_must_raise():
    rows = ppo_figures.diagnosed().data.splitlines()[2:]
    expected = {name: rule for name, rule, _ in test_diagnose.BROKEN}
    for row, (fault, logs) in zip(rows, ppo_figures.recorded_logs().items(), strict=True):
        planted, count, found = (cell.strip() for cell in row.strip("|").split("|"))
        assert planted == ppo_figures.PLANTED[fault] and int(count) == len(logs)
        rules = {expected[name] for name in logs if name in expected}
        assert set(re.findall(r"`(\w+)`", found)) == rules and (found == "nothing") == (not rules)


def recorder_tables() -> dict[str, tuple]:
    """What ``tests/data/diagnose/record.py`` sets, as far as its tables are plain values."""
    tree = ast.parse((ppo_figures.BROKEN / "record.py").read_text(encoding="utf-8"))
    source = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    scope = {name: ast.literal_eval(source[name]) for name in ("SHORT", "PENDULUM", "ROARM")}
    found = {}
    for key, value in zip(source["OURS"].keys, source["OURS"].values):
        found[key.value] = eval(ast.unparse(value.elts[0]), scope)
    return found


def test_the_numbers_of_the_planted_faults_are_those_that_were_set():
    ours, usual = recorder_tables(), 3e-4
    assert ours["lr_high"]["learning_rate"] == pytest.approx(100 * usual)
    assert ours["lr_low"]["learning_rate"] == pytest.approx(usual / 1000)
    healthy = ours["healthy_pendulum"]["learning_rate"]
    assert ours["pendulum_lr_high"]["learning_rate"] == pytest.approx(100 * healthy)
    assert ours["pendulum_lr_low"]["learning_rate"] == pytest.approx(healthy / 1000)
    said = {
        "lr_rises": f"learning rate rises to {ours['lr_rises']['learning_rate_final']:g}",
        "kl_zero": f"learning rate {ours['kl_zero']['learning_rate']:.0e} and one epoch".replace("e-0", "e-"),
        "clip_wide": f"clip range {ours['clip_wide']['clip_range']:g} and {ours['clip_wide']['n_epochs']} epochs",
        "clip_tight": f"clip range {ours['clip_tight']['clip_range']:g}",
        "entropy_high": f"entropy coefficient {ours['entropy_high']['ent_coef']:g}",
        "no_critic": f"value loss weighs {ours['no_critic']['vf_coef']:g}",
        "gamma_zero": f"discount {ours['gamma_zero']['gamma']:g}",
        "gamma_low": f"discount {ours['pendulum_gamma_low']['gamma']:g} where rewards come late",
    }
    assert said == {fault: ppo_figures.PLANTED[fault] for fault in said} and ours["kl_zero"]["n_epochs"] == 1
    rates = ours["healthy_roarm"]
    assert rates["learning_rate_final"] == pytest.approx(rates["learning_rate"] / 10)  # run C of the page
    assert "> 6144" in (ppo_figures.BROKEN / "record.py").read_text(encoding="utf-8")
    assert 6144 * 4 == 0.6 * ours["nan_observation"]["total_steps"]


def test_the_first_updates_are_the_first():
    log = ppo_figures.recorded_log("healthy_cartpole_default_seed1")
    short = ppo_figures.first_updates(log, 4)
    np.testing.assert_array_equal(short.steps(log.kl), log.steps(log.kl)[:4])
    assert short.steps(diagnose.RETURN)[-1] == log.steps(log.kl)[3]
    assert ppo_figures.first_updates(log, 10**6) is log


def test_who_is_named_after_so_many_updates():
    broken, healthy = len(test_diagnose.BROKEN), len(test_diagnose.HEALTHY)
    assert ppo_figures.named_after(4) == (0, broken, healthy)  # too few to say anything
    assert ppo_figures.named_after(10**6) == (broken, 0, 0)


def test_after_ten_updates_most_faults_are_named_and_no_healthy_run_is_blamed():
    assert ppo_figures.named_after(5)[2] > 0
    for updates in (8, 10, 20, 30):
        right, _, alarms = ppo_figures.named_after(updates)
        assert right > 2 / 3 * len(test_diagnose.BROKEN) and alarms == 0


def test_the_advice_holds_every_rule_once_for_each_thing_it_says():
    rows = ppo_figures.advice().data.splitlines()[2:]
    names = [re.search(r"`(\w+)` \|", row)[1] for row in rows]
    order = [rule.__name__ for rule, _ in diagnose.RULES]
    assert list(dict.fromkeys(names)) == order and len(set(rows)) == len(rows)
    assert names.count("steps_too_large") == names.count("steps_too_small") == 2


def test_the_advice_is_the_programs_own(monkeypatch):
    @functools.wraps(diagnose.clip_range_narrow)
    def changed(log):
        found = diagnose.clip_range_narrow(log)
        return found and dataclasses.replace(found, what="Words of the program.")

    rules = [(changed if rule is diagnose.clip_range_narrow else rule, of) for rule, of in diagnose.RULES]
    monkeypatch.setattr(diagnose, "RULES", rules)
    assert "Words of the program." in ppo_figures.advice().data


def below_both(log) -> float:
    """The part of a log's updates whose divergence and clip fraction are both below the usual advice."""
    names = ("approx_kl", "clip_fraction")
    low = [log.values(ppo_figures.tag_of(log, name)) < ppo_figures.usual(log, name)[0] for name in names]
    return np.logical_and(*low).mean()


def test_several_healthy_runs_are_mostly_below_the_usual_advice_and_one_is_all_the_time():
    shares = [below_both(log) for log in ppo_figures.recorded_logs()["healthy"].values()]
    assert sum(share > 0.5 for share in shares) >= 3 and shares.count(1.0) == 1
    page = " ".join(DEBUGGING.read_text(encoding="utf-8").split())
    assert "several healthy runs spend most of their updates below both of them, and one all of them." in page


def test_a_learning_rate_of_5e_2_is_fifty_times_the_presets():
    preset = load_config(ROOT / "experiments/ppo/cartpole_quick.yaml", None).learning_rate
    page = " ".join(DEBUGGING.read_text(encoding="utf-8").split())
    assert preset == 1e-3 and "a learning rate of 5e-2, fifty times the preset's 1e-3" in page
    assert 'run_and_diagnose("--learning_rate", "5e-2"' in page


@pytest.mark.parametrize("name, rule", [("lr_high_seed1", "steps_too_large"),
                                        ("no_critic_seed1", "critic_explains_nothing"),
                                        ("actions_swapped_seed1", "returns_lost"),
                                        ("healthy_roarm_seed1", None)])  # fmt: skip
def test_the_runs_to_be_read_are_what_the_answers_say(name, rule):
    assert f'"{name}"' in DEBUGGING.read_text(encoding="utf-8")
    assert list(diagnose.diagnose(ppo_figures.recorded_log(name))) == ([rule] if rule else [])


def tuning_orders(text: str) -> list[list[str]]:
    """Every row of four or more hyperparameters that a text lists with commas between them."""
    rows = re.findall(r"`\w+`(?:, (?:then )?`\w+`){3,}", " ".join(text.split()))
    return [re.findall(r"`(\w+)`", row) for row in rows]


@pytest.mark.parametrize("page", ["hyperparameters", "debugging", "choosing"])
def test_every_page_tunes_in_the_programs_order(page):
    text = (DEBUGGING.parent / f"{page}.md").read_text(encoding="utf-8")
    orders = [row for row in tuning_orders(text) if set(row) == set(diagnose.TUNING_ORDER)]
    assert orders and all(row == list(diagnose.TUNING_ORDER) for row in orders)


def test_page_and_program_begin_with_the_same_step_size():
    from book import sweep_figures

    default = sweep_figures.text(sweep_figures.PPOConfig().learning_rate)
    page = " ".join((DEBUGGING.parent / "hyperparameters.md").read_text(encoding="utf-8").split())
    assert re.findall(r"Begin with the default, (\S+)\.", page) == [default]
    for name in ("lr_high_seed1", "lr_low_seed1"):
        (finding,) = diagnose.diagnose(ppo_figures.recorded_log(name)).values()
        assert finding.try_first.startswith(f"Set the learning rate to {default}")


def test_another_order_of_tuning_is_noticed():
    assert tuning_orders("`n_steps`, then `learning_rate`, `gamma`,\n`clip_range`") == [
        ["n_steps", "learning_rate", "gamma", "clip_range"]
    ]


def test_the_program_advises_the_order_where_the_return_has_not_risen():
    log = ppo_figures.recorded_log("reward_constant_seed1")
    flat = np.full_like(log.values(diagnose.RETURN), 20.0)
    curves = log.curves | {diagnose.RETURN: (log.steps(diagnose.RETURN), flat)}
    assert (
        ", ".join(diagnose.TUNING_ORDER)
        in diagnose.returns_flat(dataclasses.replace(log, curves=curves)).try_first
    )


def test_what_is_tuned_first_costs_most():
    from book import sweep_figures

    for task in sweep_figures.TASKS:
        costs = [sweep_figures.spans(task, usual_only=True)[field] for field in diagnose.TUNING_ORDER]
        assert costs == sorted(costs, reverse=True)


def test_the_last_epoch_moves_further_than_the_mean_of_all_by_about_what_diagnose_reckons_with():
    """Stable-Baselines3 logs the last epoch's approx_kl, our runs the mean of all, and under another tag."""
    run = ppo_figures.small_run(seed=1, total_steps=1024)
    samples, agent = run.collect(), run.agent
    state = copy.deepcopy(agent.training_state())
    torch.manual_seed(0)
    ours = agent.update(samples, 0.0)["approx_kl"]
    agent.load_training_state(state)
    torch.manual_seed(0)
    agent.n_epochs = 1
    epochs = [agent.update(samples, 0.0)["approx_kl"] for _ in range(10)]
    assert ours == pytest.approx(np.mean(epochs), rel=1e-3)
    assert 1.1 < epochs[-1] / ours < 1.4 and 1.1 < diagnose.LAST_OVER_MEAN < 1.4


def test_homework_1_marks_what_the_recorded_runs_show_of_approx_kl():
    runs = figures.curves("ppo_cartpole").values()
    assert 0.001 < max(np.median(run["train/approx_kl_mean"][1]) for run in runs) < 0.01
    notebook = (ROOT / "assignments" / "hw1" / "hw1.ipynb").read_text(encoding="utf-8")
    assert "the usual run has an approx_kl_mean below 0.01" in notebook


def test_homework_1_says_who_leaves_the_value_unclipped():
    import stable_baselines3

    from gcb6206.env_configs.ppo_config import PPOConfig

    theirs = inspect.signature(stable_baselines3.PPO).parameters["clip_range_vf"].default
    assert PPOConfig().clip_range_vf is None is theirs
    notebook = (ROOT / "assignments" / "hw1" / "hw1.ipynb").read_text(encoding="utf-8")
    assert "(It is off by default here and in Stable-Baselines3.)" in notebook


# --- the gallery


def small(seed=1):
    return ppo_figures.small_run(seed, total_steps=3 * 1024)


def test_a_mutant_fills_its_exercise_only_where_it_is_asked_to():
    before = {name: exercises.get(name).implementation for name in exercises.ids("hw1")}
    filling = ppo_figures.mutant("policy_loss/sign")
    assert {name: exercises.get(name).implementation for name in before} == before
    ((name, wrong),) = filling.items()
    right = before["hw1.policy_loss"]
    given = torch.zeros(2), torch.zeros(2), torch.tensor([1.0, 2.0]), 0.2
    assert name == "hw1.policy_loss" and wrong(*given) == -right(*given) != 0


@pytest.mark.slow
@pytest.mark.parametrize("bug", ppo_figures.GALLERY)
def test_a_judge_catches_each_bug_of_the_gallery_with_its_hint(bug):
    (known,) = [m for m in mutants_of("hw1") if bug == f"{m.path.parent.name}/{m.name}"]
    assert known.hint and known.hint in ppo_figures.caught(bug).hint


@pytest.mark.slow
def test_watching_a_run_sees_what_training_returns():
    trained, log = ppo_figures.train(small()), ppo_figures.watch(small())
    np.testing.assert_array_equal(log.values(diagnose.RETURN), trained["return"])
    np.testing.assert_array_equal(log.steps(diagnose.RETURN), trained["step"])


@pytest.mark.slow
def test_a_time_limit_as_end_is_invisible_where_no_limit_is_reached():
    """To the last digit, as the page says; a bug that is visible is not."""
    right = ppo_figures.watch(small())
    for bug, same in (("compute_gae/time_limit_as_end", True), ("compute_gae/terminated_ignored", False)):
        wrong = ppo_figures.watch(small(), ppo_figures.mutant(bug))
        assert np.array_equal(wrong.values(diagnose.VALUE_LOSS), right.values(diagnose.VALUE_LOSS)) == same


def test_the_gallery_draws_every_seed_of_every_bug():
    import matplotlib.pyplot as plt

    log = ppo_figures.recorded_log("healthy_cartpole_default_seed1")
    logs = {bug: [log, log] for bug in ("no bug", *ppo_figures.GALLERY)}
    ppo_figures.gallery(logs, "ep_rew_mean")
    drawn = [ax for ax in plt.gcf().axes if ax.lines]
    assert [ax.get_title() for ax in drawn] == list(ppo_figures.GALLERY.values())
    assert all(len(ax.lines) == 4 for ax in drawn)
    plt.close("all")


def test_the_fine_on_the_angle_turns_the_order_around():
    scope = run_cells(DEBUGGING, "def mean_return", "actors = {")
    usual, fine = ([scope["mean_return"](actor, reward, 20) for actor in scope["actors"].values()]
                   for reward in scope["rewards"].values())  # fmt: skip
    assert usual == sorted(usual)
    assert fine[0] > fine[1] > fine[2] and fine[3] > fine[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "bug, lowest, highest",  # parts of the correct code's last return
    [
        ("policy_loss/sign", 0.0, 0.3),
        ("compute_gae/terminated_ignored", 0.0, 0.35),
        ("update/actions_of_others", 0.0, 0.4),
        ("update/values_swapped", 0.8, 1.2),
        ("update/gradients_kept", 0.8, 1.2),
        ("policy_loss/no_exp", 1.1, 2.0),
        ("update/ratio_of_one", 0.0, 2.0),
    ],
)
def test_what_the_gallery_says_of_the_returns(bug, lowest, highest):
    log = ppo_figures.watch(ppo_figures.small_run(1), ppo_figures.mutant(bug))
    assert lowest <= log.values(diagnose.RETURN)[-1] / correct() <= highest
    if bug == "update/values_swapped":
        assert np.abs(log.values(diagnose.EXPLAINED)).max() < 0.2
    if bug in ("update/values_swapped", "update/gradients_kept"):
        assert diagnose.diagnose(log) == {}
    if bug == "update/ratio_of_one":  # what its approx_kl shows
        assert list(diagnose.diagnose(log)) == ["steps_too_large"]


@functools.cache
def correct(seed: int = 1) -> float:
    """The last return of the correct code."""
    return ppo_figures.watch(ppo_figures.small_run(seed)).values(diagnose.RETURN)[-1]


@pytest.mark.slow
def test_a_ratio_without_exp_ends_above_the_correct_code_on_every_seed():
    wrong = ppo_figures.mutant("policy_loss/no_exp")
    ends = [ppo_figures.watch(ppo_figures.small_run(s), wrong).values(diagnose.RETURN)[-1] for s in (1, 2, 3)]
    spreads = ranking.spread(ends), ranking.spread([correct(seed) for seed in (1, 2, 3)])
    assert ranking.compare(*spreads) == "above"


def test_a_ratio_without_exp_learns_from_good_actions_up_to_e_to_the_1_2():
    ((_, wrong),) = ppo_figures.mutant("policy_loss/no_exp").items()

    def gradient(log_ratio, advantage):
        log_prob = torch.tensor([log_ratio], requires_grad=True)
        wrong(log_prob, torch.zeros(1), torch.tensor([advantage]), 0.2).backward()
        return log_prob.grad.item()

    assert gradient(0.0, -1.0) == 0 and gradient(0.0, 1.0) == -1
    assert gradient(1.19, 1.0) == -1 and gradient(1.21, 1.0) == 0


# --- the homework's page


def test_the_notebook_trains_as_the_judge_does():
    rule = rule_of("hw1.convergence")["training"]
    config = dataclasses.asdict(load_config(ROOT / "experiments/ppo/cartpole_quick.yaml", None))
    assert {name: config[name] for name in rule} == rule
    assert "cartpole_quick.yaml" in (ROOT / "assignments/hw1/hw1.ipynb").read_text(encoding="utf-8")


def test_the_hours_are_those_of_the_notebook():
    hours = "five to seven hours"
    assert hours in " ".join(HOMEWORK.read_text(encoding="utf-8").split())
    assert hours in (ROOT / "assignments/hw1/hw1.ipynb").read_text(encoding="utf-8")


def test_the_exercises_stand_where_the_page_says():
    first, *others = exercises.HOMEWORKS["hw1"]
    modules = [exercises.get(name).stub.__module__ for name in exercises.ids("hw1")]
    assert modules == [first] * 2 + others * 7
    text = HOMEWORK.read_text(encoding="utf-8")
    assert f"The first two stand in `{first.replace('.', '/')}.py`" in text


def test_the_points_are_those_of_the_judges_and_the_notebook(monkeypatch):
    glued = {}
    monkeypatch.setattr("myst_nb.glue", lambda name, value, display: glued.update({name: value}))
    run_cells(HOMEWORK, "from myst_nb import glue")
    assert (glued["automatic"], glued["written"], glued["questions"]) == ("26", "10", "2")
    assert glued["threshold"] == f"{rule_of('hw1.convergence')['threshold']:g}"


def test_every_solution_stands_in_the_instructors_edition():
    shown = re.findall(r'figures.show_solution\("([\w.]+)"\)', HOMEWORK.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(exercises.ids("hw1"))


def test_how_often_each_function_is_called():
    counts = run_cells(HOMEWORK, "counts =", "name: counted(name)")["counts"]
    minibatches = 10 * 1024 // 64
    assert counts["hw1.compute_gae"] == 1 and counts["hw1.linear_schedule"] == 3
    assert counts["hw1.policy_loss"] == counts["hw1.value_loss"] == minibatches
    assert counts["hw1.entropy_bonus"] == minibatches + 1 and counts["hw1.minibatch_indices"] == 10
    assert counts["hw1.tanh_normal_log_prob"] == 0


def test_the_three_steps_are_what_the_page_says(capsys):
    run_cells(HOMEWORK, "cases = {")
    lines = capsys.readouterr().out.splitlines()
    found = [[float(x) for x in re.findall(r"-?\d+\.\d*", line)] for line in lines]
    expected = [[0.9**2 * 9, 0.9 * 9, 9], [-0.9 * 9, -9, 9], [0, 0, 9]]
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_a_density_integrates_to_one_with_the_slope_alone(capsys):
    run_cells(HOMEWORK, "torch.trapezoid")
    right, wrong = (float(x) for x in re.findall(r"integral (\d\.\d+)", capsys.readouterr().out))
    assert abs(right - 1) < 0.002 < abs(wrong - 1)


# --- the widgets' style


def test_no_class_of_a_figure_is_one_that_the_theme_paints():
    """Bootstrap paints ``mark`` in dark mode."""
    static = ROOT / "book" / "_static"
    files = [static / "course.css", *static.glob("*.js")]
    assert not [f.name for f in files if re.search(r'class: "mark"|\.mark\b', f.read_text(encoding="utf-8"))]
