"""Convergence grading: exact bounds, a rule that stops early, an honest threshold, disguised environments."""

import dataclasses
import itertools
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
import yaml

from autograder.__main__ import main
from autograder.student_side.student import LocalStudent, StudentFailure
from autograder.student_side.world import PlayedElsewhere, hosted
from autograder.trusted import calibrate as cal
from autograder.trusted.judges import cartpole
from autograder.trusted.judges import convergence as shared
from autograder.trusted.judges.hw3 import test_convergence as hw3
from autograder.trusted.judges.worlds import CartPoleWorld
from autograder.trusted.runner import run_judges
from gcb6206 import exercises
from gcb6206.env_configs.dqn_basic_config import make_vector_env
from gcb6206.runs.dqn import TrainingRun

ROOT = Path(__file__).resolve().parents[1]
RULE = {"threshold": 100.0, "seeds": 3, "needed": 2}


# --- bounds ---------------------------------------------------------------------------------------


def wald(successes: int, runs: int) -> tuple[float, float]:
    """The textbook interval, which is not exact."""
    p = successes / runs
    half = 1.96 * math.sqrt(p * (1 - p) / runs)
    return p - half, p + half


def lowest_coverage(interval, runs: int = 20) -> float:
    """How often an interval holds the true probability, where it does so least."""
    intervals = [interval(k, runs) for k in range(runs + 1)]
    return min(
        math.fsum(
            math.comb(runs, k) * p**k * (1 - p) ** (runs - k)
            for k, (low, high) in enumerate(intervals)
            if low <= p <= high
        )
        for p in np.linspace(0.01, 0.99, 99).tolist()
    )


def test_bounds_are_those_of_clopper_and_pearson():
    assert cal.proportion_bounds(40, 40) == pytest.approx((0.025 ** (1 / 40), 1.0))
    assert cal.proportion_bounds(0, 15) == pytest.approx((0.0, 1 - 0.025 ** (1 / 15)))
    assert cal.proportion_bounds(8, 10) == pytest.approx((0.44390, 0.97479), abs=1e-5)


def test_bounds_hold_the_truth_as_often_as_they_say_and_the_textbook_interval_does_not():
    assert lowest_coverage(cal.proportion_bounds) >= 0.95 > lowest_coverage(wald)


# --- the rule -------------------------------------------------------------------------------------


def decide(outcomes, rule) -> tuple[int, bool]:
    """How many runs the rule needs for these outcomes, and what it decides."""
    left = iter(outcomes)
    values, passes = shared.run_until_decided(lambda: 100.0 if next(left) else 99.9, rule)
    return len(values), passes


@pytest.mark.parametrize("needed, seeds", [(1, 1), (2, 3), (3, 5)])
def test_the_rules_probability_is_that_of_all_outcomes(needed, seeds):
    rule, p = {"threshold": 100.0, "needed": needed, "seeds": seeds}, 0.7
    total = sum(
        p ** sum(outcomes) * (1 - p) ** (seeds - sum(outcomes))
        for outcomes in itertools.product([True, False], repeat=seeds)
        if decide(outcomes, rule)[1]
    )
    assert cal.at_least(needed, seeds, p) == pytest.approx(total)
    assert cal.at_least(needed + 1, seeds, p) != pytest.approx(total)


@pytest.mark.parametrize(
    "outcomes, runs, passes",
    [((1, 1, 0), 2, True), ((0, 0, 1), 2, False), ((1, 0, 1), 3, True), ((0, 1, 0), 3, False)],
)
def test_the_rule_stops_once_decided(outcomes, runs, passes):
    assert decide(outcomes, RULE) == (runs, passes)


def test_a_submissions_seconds_are_those_of_the_runs_it_needs():
    values = [(100, 1.0), (100, 2.0), (0, 4.0), (0, 8.0), (100, 16.0), (100, 32.0), (100, 64.0)]
    records = [{"value": value, "cpu_seconds": seconds} for value, seconds in values]
    assert cal.submission_seconds(RULE, records) == [3.0, 56.0]  # the seventh run is no whole submission


# --- the threshold --------------------------------------------------------------------------------


def test_the_threshold_stands_between_right_runs_and_the_wrong_ones_clearly_below():
    right, poor, better = [130.0, *[180.0] * 30], [9.0] * 15, [*[20.0] * 14, 70.0]
    too_close, learns_as_well = [*[20.0] * 14, 90.0], [*[20.0] * 14, 480.0]
    assert cal.choose_threshold(right, [poor, better, too_close, learns_as_well]) == 115.0
    assert cal.choose_threshold(right, [poor]) == 99.0
    with_less_spread = [130.0, *[160.0] * 30]
    assert cal.choose_threshold(with_less_spread, [poor, better, too_close]) == 120.0


def test_the_threshold_moves_with_the_returns():
    right, wrong = [130.0, *[180.0] * 30], [9.0] * 15
    moved = cal.choose_threshold([v - 1000 for v in right], [[v - 1000 for v in wrong]])
    assert moved == pytest.approx(cal.choose_threshold(right, [wrong]) - 1000, abs=1)


def test_no_threshold_where_nothing_wrong_stays_below():
    with pytest.raises(ValueError, match="no mutant's runs stay below"):
        cal.choose_threshold([100.0, 500.0], [[9.0, 300.0]])


def calibrated(rule: dict) -> dict:
    """The threshold and the bounds that follow from a rule's own values."""
    runs = rule["calibration"]["runs"]
    fit = [values[cal.FIT] for name, values in runs.items() if name != cal.REFERENCE]
    fixed = rule.get("fixed", False)
    threshold = rule["threshold"] if fixed else cal.choose_threshold(runs[cal.REFERENCE][cal.FIT], fit)
    errors = cal.bounds(cal.summary({**rule, "threshold": threshold}))
    return {"threshold": threshold, **{name: round(value, 4) for name, value in errors.items()}}


def stated(rule: dict) -> dict:
    """What thresholds.yaml says of the same."""
    names = ("false_fail_at_most", "false_pass_at_most")
    return {"threshold": rule["threshold"], **{name: rule["calibration"][name] for name in names}}


@pytest.mark.parametrize("homework, held_out", [("hw3", 80), ("hw4", 80)])
def test_the_numbers_in_thresholds_yaml_follow_from_its_runs(homework, held_out):
    rule = shared.rule_of(f"{homework}.convergence")
    assert stated(rule) == calibrated(rule)
    assert len(rule["calibration"]["runs"][cal.REFERENCE][cal.HELD_OUT]) >= held_out
    rule["calibration"]["runs"][cal.REFERENCE][cal.HELD_OUT][0] = 0.0
    assert stated(rule) != calibrated(rule)


def test_the_team_is_judged_by_the_line_that_the_page_describes():
    rule = shared.rule_of("hw4.convergence")
    fit = {name: values[cal.FIT] for name, values in rule["calibration"]["runs"].items()}
    assert rule["threshold"] == round((min(fit[cal.REFERENCE]) + max(fit["multi_agent_gae/over_agents"])) / 2)
    rows = {row.variant: row for row in cal.summary(rule)}
    assert rows["multi_agent_gae/over_agents"].verdict == "caught by convergence"
    for mistake in ("max_for_min", "no_exp", "team_ratio"):
        assert 0 < rows[f"mappo_loss/{mistake}"].rate[0] < 0.5


def test_runs_with_a_local_critic_end_no_lower_as_the_page_says():
    reference, *mistakes = cal.summary(shared.rule_of("hw4.convergence"))
    rows = {row.variant: row for row in mistakes}
    local, slow = rows["centralized_value/local_repeated"], rows["multi_agent_gae/over_agents"]
    assert local.quantiles[1] >= reference.quantiles[1] > slow.quantiles[1]
    assert local.verdict == "caught by unit judge value only"


@pytest.mark.parametrize("homework", ["hw1", "hw3", "hw4"])
def test_a_submission_costs_at_most_a_minute(homework):
    assert (
        shared.rule_of(f"{homework}.convergence")["calibration"]["cpu_seconds_of_a_submission"]["max"] <= 60
    )


def test_writing_changes_one_entry_and_keeps_every_comment(tmp_path):
    path = tmp_path / "thresholds.yaml"
    path.write_text("# top\na.convergence:\n  threshold: 1\n  seeds: 3  # odd\n\nb.convergence:\n  x: 2\n")
    rule = {"threshold": 7.0, "calibration": {"runs": {"reference": {"fit": [1.0], "held_out": [2.0]}}}}
    for _ in range(2):  # the second time replaces what the first has written
        cal.write_rule("a.convergence", rule, path)
    text = path.read_text()
    assert text.startswith("# top\na.convergence:\n  threshold: 7\n  seeds: 3  # odd\n  calibration:")
    assert text.count("calibration:") == 1
    assert yaml.safe_load(text) == {
        "a.convergence": {"threshold": 7, "seeds": 3, "calibration": rule["calibration"]},
        "b.convergence": {"x": 2},
    }
    with pytest.raises(ValueError, match="c.convergence"):
        cal.write_rule("c.convergence", rule, path)


# --- runs and their log ---------------------------------------------------------------------------

MEASURED = {"training": {"total_steps": 5}, "mutants": ["update/one"], **RULE}


@pytest.fixture
def runs(monkeypatch):
    """Runs that cost nothing; the jobs that were really run, in order. The third one is interrupted once."""
    done = []

    def run(exercise, rule, jobs, workers):
        for job in jobs:
            if len(done) == 2:
                done.append(None)
                raise KeyboardInterrupt
            done.append(job)
            record = {"rule": cal.fingerprint(rule), **dataclasses.asdict(job)}
            yield {**record, "value": float(job.seed(exercise)), "cpu_seconds": 1.0}

    monkeypatch.setattr(cal, "_fork_runs", run)
    return done


def test_a_killed_calibration_goes_on_with_what_is_missing(runs, tmp_path):
    jobs, log = cal.plan(MEASURED, 3, 2, 4), tmp_path / "deep" / "log.jsonl"
    with pytest.raises(KeyboardInterrupt):
        cal.run_jobs("hw3.convergence", MEASURED, jobs, log, 1)
    with open(log, "a", encoding="utf-8") as file:
        file.write('{"rule": "cut o')
    records = cal.run_jobs("hw3.convergence", MEASURED, jobs, log, 1)
    runs.remove(None)
    assert sorted(map(str, runs)) == sorted(map(str, jobs)) and len(jobs) == 9 == len(set(jobs))
    undisturbed = cal.run_jobs("hw3.convergence", MEASURED, jobs, tmp_path / "other.jsonl", 1)
    assert records == undisturbed == cal.recorded(log, MEASURED)


def test_runs_of_other_settings_do_not_count_but_another_threshold_is_no_other_setting(tmp_path):
    log = tmp_path / "log.jsonl"
    job = {"variant": "reference", "part": "fit", "number": 0, "value": 1.0}
    log.write_text(json.dumps({"rule": cal.fingerprint(MEASURED), **job}) + "\n")
    assert cal.recorded(log, {**MEASURED, "threshold": 1.0}) == cal.recorded(log, MEASURED) != {}
    assert cal.recorded(log, {**MEASURED, "training": {"total_steps": 6}}) == {}


def test_every_run_has_its_own_process_and_what_it_tries_stays_there(solved, monkeypatch):
    critic_updates = exercises.get("hw3.update_critic")

    def measure(student, rule, seed):
        return float(critic_updates.implementation is reference)

    reference = critic_updates.implementation
    monkeypatch.setattr(hw3, "measure", measure)
    monkeypatch.setattr("solutions.load", lambda: None)
    jobs = [cal.Job(variant, "fit", 0) for variant in ("update_critic/no_done_mask", cal.REFERENCE)]
    records = list(cal._fork_runs("hw3.convergence", MEASURED, jobs, 1))
    assert [record["value"] for record in records] == [0, 1]


@pytest.mark.parametrize(
    "variant, measure, outcome",
    [
        ("update_critic/no_done_mask", "refuse", -math.inf),
        (cal.REFERENCE, "refuse", RuntimeError),
        ("update_critic/no_done_mask", "die", RuntimeError),
    ],
)
def test_a_mutant_that_fails_reaches_nothing_and_a_failing_reference_or_grader_stops(
    solved, monkeypatch, variant, measure, outcome
):
    def refuse(student, rule, seed):
        raise StudentFailure("refused", "no weights")

    monkeypatch.setattr(hw3, "measure", refuse if measure == "refuse" else lambda *_: os._exit(1))
    runs = cal._fork_runs("hw3.convergence", MEASURED, [cal.Job(variant, "fit", 0)], 1)
    if outcome is RuntimeError:
        with pytest.raises(RuntimeError, match=variant):
            next(runs)
    else:
        assert next(runs)["value"] == outcome


def test_no_two_runs_share_a_seed():
    jobs = cal.plan(MEASURED, 100, 100, 60)
    assert len({job.seed("hw3.convergence") for job in jobs}) == len(jobs) == 260


@pytest.mark.parametrize(
    "words, message",
    [
        (["hw9"], "'hw9' has no convergence rule: thresholds.yaml knows"),
        (["hw3", "--seeds", "2"], "--seeds 2"),
        (["hw3"], "go on with --resume"),
    ],
)
def test_the_command_refuses_with_the_cure(words, message, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cal, "COURSE", tmp_path)
    (tmp_path / "build" / "calibration").mkdir(parents=True)
    (tmp_path / "build" / "calibration" / "hw3.jsonl").write_text("")
    assert main(["calibrate", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("fixed, expected", [(False, 77), (True, 475)])
def test_a_fixed_threshold_is_measured_and_stays(fixed, expected, monkeypatch, tmp_path):
    def runs(exercise, rule, jobs, log, workers):
        value = {"reference": 100.0, "a/wrong": 10.0}
        return {
            job: {"variant": job.variant, "part": job.part, "number": job.number, "value": value[job.variant],
                  "cpu_seconds": 1.0}
            for job in jobs
        }  # fmt: skip

    path = tmp_path / "thresholds.yaml"
    line = "  fixed: true\n" if fixed else ""
    path.write_text(
        f"hw7.convergence:\n  threshold: 475\n{line}  seeds: 3\n  needed: 2\n  mutants: [a/wrong]\n"
    )
    monkeypatch.setattr(cal, "COURSE", tmp_path)
    monkeypatch.setattr(cal, "THRESHOLDS", path)
    monkeypatch.setattr(cal, "run_jobs", runs)
    monkeypatch.setattr(cal, "unit_judges", lambda *_: {"a/wrong": "none"})
    monkeypatch.setattr(cal, "write_rule", lambda exercise, rule: written.append(rule))
    written = []
    cal.calibrate("hw7", 4, 4, 4, 1, resume=False)
    assert written[0]["threshold"] == expected
    assert written[0]["calibration"]["false_fail_at_most"] > (0.9 if fixed else 0.0)


# --- the disguise ---------------------------------------------------------------------------------


def pole_critic() -> list[np.ndarray]:
    """Pushes to where the pole falls, in the course's network."""
    weights = [np.zeros(shape) for shape in cartpole.SHAPES]
    weights[0][:, 0] = [0.0, 0.0, 0.1, 0.1]
    weights[2][0, 0] = weights[4][0, 1] = 1.0
    return weights


def adapted(critic: list[np.ndarray], mix: np.ndarray, actions: np.ndarray) -> list[np.ndarray]:
    """The same policy for someone who sees the disguise."""
    return [mix.T @ critic[0], *critic[1:4], critic[4][:, actions], critic[5][actions]]


DISGUISES = [
    {"mix": np.diag(np.float32(signs))[:, list(order)], "actions": np.array(actions)}
    for order in itertools.permutations(range(4))
    for signs in itertools.product([-1, 1], repeat=4)
    for actions in ([0, 1], [1, 0])
]


def test_every_disguise_is_drawn():
    rng = np.random.default_rng(0)
    drawn = [shared.draw_disguise(rng, 4, 2) for _ in range(8000)]
    keys = {(d["mix"].tobytes(), d["actions"].tobytes()) for d in drawn}
    assert keys == {(d["mix"].tobytes(), d["actions"].tobytes()) for d in DISGUISES} and len(keys) == 768


def test_each_run_has_a_disguise_of_its_own(monkeypatch):
    drawn, draw = [], shared.draw_disguise
    monkeypatch.setattr(
        shared, "draw_disguise", lambda rng, **kwargs: drawn.append(draw(rng, **kwargs)) or drawn[-1]
    )

    class Refused(Exception):
        pass

    def refuse(*_):
        raise Refused

    monkeypatch.setattr(shared, "trained", refuse)
    for seed in range(3):
        with pytest.raises(Refused):
            cartpole.measure(None, "hw3.convergence", "critics", hw3.RULE, seed, "", "")
    assert len({(d["mix"].tobytes(), d["actions"].tobytes()) for d in drawn}) == 3


def test_the_page_says_which_mistakes_the_training_does_not_reliably_stop():
    rows = {row.variant: row for row in cal.summary(shared.rule_of("hw3.convergence"))}
    missed = {name: row.passes[0] for name, row in rows.items() if "unit judge" in row.verdict}
    seldom = missed.pop("run_training_loop/observation_not_advanced")
    assert cal.CAUGHT < seldom < 0.1 and len(missed) == 3 and min(missed.values()) > 0.5
    page = " ".join((ROOT / "book" / "using" / "grading.md").read_text(encoding="utf-8").split())
    assert 'grading.passes("hw3", "run_training_loop/observation_not_advanced")' in page
    assert "passes in about {glue:text}`seldom_passes` of the cases" in page
    assert "The others pass in most cases or in all." in page


def played(disguise: dict, actions: Sequence[int]) -> list[np.ndarray]:
    """What a training sees that takes these actions."""
    world = CartPoleWorld(np.random.default_rng(3), 100, disguise, single=True)
    with hosted(world):
        env = PlayedElsewhere(make_vector_env("CartPole-v1"))
        seen = [env.reset(seed=5)[0]] + [env.step(action)[0] for action in actions]
    assert env.observation_space.contains(seen[0]) and isinstance(env.action_space, gym.spaces.Discrete)
    assert world.played == len(actions)
    return seen


def test_both_sides_wear_the_same_disguise():
    for disguise in DISGUISES[5::97]:
        chosen = np.array([0, 1, 1, 0, 1])
        hidden = played(cartpole.NO_DISGUISE, disguise["actions"][chosen])
        assert np.array_equal(played(disguise, chosen), hidden @ disguise["mix"])
        critic = adapted(pole_critic(), **disguise)
        undisguised = cartpole.mean_return(pole_critic(), 5, 0)
        assert cartpole.mean_return(critic, 5, 0, disguise) == undisguised > 150


@pytest.mark.slow
def test_one_set_of_weights_fits_hardly_any_disguise():
    threshold = hw3.RULE["threshold"]
    assert cartpole.mean_return(pole_critic(), 5, 0) >= threshold
    fits = [cartpole.mean_return(pole_critic(), 5, 0, disguise) >= threshold for disguise in DISGUISES]
    share = float(np.mean(fits))
    assert share == 1 / 12 and cal.at_least(2, 3, share) == pytest.approx(0.02, abs=0.001)


def embeds(stolen: np.ndarray):
    """A training loop that trains nothing: it plays, makes one update for show, and takes weights from elsewhere."""

    def run_training_loop(config, logger, args):
        run = TrainingRun(config, logger, args)
        agent, env = run.agent, run.env
        env.reset()
        for _ in range(config["total_steps"]):
            _, _, terminated, truncated, _ = env.step(0)
            if terminated or truncated:
                env.reset()
        nothing = torch.zeros(2)
        agent.update(torch.zeros(2, 4), nothing.long(), nothing, torch.zeros(2, 4), nothing, step=1)
        with torch.no_grad():
            agent.critic.weights.copy_(torch.from_numpy(stolen))
        return agent

    return run_training_loop


@pytest.mark.slow
def test_weights_from_elsewhere_pass_without_the_disguise_and_fail_with_it(solved, monkeypatch):
    short = {**hw3.RULE["training"], "total_steps": 3000, "learning_starts": 500}
    monkeypatch.setitem(hw3.RULE, "training", short)
    monkeypatch.setitem(hw3.RULE, "threshold", 50.0)

    found = run_judges(list(shared.STANDS_ON["hw3.convergence"]), LocalStudent(), 1).results

    def score() -> float:
        return run_judges("hw3.convergence", LocalStudent(), 1, found=found).score

    assert score() == 2  # honest training, in disguise
    student = LocalStudent()
    with student.playing(CartPoleWorld(np.random.default_rng(0), 3000, cartpole.NO_DISGUISE, single=True)):
        reply = student.run("hw3.convergence", seed=1, training=short, snapshot_every=1000)
    stolen = np.concatenate([part.ravel() for part in reply["critics"][-1]])
    with exercises.filled({"hw3.run_training_loop": embeds(stolen)}):
        assert score() == 0
        monkeypatch.setattr(shared, "draw_disguise", lambda *_, **__: cartpole.NO_DISGUISE)
        assert score() == 2
