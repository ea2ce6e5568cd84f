"""What the PPO chapters share: excerpts of the course's code, trainings that take seconds, and broken runs."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import inspect
import re
import runpy
import textwrap
from collections import Counter
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

from autograder import PUBLISHED_SEED, run_judges
from autograder.student_side.student import LocalStudent
from autograder.trusted.report import JudgeResult
from book.figures import COLOURS, ROOT
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.exercises import filled, get
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.ppo import PPORun
from gcb6206.scripts import diagnose

BROKEN = ROOT / "tests" / "data" / "diagnose"  # recorded runs, healthy ones among them

# What was planted in the recorded runs; their names hold one of these, a task before it and a seed behind.
PLANTED = {
    "lr_high": "learning rate a hundred times too high",
    "lr_rises": "learning rate rises to 0.03",
    "lr_low": "learning rate a thousand times too low",
    "lr_spent": "schedules at their end after a tenth of the run",
    "kl_zero": "learning rate 3e-5 and one epoch",
    "clip_wide": "clip range 1 and 30 epochs",
    "clip_tight": "clip range 0.001",
    "entropy_high": "entropy coefficient 1",
    "entropy_sign": "entropy coefficient -1",
    "gamma_zero": "discount 0",
    "gamma_low": "discount 0.5 where rewards come late",
    "no_critic": "value loss weighs 0",
    "reward_scale": "rewards a million times as large",
    "reward_constant": "every reward 0",
    "nan_observation": "NaN from a sensor, after 60 % of the run",
    "nan_reward": "NaN for a reward, after 60 % of the run",
    "actions_swapped": "left and right swapped, after 60 % of the run",
    "advantage_sign": "advantages with the wrong sign",
    "healthy": "nothing",
}

# Mistakes of the grader's collection, and what the gallery calls them.
GALLERY = {
    "policy_loss/sign": "sign of the policy loss",
    "compute_gae/terminated_ignored": "terminations ignored",
    "update/actions_of_others": "actions of other states",
    "update/ratio_of_one": "ratio of the new policy with itself",
    "update/values_swapped": "critic learns its own old values",
    "policy_loss/no_exp": "ratio without exp",
    "update/gradients_kept": "zero_grad forgotten",
    "compute_gae/time_limit_as_end": "time limit is an end",
}
PANELS = {
    "ep_rew_mean": diagnose.RETURN,
    "approx_kl": diagnose.KL_MEAN,
    "clip_fraction": diagnose.CLIPPED,
    "entropy_loss": diagnose.ENTROPY,
    "value_loss": diagnose.VALUE_LOSS,
    "explained_variance": diagnose.EXPLAINED,
}


def tag_of(log: diagnose.Log, name: str) -> str:
    """The tag of a panel; that of approx_kl depends on the program that wrote the log."""
    return log.kl if name == "approx_kl" else PANELS[name]


def usual(log: diagnose.Log, name: str) -> tuple[float, float] | None:
    """What is often advised, in the measure of this log."""
    low, high = map(log.as_kl, diagnose.KL_RANGE)
    return {"approx_kl": (low, high), "clip_fraction": (0.1, 0.3)}.get(name)


def show_source(function: Callable, first: str, last: str) -> Markdown:
    """A function's source from the first line that matches ``first`` to the next that matches ``last``.

    Args:
        function: of the package.
        first, last: regular expressions.

    Raises:
        ValueError: the source has no such lines any more.
    """
    lines = inspect.getsource(function).splitlines()
    begin = next((i for i, line in enumerate(lines) if re.search(first, line)), None)
    end = next((i for i in range(begin or 0, len(lines)) if re.search(last, lines[i])), None)
    if begin is None or end is None:
        raise ValueError(f"{function.__qualname__} has no lines from {first!r} to {last!r}: name others")
    return Markdown(f"```python\n{textwrap.dedent(chr(10).join(lines[begin : end + 1]))}\n```")


def small_run(seed: int, **settings) -> PPORun:
    """A run whose rollouts and updates take seconds: CartPole, 4 environments, 256 steps each.

    Args:
        seed: of the run.
        settings: fields of ``PPOConfig`` that are to differ.
    """
    chosen = {"total_steps": 10_240, "n_steps": 256, "learning_rate": 1e-3, **settings}
    args = argparse.Namespace(seed=seed, eval_interval=10**9, num_eval_episodes=20)
    return PPORun(PPOConfig(**chosen).build(), NullLogger(), args)


def train(run: PPORun, implementations: dict[str, Callable] | None = None) -> dict[str, np.ndarray]:
    """Train to the end of a run, with some exercises filled otherwise.

    Args:
        run: as ``small_run`` gives it.
        implementations: what fills an exercise during this training, such as ``{"hw1.compute_gae": f}``.

    Returns:
        Arrays, one number for each update: ``step``, ``return`` (mean over the last 100 episodes) and
        ``value`` (mean of the critic over the rollout).
    """
    rows = []
    with filled(implementations or {}):
        for progress in run.updates():
            samples = run.collect()
            run.agent.update(samples, progress)
            mean_return = run.collector.figures()["rollout/ep_rew_mean"]
            rows.append((run.step, mean_return, float(samples["values"].mean())))
    return dict(zip(("step", "return", "value"), np.array(rows).T))


class _Memory(NullLogger):
    """Keeps in memory what a run logs."""

    def __init__(self):
        self.points: dict[str, list[tuple[int, float]]] = {}

    def log_scalar(self, scalar: float, name: str, step: int) -> None:
        self.points.setdefault(name, []).append((step, float(scalar)))


def watch(run: PPORun, implementations: dict[str, Callable] | None = None) -> diagnose.Log:
    """Train to the end of a run, with some exercises filled otherwise; its log, as ``diagnose`` reads one.

    Args:
        run: as ``small_run`` gives it.
        implementations: as in ``train``.
    """
    run.logger = _Memory()
    with filled(implementations or {}):
        for progress in run.updates():
            samples = run.collect()
            run.log_update(samples, run.agent.update(samples, progress))
    return diagnose.Log({tag: tuple(np.array(pairs).T) for tag, pairs in run.logger.points.items()})


def mutant(name: str) -> dict[str, Callable]:
    """A mistake of the grader's collection, as ``train`` and ``watch`` take it.

    Args:
        name: such as "policy_loss/sign".
    """
    exercise = f"hw1.{name.split('/')[0]}"
    with filled({exercise: None}):
        runpy.run_path(str(ROOT / "autograder" / "mutants" / "hw1" / f"{name}.py"))
        return {exercise: get(exercise).implementation}


def caught(name: str) -> JudgeResult:
    """The first judge that fails a mistake of the grader's collection, on the seed of ``check``."""
    with filled(mutant(name)):
        report = run_judges(f"hw1.{name.split('/')[0]}", LocalStudent(), PUBLISHED_SEED)
    return next(result for result in report.results if result.verdict != "passed")


def gallery(logs: dict[str, list[diagnose.Log]], tag: str) -> None:
    """One small panel a mistake, every seed a line, over the correct runs in grey; the last panel is the key.

    Args:
        logs: seeds of the correct code, under "no bug", and of each mistake.
        tag: what to draw; a key of ``PANELS``.
    """
    bugs = [name for name in logs if name != "no bug"]
    rows = -(-(len(bugs) + 1) // 3)
    fig, axes = plt.subplots(rows, 3, figsize=(8.4, 1.9 * rows), sharex=True, sharey=True)
    for ax, bug in zip(axes.flat, bugs):
        for name, colour in (("no bug", "0.65"), (bug, COLOURS[1])):
            for log in logs[name]:
                lines = ax.plot(*log.curves[tag_of(log, tag)], color=colour, linewidth=1.2)
            lines[0].set_label("no bug" if name == "no bug" else "with the bug")
        ax.set_title(GALLERY[bug], fontsize=9)
    for ax in axes.flat[len(bugs) :]:
        ax.axis("off")
    axes.flat[len(bugs)].legend(*axes.flat[0].get_legend_handles_labels(), loc="center")
    fig.supxlabel("environment step", fontsize=9)
    fig.supylabel(tag, fontsize=9)


def gallery_table(logs: dict[str, list[diagnose.Log]]) -> Markdown:
    """How each mistake's runs ended, what ``diagnose`` finds in them, and the judge that fails.

    Args:
        logs: as ``gallery`` takes them.
    """
    heads = ["bug", "last return, per seed", "last explained variance", "diagnose", "the judge that fails"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for bug, seeds in logs.items():
        ends = [
            ", ".join(f"{log.values(tag)[-1]:{form}}" for log in seeds)
            for tag, form in ((diagnose.RETURN, ".0f"), (diagnose.EXPLAINED, ".2f"))
        ]
        found = _findings(seeds)
        judge = "" if bug == "no bug" else caught(bug).title
        lines.append(f"| {GALLERY.get(bug, bug)} | {ends[0]} | {ends[1]} | {found} | {judge} |")
    return Markdown("\n".join(lines))


def recorded_log(name: str) -> diagnose.Log:
    """A run of the collection that ``diagnose`` is tested with.

    Args:
        name: such as "lr_high_seed1".
    """
    with open(BROKEN / f"{name}.csv", encoding="utf-8", newline="") as file:
        next(file)  # the command that recorded it
        rows = list(csv.DictReader(file))
    curves = {}
    for tag in rows[0].keys() - {"step"}:
        points = [(int(row["step"]), float(row[tag])) for row in rows if row[tag]]
        curves[tag] = tuple(map(np.array, zip(*points)))
    return diagnose.Log(curves)


def recorded_logs() -> dict[str, dict[str, diagnose.Log]]:
    """All runs of that collection: ``{planted fault: {name: log}}``, the healthy ones last."""
    names = sorted(file.stem for file in BROKEN.glob("*.csv"))
    return {
        fault: {name: recorded_log(name) for name in names if f"_{fault}_" in f"_{name}"} for fault in PLANTED
    }


def first_updates(log: diagnose.Log, count: int) -> diagnose.Log:
    """What a log held after so many updates."""
    return log.before(log.steps(log.kl)[count]) if count < len(log.steps(log.kl)) else log


def diagnosed(updates: int | None = None) -> Markdown:
    """What ``diagnose`` finds in the recorded runs.

    Args:
        updates: it sees so many of each; None shows it all.
    """
    lines = ["| planted | runs | found |", "|---|---|---|"]
    for fault, runs in recorded_logs().items():
        logs = [first_updates(log, updates) if updates else log for log in runs.values()]
        lines.append(f"| {PLANTED[fault]} | {len(logs)} | {_findings(logs)} |")
    return Markdown("\n".join(lines))


def named_after(updates: int) -> tuple[int, int, int]:
    """How many broken runs ``diagnose`` has named right after so many updates, in how many it sees something
    else, and in how many healthy ones it sees something."""
    right = other = alarms = 0
    for fault, runs in recorded_logs().items():
        for log in runs.values():
            first = list(diagnose.diagnose(first_updates(log, updates)))[:1]
            named = first == list(diagnose.diagnose(log))[:1]
            right += fault != "healthy" and named
            other += fault != "healthy" and bool(first) and not named
            alarms += fault == "healthy" and bool(first)
    return right, other, alarms


def advice() -> Markdown:
    """What each rule of ``diagnose`` says, the most severe first: an example's figures, reading, what to try.

    The words are the program's own, about the recorded runs and four logs made of them.
    """
    logs = [log for runs in recorded_logs().values() for log in runs.values()]
    whole, wide = recorded_log("healthy_cartpole_default_seed1"), recorded_log("clip_wide_seed1")
    logs += [first_updates(whole, 4), _without(whole, diagnose.RETURN), _without(wide, diagnose.CLIP_RANGE)]
    logs.append(dataclasses.replace(whole, cut_off=True))
    said: dict[str, dict[str, diagnose.Finding]] = {}
    for log in logs:
        for rule, finding in diagnose.diagnose(log).items():
            said.setdefault(rule, {}).setdefault(finding.what, finding)
    lines = ["| symptom, in one run | reading | try first |", "|---|---|---|"]
    for rule, _ in diagnose.RULES:
        for finding in said[rule.__name__].values():
            reading = f"{finding.what} `{rule.__name__}`"
            first = re.sub(r"(--\w+)", r"`\1`", finding.try_first)  # two hyphens would become a dash
            lines.append(f"| {finding.evidence} | {reading} | {first} |")
    return Markdown("\n".join(lines))


def panel(log: diagnose.Log) -> None:
    """Six curves of a run; the bands are what is usually advised."""
    _, axes = plt.subplots(2, 3, figsize=(8.4, 4.2), sharex=True)
    for ax, name in zip(axes.flat, PANELS):
        ax.plot(*log.curves[tag_of(log, name)])
        ax.set_title(name, fontsize=10)
        if band := usual(log, name):
            ax.axhspan(*band, color=COLOURS[2], alpha=0.15, linewidth=0)
    axes[1, 2].set_ylim(-1, 1.05)
    for ax in axes[1]:
        ax.set_xlabel("environment step", fontsize=9)


def _findings(logs: list[diagnose.Log]) -> str:
    """The findings of several logs, each once, with their number where it is not that of all."""
    counts = Counter(rule for log in logs for rule in diagnose.diagnose(log))
    of = {rule: "" if count == len(logs) else f" ({count} of {len(logs)})" for rule, count in counts.items()}
    return ", ".join(f"`{rule}`{part}" for rule, part in of.items()) or "nothing"


def _without(log: diagnose.Log, tag: str) -> diagnose.Log:
    """A log that lacks a tag."""
    return dataclasses.replace(log, curves={name: c for name, c in log.curves.items() if name != tag})
