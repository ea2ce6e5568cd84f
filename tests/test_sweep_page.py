"""The hyperparameter chapter: its arithmetic, every claim that the recorded sweeps could refute, its widget."""

from __future__ import annotations

import copy
import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
STATIC, PAGE = ROOT / "book" / "_static", ROOT / "book" / "ppo" / "hyperparameters.md"

sys.path[:0] = [str(ROOT)]

from book import ranking, sweep_figures  # noqa: E402

C, P = "ppo_cartpole", "ppo_pendulum"
BOTH = (C, P)
SCALE = {C: 500.0, P: 1200.0}  # from a random policy's return to a good one's


# --- the arithmetic


def run(field=None, value=None, seed=1, steps=(), returns=(), error=None, **logged):
    curves = {"eval_return": {"step": list(steps), "value": list(returns)}}
    curves |= {tag: {"step": [1] * len(values), "value": values} for tag, values in logged.items()}
    return {"change": [field, value] if field else None, "seed": seed, "error": error, "curves": curves}


def test_interval_is_that_of_all_resamples():
    samples = np.random.default_rng(0).normal(size=(4, 3))
    means = [np.mean([samples[i] for i in drawn], axis=0) for drawn in itertools.product(range(4), repeat=4)]
    low, high = sweep_figures.interval(samples)
    np.testing.assert_allclose((low, high), np.quantile(means, [0.025, 0.975], axis=0))


def test_interval_of_one_seed_has_no_width_and_many_seeds_are_refused():
    assert np.isnan(sweep_figures.interval(np.array([3.0]))).all()
    with pytest.raises(ValueError, match="7 seeds have 7"):
        sweep_figures.interval(np.arange(7.0))


def test_score_is_the_mean_over_the_last_two_thirds_however_often_it_was_evaluated():
    steps = np.arange(1, 13) * 8192
    often = run(steps=steps, returns=steps)
    seldom = run(steps=steps[3::4], returns=steps[3::4])  # three rollouts of 8192 steps in 4 environments
    expected = steps[3:].mean()  # 98304 / 3 is the fourth
    assert sweep_figures.score(C, often) == pytest.approx(expected)
    assert sweep_figures.score(C, seldom) == pytest.approx(expected)


def test_settings_hold_each_value_with_its_seeds_and_leave_out_what_broke_off(monkeypatch):
    steps = (32768, 65536, 98304)
    recorded = [run("gamma", 0.5, 2, steps, (1, 1, 1)), run("gamma", 0.5, 1, steps, (3, 3, 3)),
                run("gamma", 0.9, 1, error="NaN"), run(None, None, 1, steps, (9, 9, 9)),
                run("n_epochs", 0.5, 1, steps, (7, 7, 7))]  # fmt: skip
    monkeypatch.setattr(sweep_figures.sweep, "read_lines", lambda record: recorded)
    found = sweep_figures.settings(C, "gamma")
    assert [(s.value, s.usual, s.seeds, s.scores.tolist()) for s in found] == [
        (0.5, False, [1, 2], [3.0, 1.0]),
        (0.99, True, [1], [9.0]),
    ]
    assert "['gamma', 0.9], seed 1" in sweep_figures.recorded().data
    assert "5 runs of 210" in sweep_figures.recorded().data


def test_values_are_written_as_in_the_configuration():
    shown = [sweep_figures.text(value) for value in (1e-5, 3e-4, 1e-3, 0.01, 0.0, 8192, 10.0, None)]
    assert shown == ["1e-5", "3e-4", "1e-3", "0.01", "0", "8192", "10", "none"]


def test_the_way_is_the_rate_times_the_gradient_steps():
    assert sweep_figures.way(C, run()) == pytest.approx(3e-4 * 15360)
    assert sweep_figures.way(C, run("batch_size", 8192)) == pytest.approx(3e-4 * 120)
    assert sweep_figures.way(C, run("n_epochs", 1)) == pytest.approx(3e-5 * 15360)


def test_the_noise_of_the_seeds_is_the_mean_span_of_values_without_effect(monkeypatch):
    rng = np.random.default_rng(0)
    drawn = 7.0 * rng.standard_normal((10, 5, 500))  # ten hyperparameters of five values, 500 seeds
    fields = iter(drawn)
    monkeypatch.setattr(sweep_figures, "settings", lambda task, field: [
        sweep_figures.Setting(None, False, [], np.empty(0), np.empty(0), x) for x in next(fields)])  # fmt: skip
    means = 7.0 / np.sqrt(500) * rng.standard_normal((20_000, 5))
    assert sweep_figures.seed_noise(C) == pytest.approx(np.ptp(means, axis=1).mean(), rel=0.03)


def test_results_are_ranked_only_where_their_intervals_are_apart():
    results = {"low": (1.0, (0.0, 2.0)), "near": (4.0, (2.5, 5.5)), "high": (5.0, (4.0, 6.0)),
               "one seed": (4.5, (np.nan, np.nan))}  # fmt: skip
    assert ranking.against_best(results) == ("high", ["near", "one seed"], ["low"])
    assert ranking.sentence(results) == "best mean: high; tie with it: near, one seed; below it: low"
    touching = [
        ranking.compare((0, 1), (1, 2)),
        ranking.compare((0, 0.9), (1, 2)),
        ranking.compare((1, 2), (0, 0.9)),
    ]
    assert touching == ["tie", "below", "above"]


def test_every_list_of_scores_says_what_ties_with_the_best():
    lines = sweep_figures.scores("ent_coef").data.splitlines()
    assert lines[0].endswith("*Best mean: 0; tie with it: 1e-3, 0.01, 0.1, 0.5; below it: none.*")
    assert lines[1].endswith("*Best mean: 0; tie with it: 1e-3, 0.01; below it: 0.1, 0.5.*")


def test_the_default_is_the_packages_and_the_preset_the_tasks():
    rows = sweep_figures.presets().data.splitlines()
    assert "| `n_steps` | 2048 | 2048 | 512 |" in rows and "| `gamma` | 0.99 | 0.99 | 0.9 |" in rows
    text = PAGE.read_text(encoding="utf-8")
    head = r"^##+ `(\w+)`\n(?:(?!^##).*\n)*?^\| default \|.*\n\|[-|]+\n\| ([^|]+) \|"
    found = dict(re.findall(head, text, re.M))
    assert set(found) == set(sweep_figures.USUAL)
    assert {f: float(v) for f, v in found.items()} == {
        f: getattr(sweep_figures.PPOConfig(), f) for f in found
    }


# --- the claims


def mean(task, field, value="preset"):
    """The mean score of one setting."""
    found = {s.value: s.scores.mean() for s in sweep_figures.settings(task, field)}
    return found[getattr(sweep_figures.preset(task), field) if value == "preset" else value]


def every(task, field):
    return {s.value: s.scores.mean() for s in sweep_figures.settings(task, field)}


def close(task, field, *values):
    """Whether values score alike: within 8% of the task's scale."""
    return np.ptp([mean(task, field, value) for value in values]) < 0.08 * SCALE[task]


def worse(task, field, value, than="preset"):
    """Whether a value scores less than another by more than 4% of the task's scale."""
    return mean(task, field, than) - mean(task, field, value) > 0.04 * SCALE[task]


def against(task, field, value, other_field, other):
    """Where one value's interval lies against another's, as ``ranking.compare`` says it."""
    first, second = (sweep_figures.measured(task, name)[sweep_figures.text(number)][1]
                     for name, number in ((field, value), (other_field, other)))  # fmt: skip
    return ranking.compare(first, second)


def below(task, field, value, than="preset"):
    """Whether a value scores less than another of the same hyperparameter, by intervals that do not overlap."""
    than = getattr(sweep_figures.preset(task), field) if than == "preset" else than
    return against(task, field, value, field, than) == "below"


def best(task, field, *values):
    """Whether exactly these values are the best one and those that tie with it."""
    first, ties, _ = ranking.against_best(sweep_figures.measured(task, field))
    return {first, *ties} == {sweep_figures.text(value) for value in values}


def tied_costs(task, field):
    """The hyperparameters whose cost in the usual range ties with that of another."""
    found = sweep_figures.span_intervals(task, usual_only=True)
    own = found.pop(field)[1]
    return [other for other, (_, ends) in found.items() if ranking.compare(own, ends) == "tie"]


def lost(task, field, value):
    """How much less than the preset a value scores, in parts of the task's scale."""
    return (mean(task, field) - mean(task, field, value)) / SCALE[task]


def in_range(task, field):
    """The values in the original notes' range with their scores."""
    return {
        value: found for value, found in every(task, field).items() if sweep_figures.is_usual(field, value)
    }


def bottom(found):
    """The value with the lowest score."""
    return min(found, key=found.get)


def top(found):
    """The value with the highest score."""
    return max(found, key=found.get)


def evaluated(task, field, value, which):
    """The mean over the seeds of the first (0) or the last (-1) evaluation."""
    return next(s.returns.mean(0)[which] for s in sweep_figures.settings(task, field) if s.value == value)


def logged(task, field, value, tag):
    """The median over the seeds of a figure's median over the updates."""
    usual = value == getattr(sweep_figures.preset(task), field)
    same = [r for r in sweep_figures.runs(task) if r["change"] == (None if usual else [field, value])]
    return np.median([np.median(r["curves"][tag]["value"]) for r in same])


def order(task):
    """The hyperparameters by what they cost in the usual range."""
    costs = {f: c for f, c in sweep_figures.spans(task, usual_only=True).items() if not np.isnan(c)}
    return sorted(costs, key=lambda field: -costs[field])


def way_decides(task):
    """Whether score and way rise together, over the three hyperparameters, up to the preset's way."""
    config = sweep_figures.preset(task)
    whole = config.learning_rate * config.total_steps * config.n_epochs / config.batch_size
    same = [r for r in sweep_figures.runs(task) if not r["change"] or r["change"][0] in THREE]
    same = [r for r in same if sweep_figures.way(task, r) <= whole]
    x, y = [sweep_figures.way(task, r) for r in same], [sweep_figures.score(task, r) for r in same]
    ranks = [np.unique(v, return_inverse=True)[1] for v in (x, y)]
    return np.ptp(x) > 0 and np.ptp(y) > 0 and np.corrcoef(ranks)[0, 1] > 0.75


def share(task, name, which, low, high):
    """The part of the runs, of those that learned or of the others, whose figure is between two limits."""
    values = sweep_figures.health(task, name, which)
    return ((values >= low) & (values <= high)).mean() if len(values) else np.nan


def rises_first(task):
    """The part of the runs that learned whose value loss was ever above that of the first update."""
    runs = [r for r in sweep_figures.runs(task) if sweep_figures.learned(task, r)]
    losses = [r["curves"]["value_loss"]["value"] for r in runs]
    return np.mean([max(values[1:]) > values[0] for values in losses])


def separates(task, name):
    """Whether some limit has all runs that learned on one side and all others on the other."""
    both = [sweep_figures.health(task, name, which) for which in (True, False)]
    if not all(len(values) for values in both):
        return True
    return both[0].min() > both[1].max() or both[0].max() < both[1].min()


def updates(task, n_steps):
    config = sweep_figures.preset(task)
    return config.total_steps // (n_steps * config.num_envs)


THREE = ("learning_rate", "batch_size", "n_epochs")
INF = np.inf
RANGE = sweep_figures.HEALTH["approx_kl"][2]  # of the notes, as a mean of all epochs
CLAIMS = {
    "`learning_rate` has the highest mean cost on both tasks; on Pendulum `n_steps` ties with it. After these two "
    "comes `gamma`. It ties with `n_steps` on CartPole and with `n_epochs` on Pendulum.":
        lambda: all(order(t)[:3] == ["learning_rate", "n_steps", "gamma"] for t in BOTH)
        and tied_costs(P, "learning_rate") == ["n_steps"] and tied_costs(C, "learning_rate") == []
        and tied_costs(C, "gamma") == ["n_steps"] and tied_costs(P, "gamma") == ["n_epochs"],
    "For the third place it supports `gamma` alone on CartPole. On Pendulum `gamma` ties with `n_epochs`, and we choose "
    "`gamma`.":
        lambda: order(C)[2] == "gamma" and tied_costs(C, "gamma") == ["n_steps"]
        and tied_costs(P, "gamma") == ["n_epochs"],
    "On both tasks `clip_range` costs less than `learning_rate`, `n_steps` and `gamma`.":
        lambda: all(ranking.compare(found["clip_range"][1], found[other][1]) == "below"
                    for found in (sweep_figures.span_intervals(t, usual_only=True) for t in BOTH)
                    for other in ("learning_rate", "n_steps", "gamma")),
    "A `batch_size` of thousands and a `gamma` of 0.5 cost more than the smallest clip range, on both tasks. On "
    "CartPole a `gae_lambda` of 0 does too.":
        lambda: all(against(t, field, value, "clip_range", 0.02) == "below"
                    for t, batch in ((C, 8192), (P, 2048)) for field, value in (("batch_size", batch), ("gamma", 0.5)))
        and against(C, "gae_lambda", 0.0, "clip_range", 0.02) == "below",
    "Three strips are nearly flat: `ent_coef` up to 0.1, `max_grad_norm` from 0.1 on, and `vf_coef` as long as it is "
    "not 0. In these three the values differ by less than 8% of the task's scale.":
        lambda: all(close(t, "ent_coef", 0.0, 0.001, 0.01, 0.1) and close(t, "vf_coef", 0.1, 0.5, 1.0, 5.0)
                    and close(t, "max_grad_norm", 0.1, 0.5, 2.0, None) for t in BOTH)
        and below(P, "vf_coef", 0.0) and below(P, "ent_coef", 0.5),
    "On the left the three lie on one rising curve.":
        lambda: all(way_decides(t) for t in BOTH),
    "More epochs do little harm here. A higher learning rate does harm, on Pendulum.":
        lambda: all(mean(t, "n_epochs", 30) > mean(t, "n_epochs") - 0.06 * SCALE[t] for t in BOTH)
        and below(P, "learning_rate", 0.01),
    "too slow for a training of this length: 1e-5 on CartPole, and even 1e-4 on Pendulum.":
        lambda: below(C, "learning_rate", 1e-5) and below(P, "learning_rate", 1e-4),
    "On CartPole every rate from 3e-4 up to 1e-2 ties. On Pendulum 1e-3 and 3e-3 tie, and both the rates below and "
    "the rate above score less.":
        lambda: best(C, "learning_rate", 3e-4, 1e-3, 3e-3, 0.01) and best(P, "learning_rate", 1e-3, 3e-3),
    "On Pendulum this step is worth a lot, so its preset has 1e-3.":
        lambda: below(P, "learning_rate", 3e-4) and worse(P, "learning_rate", 3e-4),
    "On both tasks 32 and 64 tie, and 256 scores less: a little on CartPole, more on Pendulum. With larger batches the "
    "score falls on. The worst value is a batch that holds the whole rollout: ten gradient steps per update.":
        lambda: all(best(t, "batch_size", 32, 64) and below(t, "batch_size", 1024, 256) for t in BOTH)
        and 0.04 > lost(C, "batch_size", 256) > 0 and lost(P, "batch_size", 256) > 0.08
        and bottom(every(C, "batch_size")) == 8192 and bottom(every(P, "batch_size")) == 2048,
    "One epoch is the worst value on both tasks. On Pendulum 10, 20 and 30 tie. On CartPole 20 and 30 score a little "
    "less than 10, and their intervals lie below. So the overfitting that the notes warn of does show on CartPole, "
    "and it is small: 13 of 500.":
        lambda: all(bottom(every(t, "n_epochs")) == 1 for t in BOTH) and best(P, "n_epochs", 10, 20, 30)
        and best(C, "n_epochs", 10) and round(mean(C, "n_epochs", 10) - mean(C, "n_epochs", 30)) == 13,
    "On both tasks the best value is in the middle, and it is below the default of 2048.":
        lambda: all(top(every(t, "n_steps")) in (128, 512) and below(t, "n_steps", 2048, 512) for t in BOTH),
    "The longest rollout leaves room for only a few updates. The shortest one is worse again.":
        lambda: all(below(t, "n_steps", 32, 512) for t in BOTH)
        and below(C, "n_steps", 8192, 512) and below(P, "n_steps", 4096, 512),
    "In the notes' own range, 512 to 8192, the smallest value is the best on both tasks. It shows no sign of "
    "instability":
        lambda: all(below(t, "n_steps", value, 512) for t in BOTH for value in in_range(t, "n_steps") if value > 512)
        and all(s.scores.min() > mean(t, "n_steps", 2048) for t in BOTH
                for s in sweep_figures.settings(t, "n_steps") if s.value == 512),
    "With the best values it had 48 and 24 updates. With the longest rollouts it had 3.":
        lambda: [updates(t, pick(in_range(t, "n_steps"))) for pick, t in itertools.product((top, bottom), BOTH)]
        == [48, 24, 3, 3],
    "On CartPole 0.99, 0.999 and 1 tie. On Pendulum 0.9 and 0.95 tie, and 0.99 scores less.":
        lambda: best(C, "gamma", 0.99, 0.999, 1.0) and best(P, "gamma", 0.9, 0.95),
    "On CartPole the critic of $\\gamma = 0.5$ has the smallest value loss of all, and its agent is the "
    "worst of the five.":
        lambda: bottom(every(C, "gamma")) == 0.5 == min((0.5, 0.9, 0.99, 0.999, 1.0),
                                                key=lambda v: logged(C, "gamma", v, "value_loss")),
    "On CartPole, $\\lambda = 0$ does not learn at all.":
        lambda: mean(C, "gae_lambda", 0.0) < 100,
    "Near 1, higher than that of the preset, with a tiny value loss.":
        lambda: logged(C, "gae_lambda", 0.0, "explained_variance") > max(
            0.85, logged(C, "gae_lambda", 0.95, "explained_variance"))
        and logged(C, "gae_lambda", 0.0, "value_loss") < 0.2 * logged(C, "gae_lambda", 0.95, "value_loss"),
    "On both tasks $\\lambda = 1$ ties with 0.95. On Pendulum 0.9 ties as well, and 0.5 and 0 lose far less than on "
    "CartPole.":
        lambda: best(C, "gae_lambda", 0.95, 1.0) and best(P, "gae_lambda", 0.9, 0.95, 1.0)
        and all(0 < lost(P, "gae_lambda", value) < 0.5 * lost(C, "gae_lambda", value) for value in (0.0, 0.5)),
    "CartPole suffers, and Pendulum is not learned at all. At the other end 0.02 is slow on both tasks.":
        lambda: below(C, "clip_range", 10.0) and mean(P, "clip_range", 10.0) < -1000
        and all(below(t, "clip_range", 0.02) for t in BOTH),
    "On CartPole 0.4 scores more than 0.2, and 0.1 less. On Pendulum 0.2 and 0.4 tie, and 0.1 scores less.":
        lambda: below(C, "clip_range", 0.2, 0.4) and below(C, "clip_range", 0.1, 0.2)
        and best(P, "clip_range", 0.2, 0.4),
    "So the smallest range has the highest fraction and the smallest movement. Without clipping the fraction is near "
    "0":
        lambda: all(
            top({v: logged(t, "clip_range", v, "clip_fraction") for v in every(t, "clip_range")}) == 0.02
            and bottom({v: logged(t, "clip_range", v, "approx_kl") for v in every(t, "clip_range")}) == 0.02
            and logged(t, "clip_range", 10.0, "clip_fraction") < 0.01
            and logged(t, "clip_range", 10.0, "approx_kl") > 0.3 for t in BOTH),
    "In the notes' range, up to 0.01, all values tie on both tasks. On CartPole that holds up to 0.5. On Pendulum 0.1 "
    "scores a little less than 0, and 0.5 much less.":
        lambda: best(C, "ent_coef", 0.0, 0.001, 0.01, 0.1, 0.5) and best(P, "ent_coef", 0.0, 0.001, 0.01)
        and lost(P, "ent_coef", 0.1) < 0.04 < 0.15 < lost(P, "ent_coef", 0.5),
    "On Pendulum all values from 0.1 to 5 tie, a factor of fifty. On CartPole 0.1 and 5 score a little less than 0.5.":
        lambda: best(P, "vf_coef", 0.1, 0.5, 1.0, 5.0) and best(C, "vf_coef", 0.5, 1.0)
        and max(lost(C, "vf_coef", 0.1), lost(C, "vf_coef", 5.0)) < 0.04,
    "with a weight of 5 CartPole starts later, and arrives all the same.":
        lambda: evaluated(C, "vf_coef", 5.0, 0) < 0.85 * evaluated(C, "vf_coef", 0.5, 0)
        and evaluated(C, "vf_coef", 5.0, -1) > 475,
    "It explains nothing. CartPole is learned all the same, a little more slowly. Pendulum is not learned at all.":
        lambda: all(logged(t, "vf_coef", 0.0, "explained_variance") < 0.05 for t in BOTH)
        and 400 < mean(C, "vf_coef", 0.0) and below(C, "vf_coef", 0.0) and mean(P, "vf_coef", 0.0) < -1000,
    "On Pendulum all five values tie. On CartPole 0.1, 0.5 and 2 tie. No limit at all scores a little less, 14 of 500, "
    "and its interval lies below. So the limit helps a little there.":
        lambda: best(P, "max_grad_norm", 0.01, 0.1, 0.5, 2.0, None) and best(C, "max_grad_norm", 0.1, 0.5, 2.0)
        and below(C, "max_grad_norm", None)
        and round(mean(C, "max_grad_norm", 0.5) - mean(C, "max_grad_norm", None)) == 14,
    "0.01 is slower on CartPole, whose rewards are not normalised.":
        lambda: below(C, "max_grad_norm", 0.01),
    "on Pendulum most runs that learned are in the notes' range. On CartPole most lie *below* it.":
        lambda: share(P, "approx_kl", True, *RANGE) > 0.5 and share(C, "approx_kl", True, 0, RANGE[0]) > 0.5
        and share(C, "approx_kl", False, 0, RANGE[0]) < 1 and RANGE == (0.008, 0.04),
    "The runs without clipping lie far above the others.":
        lambda: all(logged(t, "clip_range", 10.0, "approx_kl") > 5 * logged(t, "clip_range", 0.4, "approx_kl")
                    for t in BOTH),
    "On Pendulum most runs that learned are in the range. On CartPole most have less than 0.1.":
        lambda: share(P, "clip_fraction", True, 0.1, 0.3) > 0.5
        and share(C, "clip_fraction", True, 0, 0.1) > 0.5 and share(P, "clip_fraction", False, 0.1, 0.3) < 1,
    "Hardly a run that learned has lost most of it.":
        lambda: share(C, "entropy", True, 0.5 * np.log(2), INF) > 0.9 > share(C, "entropy", False, 0, 0.5) > 0,
    "Pendulum's rewards are normalised, so its value loss is a thousand times smaller. On CartPole it *rises* after "
    "the first update in nearly all runs that learned: longer episodes are larger numbers to predict. On Pendulum it "
    "falls.":
        lambda: np.divide(*(np.median(sweep_figures.health(t, "value loss", True)) for t in BOTH)) > 1000
        and rises_first(C) > 0.9 and rises_first(P) < 0.1,
    "On CartPole it can also be a healthy run, because there returns hardly differ once all is well.":
        lambda: share(C, "explained variance", True, -INF, 0.1) > 0.05,
    "No single number of the log separates the runs that learned from those that did not.":
        lambda: not any(separates(t, name) for t in BOTH for name in sweep_figures.HEALTH),
    "It is wrong for the many failures above that moved too little.":
        lambda: all(share(t, "approx_kl", False, 0, 0.006) > 0.3 for t in BOTH),
    "On Pendulum 1e-2 already costs.":
        lambda: below(P, "learning_rate", 0.01),
}  # fmt: skip


@pytest.fixture(scope="module")
def records():
    """The recorded runs of both tasks, read once."""
    return {task: sweep_figures.runs(task) for task in BOTH}


def holds(claim, runs, monkeypatch) -> bool:
    """Whether a claim is true of some runs."""
    monkeypatch.setattr(sweep_figures, "runs", lambda task: runs[task])
    return bool(CLAIMS[claim]())


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_page_claims_what_the_runs_show(claim, records, monkeypatch):
    assert claim in " ".join(PAGE.read_text(encoding="utf-8").split())
    assert holds(claim, records, monkeypatch)


def without_effect(runs):
    """The same runs, as if no hyperparameter mattered: all have the preset's curves."""
    wrong = copy.deepcopy(runs)
    for task in BOTH:
        usual = {r["seed"]: r["curves"] for r in runs[task] if r["change"] is None}
        for r in wrong[task]:
            r["curves"] = usual[r["seed"]]
    return wrong


def turned_round(runs):
    """The same runs with the smallest value's curves at the largest, and so on."""
    wrong = copy.deepcopy(runs)
    for task in BOTH:
        for field, values in sweep_figures.described(task)["values"].items():
            usual = getattr(sweep_figures.preset(task), field)
            other = [value for value in values if value != usual]
            swapped = dict(zip(map(str, other), other[::-1]))
            for r in wrong[task]:
                if r["change"] and r["change"][0] == field:
                    r["change"] = [field, swapped[str(r["change"][1])]]
    return wrong


def others_learned(runs):
    """The same runs, but those that learned are the others."""
    wrong = copy.deepcopy(runs)
    for task in BOTH:
        for r in wrong[task]:
            r["curves"]["eval_return"]["value"] = [-1000.0 if sweep_figures.learned(task, r) else 500.0] * len(
                r["curves"]["eval_return"]["step"])  # fmt: skip
    return wrong


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_could_be_refuted(claim, records, monkeypatch):
    worlds = (without_effect, turned_round, others_learned)
    refuted = []
    with np.errstate(all="ignore"):
        for world in worlds:
            refuted.append(not holds(claim, world(records), monkeypatch))
    assert any(refuted)


def test_a_long_rollout_is_evaluated_after_each_and_a_short_one_every_8192_steps():
    assert (
        "Every 8,192 steps the agent plays ten {term}`greedy` episodes (if a rollout is longer than that, after "
        in (" ".join(PAGE.read_text(encoding="utf-8").split()))
    )
    for task in BOTH:
        config = sweep_figures.preset(task)
        for r in sweep_figures.runs(task):
            long = config.num_envs * (
                r["change"][1] if r["change"] and r["change"][0] == "n_steps" else config.n_steps
            )
            steps = r["curves"]["eval_return"]["step"]
            assert set(np.diff(steps)) == {max(8192, long)}, (task, r["change"])


def test_the_example_of_a_horizon_is_longer_than_20_steps():
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    (number,) = re.findall(r"for 20 steps, a `gamma` of about ([\d.]+\d)", page)
    assert 20 < 1 / (1 - float(number)) < 40


def test_no_run_broke_off():
    assert "not one run broke off, not even at 1e-2" in " ".join(PAGE.read_text(encoding="utf-8").split())
    for task in BOTH:
        found = sweep_figures.lines(task)
        assert any(r["change"] == ["learning_rate", 0.01] for r in found)
        assert [r["error"] for r in found if r["error"] is not None] == []


@pytest.mark.parametrize("task", BOTH)
def test_the_sweep_is_recorded_whole_by_one_command(task):
    found = sweep_figures.lines(task)
    keys = {json.dumps([r["change"], r["seed"]]) for r in found}
    assert len(keys) == len(found) == sweep_figures.wanted(task)
    assert {r["command"] for r in found} == {f"python -m gcb6206.scripts.sweep {task}"}
    values = sweep_figures.described(task)["values"]
    assert set(values) == set(sweep_figures.USUAL) and all(len(v) >= 5 for v in values.values())
    assert all(len(s.seeds) == 5 for field in values for s in sweep_figures.settings(task, field))


# --- the widget


@pytest.fixture
def tab(browser, tmp_path):
    """A page with the widget and the recorded data; errors go to ``trouble``."""
    scripts = "".join(
        f"<script>{(STATIC / name).read_text(encoding='utf-8')}</script>"
        for name in ("figure.js", "ppo-sweep.js")
    )
    style = (STATIC / "course.css").read_text(encoding="utf-8")
    file = tmp_path / "page.html"
    body = f"<article>{sweep_figures.viewer().data}</article>"
    file.write_text(f'<meta charset="utf-8"><style>{style}</style>{scripts}{body}', encoding="utf-8")
    page = browser.new_page()
    page.set_default_timeout(600_000)  # on a busy machine everything takes long
    page.trouble = []
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.goto(file.as_uri())
    yield page
    assert page.trouble == []
    page.close()


def rows(tab):
    return [re.split(r"\t", row) for row in tab.locator("tbody tr").all_inner_texts()]


def test_the_data_of_the_widget_are_small_and_cannot_close_their_script():
    text = sweep_figures.viewer().data
    assert len(text) < 300_000 and text.count("</script>") == 1


def test_the_widget_shows_the_recorded_scores(tab):
    tab.get_by_label("task", exact=True).select_option("Pendulum-v1")
    for field in sweep_figures.USUAL:
        tab.get_by_label("hyperparameter", exact=True).select_option(field)
        expected = {}
        for line in (
            (ROOT / "book/results/sweeps/ppo_pendulum.jsonl").read_text(encoding="utf-8").splitlines()
        ):
            recorded = json.loads(line)
            value = recorded["change"][1] if recorded["change"] else getattr(sweep_figures.preset(P), field)
            if not recorded["change"] or recorded["change"][0] == field:
                expected.setdefault(value, []).append(sweep_figures.score(P, recorded))
        shown = rows(tab)
        assert len(shown) == len(expected)
        for name, score, _, seeds in shown:
            name = name.removesuffix(" (preset)")
            scores = expected[None if name == "none" else float(name)]
            number = float(score.replace(",", "").replace("−", "-"))
            assert number == pytest.approx(np.mean(scores), abs=1) and int(seeds) == len(scores)


def test_the_widget_hides_values_and_shows_seeds_by_keyboard(tab):
    lines, count = tab.locator("polyline"), len(rows(tab))
    assert lines.count() == count
    tab.get_by_role("checkbox", name="1e-5", exact=True).focus()
    tab.keyboard.press("Space")
    assert lines.count() == count - 1 == len(rows(tab))
    assert "1e-5" not in tab.locator("svg").get_attribute("aria-label")
    tab.get_by_role("checkbox", name="every seed on its own").focus()
    tab.keyboard.press("Space")
    seeds = sum(int(row[-1]) for row in rows(tab))
    assert lines.count() == seeds and tab.locator("polygon").count() == 0
    tab.get_by_label("hyperparameter", exact=True).select_option("max_grad_norm")
    assert len(rows(tab)) == 5 and "none" in [row[0] for row in rows(tab)]


def test_the_widget_draws_the_interval_of_the_seeds(tab):
    data = json.loads(tab.locator("script[type='application/json']").text_content())
    found = data[0]["fields"]["gamma"][0]
    seeds = np.array(list(found["seeds"].values()))
    low, high = sweep_figures.interval(seeds)
    np.testing.assert_allclose([found["low"], found["high"]], [low, high], rtol=1e-3)
    np.testing.assert_allclose(found["mean"], seeds.mean(0), rtol=1e-3)
    assert tab.locator("polygon").count() == tab.locator("polyline").count()


def test_the_widget_is_named_and_fits_a_phone(tab):
    widget = tab.locator("[data-widget=ppo-sweep]")
    assert widget.get_attribute("data-ready") == "true" and len(widget.get_attribute("aria-label")) > 10
    assert all(widget.locator("input, select").evaluate_all("all => all.map(e => e.ariaLabel)"))
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.reload()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 391
