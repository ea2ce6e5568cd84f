"""The gallery of bugs: what each known misconception does to a short CartPole run.

    python -m book.gallery                 # records every bug that has no recorded run yet
    python -m book.gallery no_done_mask    # records this one anew

A bug is a mutant of the grader's collection: the reference solution with one function replaced.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import runpy
import subprocess
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

from book.figures import COLOURS, RESULTS, ROOT, curves, spread

REFERENCE = "no_bug"
# name of the mutant: (its exercise, what the gallery calls it, where it shows)
BUGS: dict[str, tuple[str, str, str]] = {
    REFERENCE: ("", "no bug", ""),
    "no_done_mask": ("update_critic", "done is ignored", "values go to 100: falling costs nothing"),
    "done_or_truncated": ("run_training_loop", "a time limit is stored as done", "in neither curve"),
    "truncated_dropped": ("run_training_loop", "truncated steps are dropped", "in neither curve"),
    "target_not_detached": (
        "update_critic",
        "gradient through the target",
        "nowhere: that gradient reaches no trained weight",
    ),
    "target_never_synced": ("update", "target never copied", "values stop at one reward and a guess"),
    "loss_broadcast": (
        "update_critic",
        "loss over (batch, batch)",
        "values of all states shrink towards one number",
    ),
    "observation_not_advanced": (
        "run_training_loop",
        "observation never advanced",
        "values of a short episode, whatever happens",
    ),
    "epsilon_not_passed": (
        "run_training_loop",
        "schedule's epsilon not passed",
        "hardly: CartPole needs little exploration",
    ),
    "epsilon_inverted": (
        "get_action",
        "epsilon test inverted",
        "return of a random policy under healthy values",
    ),
}
TRAINING = {
    "total_steps": 25_000,
    "learning_starts": 1_000,
    "batch_size": 64,
    "learning_rate_final": 1e-5,
    "target_update_period": 20,
    "exploration_fraction": 0.2,
    "replay_buffer_capacity": 25_000,
}
SEEDS = (1, 2, 3)
EVALUATE_EVERY, LOG_EVERY = 1_000, 250


def run_name(bug: str) -> str:
    """The folder of a bug's recorded run."""
    return f"dqn_bug_{bug}"


def recorded() -> list[str]:
    """The bugs that are recorded, without the reference."""
    return [bug for bug in BUGS if bug != REFERENCE and curves(run_name(bug))]


def plot(bugs: list[str], tag: str, limit: float | None = None) -> None:
    """One small panel a bug, over the correct run in grey.

    Args:
        bugs: as ``recorded`` gives them.
        tag: what was logged, such as ``eval_return``.
        limit: a value to mark with a line.
    """
    if not bugs:
        return
    rows = -(-len(bugs) // 3)
    _, axes = plt.subplots(rows, 3, figsize=(8.4, 1.9 * rows), sharex=True, sharey=True, squeeze=False)
    for ax, bug in zip(axes.flat, bugs):
        for name, colour in ((REFERENCE, "0.6"), (bug, COLOURS[1])):
            steps, values = spread(run_name(name), tag)
            ax.plot(steps, np.median(values, 0), color=colour)
            ax.fill_between(steps, values.min(0), values.max(0), color=colour, alpha=0.25, linewidth=0)
        if limit is not None:
            ax.axhline(limit, color="black", linewidth=1, linestyle=":")
        ax.set_title(BUGS[bug][1], fontsize=9)
    for ax in axes.flat[len(bugs) :]:
        ax.axis("off")
    for ax in axes[:, 0]:
        ax.set_ylabel(tag, fontsize=9)


def table(bugs: list[str]) -> Markdown:
    """How each bug's runs ended, and where it shows."""
    lines = ["| bug | last return, per seed | last mean Q, per seed | where it shows |", "|---|---|---|---|"]
    for bug in [REFERENCE, *bugs]:
        seeds = curves(run_name(bug)).values()
        returns = ", ".join(f"{np.median(c['eval_return'][1][-3:]):.0f}" for c in seeds)
        means = ", ".join(f"{np.median(c['q_values'][1][-3:]):.3g}" for c in seeds)
        lines.append(f"| {BUGS[bug][1]} | {returns} | {means} | {BUGS[bug][2]} |")
    return Markdown("\n".join(lines))


class _Recorder:
    """A logger that keeps scalars in memory, as ``{tag: ([steps], [values])}``."""

    def __init__(self):
        self.scalars: dict[str, tuple[list, list]] = {}

    def log_scalar(self, value, name: str, step: int) -> None:
        steps, values = self.scalars.setdefault(name, ([], []))
        steps.append(step)
        values.append(float(np.asarray(value).item()))

    def flush(self) -> None:
        """Nothing waits."""


def record(bug: str) -> None:
    """Train with the bug, all seeds, and write the run's folder."""
    import torch

    import solutions
    from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
    from gcb6206.scripts import run_hw3
    from gcb6206.scripts.record import PACKAGES, commit, hardware, write_scalars

    torch.set_num_threads(1)
    solutions.load("hw3")
    exercise = BUGS[bug][0]
    mutant = f"autograder/mutants/hw3/{exercise}/{bug}.py" if exercise else None
    if mutant:
        runpy.run_path(str(ROOT / mutant))
    folder, seeds = RESULTS / run_name(bug), {}
    folder.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS:
        recorder, start = _Recorder(), time.monotonic()
        args = argparse.Namespace(seed=seed, no_gpu=True, which_gpu=0, num_eval_trajectories=5)
        args.log_interval, args.eval_interval = LOG_EVERY, EVALUATE_EVERY
        run_hw3.run_training_loop(DQNBasicConfig(**TRAINING).build(), recorder, args)
        seeds[seed] = {"wall_seconds": round(time.monotonic() - start, 1), "commit": commit()}
        kept = {tag: recorder.scalars[tag] for tag in ("eval_return", "q_values")}
        write_scalars(folder / f"seed_{seed}.csv", kept)
    about = {
        "name": run_name(bug),
        "command": f"python -m book.gallery {bug}",
        "mutant": mutant,
        "training": TRAINING,
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
        "hardware": hardware(),
        "seeds": seeds,
    }
    (folder / "record.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Record the named bugs, or each in a process of its own if it is not recorded yet."""
    parser = argparse.ArgumentParser(prog="python -m book.gallery", description=main.__doc__)
    parser.add_argument("bugs", nargs="*", metavar="BUG", help=", ".join(BUGS))
    wanted = parser.parse_args().bugs or [bug for bug in BUGS if not curves(run_name(bug))]
    unknown = [bug for bug in wanted if bug not in BUGS]
    if unknown:
        sys.exit(f"unknown bug {unknown[0]!r}: expected one of {', '.join(BUGS)}")
    if len(wanted) == 1:
        record(wanted[0])
        return
    for bug in wanted:
        print(bug, flush=True)
        subprocess.run([sys.executable, "-m", "book.gallery", bug], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
