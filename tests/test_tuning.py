"""Training with TorchRL: time limit, ends, evaluation; and how the settings of homework 2 are judged."""

from __future__ import annotations

import importlib
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from tensordict import TensorDict

from autograder import run_judges
from autograder.mutants import mutants_of
from autograder.sandbox.kernel_student import kernel_student
from autograder.student_side.student import LocalStudent
from autograder.trusted import calibrate
from autograder.trusted.judges import tuning
from autograder.trusted.judges.convergence import rule_of
from autograder.trusted.judges.hw2 import test_convergence as judge
from autograder.trusted.sources import given_source
from gcb6206 import exercises
from gcb6206.env_configs.config import ConfigError
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.envs.vmas import VmasTeam
from gcb6206.infrastructure.sentinel import NonFiniteError
from gcb6206.runs.torchrl import TorchRLRun

ROOT = Path(__file__).parents[1]
RULE = rule_of("hw2.convergence")
SMALL = {"n_agents": 3, "frames_per_batch": 60, "max_steps": 10, "n_iters": 2, "num_epochs": 1,
         "minibatch_size": 30, "num_cells": 8}  # fmt: skip


def small(**changes) -> MAPPOConfig:
    """Settings of a training of tenths of a second: 6 environments of 10 steps."""
    return MAPPOConfig(**{**SMALL, **changes})


def collected(run: TorchRLRun) -> TensorDict:
    """The first batch, prepared."""
    batch = next(iter(run.collector))
    run.prepare(batch)
    return batch


# --- the training


def test_the_time_limit_truncates_and_the_tutorials_terminates(solved):
    last = torch.arange(10) == 9
    for tutorial in (False, True):
        ends = collected(TorchRLRun(small(), 0, tutorial))["next"]
        assert torch.equal(ends["done"][0, :, 0], last)
        assert torch.equal(ends["terminated"][0, :, 0], last & tutorial)


@pytest.mark.parametrize("tutorial", [False, True])
def test_the_last_advantage_bootstraps_unless_as_in_the_tutorial(solved, tutorial):
    run = TorchRLRun(small(normalize_advantages=False, gamma=0.7), 0, tutorial)
    batch = collected(run)
    with torch.no_grad():
        value, following = (run.critic(td.select(("agents", "observation")))["agents", "state_value"][:, -1]
                            for td in (batch, batch["next"]))  # fmt: skip
    expected = batch["next", "agents", "reward"][:, -1] + (0.0 if tutorial else 0.7) * following - value
    assert torch.allclose(batch["advantage"][:, -1], expected, atol=1e-5)
    assert following.abs().min() > 1e-3  # so that the two differ


def test_every_agent_gets_the_ends_of_its_environment_and_advantages_are_normalised(solved):
    batch = collected(TorchRLRun(small(), 0))
    for flag in ("done", "terminated"):
        for agent in range(3):
            assert torch.equal(batch["next", "agents", flag][:, :, agent], batch["next", flag])
    advantage = batch["advantage"]
    assert advantage.shape == (6, 10, 3, 1)
    assert abs(advantage.mean()) < 1e-5 and abs(advantage.std() - 1.0) < 1e-3
    raw = collected(TorchRLRun(small(), 0, tutorial=True))["advantage"]
    assert abs(raw.std() - 1.0) > 0.1


def test_the_figures_are_those_of_the_batch(solved):
    run = TorchRLRun(small(n_iters=1), 0)
    rewards = []
    prepare = run.prepare
    run.prepare = lambda batch: (rewards.append(batch["next", "agents", "reward"].clone()), prepare(batch))
    (figures,) = run.iterations()
    assert figures["episode_reward_sum"] == pytest.approx(rewards[0].sum(dim=1).mean().item(), abs=1e-5)
    assert all(np.isfinite(value) for value in figures.values()) and figures["grad_norm"] > 0


@pytest.mark.slow
def test_a_seed_decides_the_training(solved):
    def last(seed: int) -> dict:
        return list(TorchRLRun(small(), seed).iterations())[-1]

    assert last(1) == last(1) != last(2)


def test_the_rate_falls_and_the_policy_that_collects_learns(solved):
    run = TorchRLRun(small(lr=1e-2, lr_final=0.0, n_iters=4), 0)
    before = [p.clone() for p in run.collector.policy.parameters()]
    rates = [run.optimizer.param_groups[0]["lr"] for _ in run.iterations()]
    assert rates == pytest.approx([1e-2, 7.5e-3, 5e-3, 2.5e-3])
    assert not any(torch.equal(a, b) for a, b in zip(before, run.collector.policy.parameters()))


def test_the_evaluation_plays_the_mean_actions(solved):
    run = TorchRLRun(small(), 0)
    returns, team = torch.zeros(5), VmasTeam("navigation", 5, n_agents=3)
    observation = team.reset(seed=3)
    for _ in range(10):
        with torch.no_grad():
            mean = run.policy.module[0].module(observation)[0]
        observation, reward, _ = team.step(torch.tanh(mean))
        returns += reward.mean(dim=(1, 2))
    assert torch.allclose(run.evaluate(5, seed=3), returns, atol=1e-5)


def test_the_sentinel_names_what_broke(solved):
    run = TorchRLRun(small(), 0)
    batch = next(iter(run.collector))
    batch["next", "agents", "reward"][2, 4] = float("nan")
    with pytest.raises(NonFiniteError, match="reward is not finite at step 4"):
        run.prepare(batch)


@pytest.mark.parametrize("changes", [{"critic_lr": 1e-3}, {"target_kl": 0.02}, {"history_length": 2}])
def test_what_only_the_other_trainer_knows_is_refused(solved, changes):
    with pytest.raises(ConfigError, match=f"{next(iter(changes))} is .*: the run with TorchRL has"):
        TorchRLRun(small(**changes), 0)


def test_ippo_gives_the_critic_its_own_agent_only(solved):
    for algorithm, central in (("mappo", True), ("ippo", False)):
        run = TorchRLRun(small(algorithm=algorithm), 0)
        observation = torch.randn(1, 3, 18, requires_grad=True)
        td = TensorDict({("agents", "observation"): observation}, batch_size=[1])
        run.critic(td)["agents", "state_value"][0, 0].sum().backward()
        assert bool(observation.grad[0, 1:].any()) is central


# --- the settings


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "got NoneType"),
        ("- lr", "got list"),
        ("{lr: 1", "not valid YAML"),
        ("[" * 1900, "not valid YAML"),
        ("lr: 2020-99-99", "not valid YAML"),
        ("lr: [1, 2]", "lr: expected one plain value, got list"),
        ("a: &a [x, x]\nb: [*a, *a]", "uses an anchor, an alias or a tag"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"{b}: &{b} [{', '.join(9 * [f'*{a}'])}]\n" for a, b in itertools.pairwise("abcdefghi")
            ),
            "uses an anchor",  # read out, it takes 9 ** 9 values
        ),
        ("lr: !!bool maybe", "a tag of YAML"),
        ("lr: !!python/name:os.system", "a tag of YAML"),
        ("learning_rate: 0.1", "'learning_rate' is not to be tuned here"),
        ("gama: 0.9", "did you mean 'gamma'?"),
        ("max_steps: 50", "max_steps belongs to the task, which is 100"),
        ("lr: .nan", "lr is nan: expected a finite number"),
        (f"n_iters: {10**400}", "expected a finite number"),
        ("lr: -1", "lr is -1.0: expected above 0"),
        ("lr: fast", "lr is 'fast': expected float"),
        ("frames_per_batch: 6050", "no multiple of max_steps = 100"),
        ("minibatch_size: 6001", "lower it, or raise frames_per_batch"),
    ],
)
def test_a_text_that_does_not_fit_is_refused_with_the_reason(text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        tuning.config_of(tuning.settings_of(text), RULE)


def test_the_cost_counts_whole_minibatches_of_all_epochs():
    settings = {"frames_per_batch": 1000, "n_iters": 3, "num_epochs": 2, "minibatch_size": "3e2"}
    config = tuning.config_of(settings, RULE)
    assert tuning.cost(config) == {"frames": 3000, "n_iters": 3, "num_epochs": 2, "gradient_steps": 18}
    assert set(tuning.cost(config)) == set(RULE["budget"])


HEALTHY = {"clip_fraction": [0.1, 0.1], "kl_approx": [0.01, 0.01], "entropy": [1.3, 1.2]}


@pytest.mark.parametrize(
    "settings, figures, broke, hint",
    [
        ({}, {}, "", "look healthy"),
        ({}, {}, "action is not finite", "The training broke: action is not finite. lr is 0.0003"),
        ({"n_iters": 2}, {}, "", "use 12000 of 48000 frames"),
        ({}, {"clip_fraction": [0.5, 0.6]}, "", "The policy changes too fast"),
        (
            {"entropy_eps": 1},
            {"entropy": [1.3, 1.35]},
            "",
            "The entropy stays, 1.30 at the start and 1.35 at the end",
        ),
        ({}, {"clip_fraction": [0.0, 0.0], "kl_approx": [1e-6, -1e-6]}, "", "The policy hardly changes"),
        ({"clip_epsilon": 0.001}, {}, "", "clip_epsilon is 0.001"),
        ({"n_iters": 2, "frames_per_batch": 24000}, {}, "", "Only 2 iterations"),
    ],
)
def test_the_hint_names_the_likely_culprit(settings, figures, broke, hint):
    config = tuning.config_of({"n_iters": 8, **settings}, RULE)
    arrays = {name: np.array(values) for name, values in {**HEALTHY, **figures}.items()}
    assert hint in tuning.culprit(config, arrays, broke, RULE)


# --- the judge


@pytest.fixture
def replies(monkeypatch, solved):
    """What trainings are to give, in turn; the seeds that were asked for."""
    wanted, seeds = [], []
    figures = {name: np.array(values) for name, values in HEALTHY.items()}
    figures |= {"episode_reward_sum": np.array([0.1, 0.2]), "explained_variance": np.array([0.3, 0.4])}

    def train(side, config, rule, seed):
        seeds.append(seed)
        value = wanted.pop(0)
        broke = "" if np.isfinite(value) else "loss_objective is not finite"
        return {"mean_return": value, "figures": {} if broke else figures, "broke": broke}

    monkeypatch.setattr(judge, "train", train)
    return wanted, seeds


@pytest.mark.parametrize("values, score, runs", [([2.9], 4, 1), ([1.0, 2.9], 4, 2), ([1.0, 2.0], 0, 2)])
def test_one_of_two_trainings_must_reach_the_threshold(replies, values, score, runs):
    wanted, seeds = replies
    wanted += values
    report = run_judges("hw2.convergence", LocalStudent(), 5)
    assert report.score == score and len(seeds) == len(set(seeds)) == runs
    if not score:
        (result,) = report.results
        assert "1.00, 2.00" in result.got and "kl_approx: 0.0100  0.0100" in result.hint


def test_a_training_that_breaks_reaches_nothing_and_says_how(replies):
    wanted, _ = replies
    wanted += [-np.inf, -np.inf]
    (result,) = run_judges("hw2.convergence", LocalStudent(), 5).results
    assert result.verdict == "failed" and "loss_objective is not finite" in result.hint


@pytest.mark.parametrize(
    "text, why",
    [("lr: -1", "lr is -1.0"), ("{n_iters: 17, frames_per_batch: 1000}", "n_iters is 17, and 16")],
)
def test_no_training_before_the_settings_keep_to_the_budget(solved, text, why):
    with exercises.filled({"hw2.tuning": lambda: text}):
        (result,) = run_judges("hw2.convergence", LocalStudent(), 5).results
    assert result.verdict == "skipped" and "first fix hw2.tuning" in result.got and why in result.got


def test_the_given_settings_keep_to_the_budget():
    import nbformat

    source = (ROOT / "solutions" / "hw2.py").read_text(encoding="utf-8")
    given = re.search(r'learn nothing\.\n    settings = """(.*?)"""', source, re.S)[1]
    mutant = (ROOT / "autograder/mutants/hw2/convergence/as_given.py").read_text(encoding="utf-8")
    as_mutant = re.search(r'return """(.*?)"""', mutant, re.S)[1]
    assert tuning.settings_of(given) == tuning.settings_of(as_mutant)
    costs = tuning.cost(tuning.config_of(tuning.settings_of(given), RULE))
    assert all(cost <= RULE["budget"][name] for name, cost in costs.items())
    notebook = nbformat.read(ROOT / "assignments/hw2/hw2.ipynb", as_version=4)
    assert sum('rule_of("hw2.convergence")' in cell.source for cell in notebook.cells) == 1


def test_bad_settings_keep_to_the_budget_and_are_not_trained_with_by_the_way():
    names = {f"convergence/{mutant.name}" for mutant in mutants_of("hw2.convergence")}
    assert names == set(RULE["mutants"])
    assert not [mutant for mutant in mutants_of("hw2") if mutant.exercise == "hw2.convergence"]
    assert calibrate.unit_judges("hw2", RULE["mutants"]) == dict.fromkeys(RULE["mutants"], "none")
    with pytest.raises(ValueError, match="no mutant 'convergence/good' of hw2"):
        calibrate.unit_judges("hw2", ["convergence/good"])
    for mutant in mutants_of("hw2.convergence"):
        exec(compile(mutant.path.read_text(), str(mutant.path), "exec"), {})
        judge.accepted(LocalStudent(), RULE)


TAMPERS = """
from gcb6206.runs import torchrl as torchrl_run

torchrl_run.TorchRLRun.evaluate = lambda self, episodes, seed: torch.full((episodes,), 99.0)

@solves("hw2.tuning")
def tuning():
    return "{frames_per_batch: 200, n_iters: 1, num_epochs: 1, minibatch_size: 100}"
"""


@pytest.mark.slow
def test_the_grader_trains_where_the_students_code_never_was():
    with kernel_student(given_source("hw2") + TAMPERS) as student:
        config = judge.accepted(student, RULE)
        assert config.frames_per_batch == 200
        assert judge.train(student, config, RULE, 1)["mean_return"] == 99.0
        assert judge.measure(student, RULE, 1) < 5.0


# --- the chapter


def test_the_chapters_table_names_what_there_is():
    page = (ROOT / "book/marl/torchrl.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(?:torchrl|tensordict)\..*\|$", page, re.M)
    pattern = r"`((?:torchrl|tensordict|torch|gcb6206)\.[\w.]+)`"
    names = [name for row in rows for name in re.findall(pattern, row)]
    assert len(rows) == 12
    for name in names:
        parts = name.split(".")
        for split in range(len(parts) - 1, 0, -1):
            try:
                found = importlib.import_module(".".join(parts[:split]))
                break
            except ImportError:
                continue
        for part in parts[split:]:
            found = getattr(found, part)
