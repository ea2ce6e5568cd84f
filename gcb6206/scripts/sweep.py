"""Measure one hyperparameter at a time: ``python -m gcb6206.scripts.sweep ppo_cartpole``.

``book/results/sweeps.yaml`` says what each sweep varies. Every run becomes one line of
``book/results/sweeps/<name>.jsonl``: what was changed, seed, commit, wall time and its curves. What has a line
is not run again, so that an interrupted sweep goes on where it stopped; the task's own configuration is run once
for each seed and stands for every hyperparameter's default.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import json
import math
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

from tqdm.auto import tqdm
from tyro.conf import Positional, arg

from gcb6206.env_configs.config import check_fields, read_yaml
from gcb6206.errors import ConfigError, nearest
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.scripts.record import PACKAGES, commit, hardware
from gcb6206.scripts.scripting_utils import WORDS, exit_status, load_config, load_solutions, parse

SWEEPS = Path("book/results/sweeps.yaml")
RESULTS = Path("book/results/sweeps")
TAGS = {
    "eval_return": "eval/mean_reward",
    "approx_kl": "train/approx_kl_mean",
    "clip_fraction": "train/clip_fraction",
    "entropy_loss": "train/entropy_loss",
    "value_loss": "train/value_loss",
    "explained_variance": "train/explained_variance",
}
MOST_POINTS = 48  # of a curve that is kept; longer ones keep every second, third, ... point

Change = tuple[str, object] | None  # a field and its value; None is the task's configuration


class Curves(NullLogger):
    """Keeps in memory what the sweep's tags log."""

    def __init__(self):
        self.points: dict[str, list[tuple[int, float]]] = {tag: [] for tag in TAGS.values()}

    def log_scalar(self, scalar: float, name: str, step: int) -> None:
        if name in self.points:
            self.points[name].append((step, float(scalar)))

    def thinned(self) -> dict[str, dict[str, list]]:
        """``{name: {"step": [...], "value": [...]}}``, four digits each (None: not finite), with the last point."""
        found = {}
        for name, tag in TAGS.items():
            every = -(-len(self.points[tag]) // MOST_POINTS) or 1
            kept = self.points[tag][::-1][::every][::-1]
            values = [float(f"{v:.4g}") if math.isfinite(v) else None for _, v in kept]
            found[name] = {"step": [step for step, _ in kept], "value": values}
        return found


def jobs_of(sweep: dict) -> list[tuple[Change, int]]:
    """Every change and seed of a sweep, first seeds first, so that an interrupted one is as even as can be."""
    default = load_config(sweep["config"], sweep["overrides"])
    changes: list[Change] = [None]
    for field, values in sweep["values"].items():
        if getattr(default, field) not in values:
            raise ConfigError(
                f"{SWEEPS}: {field} lacks the configuration's own value {getattr(default, field)!r}"
            )
        changes += [(field, value) for value in values if value != getattr(default, field)]
    return [(change, seed) for seed in sweep["seeds"] for change in changes]


def run_one(sweep: dict, change: Change, seed: int) -> dict:
    """One training run; its line of the record. A run that fails is recorded with its error."""
    from gcb6206.scripts.run_ppo import run_training

    load_solutions("hw1")
    config = load_config(sweep["config"], sweep["overrides"])
    if change:
        config = dataclasses.replace(config, **dict([change]))
    args = argparse.Namespace(
        seed=seed, eval_interval=sweep["eval_interval"], num_eval_episodes=sweep["num_eval_episodes"]
    )
    logger, begun, error = Curves(), time.time(), None
    try:
        run_training(config.build(), logger, args)
    except (ArithmeticError, ValueError) as failure:
        error = str(failure)
    return {
        "change": list(change) if change else None,
        "seed": seed,
        "seconds": round(time.time() - begun, 1),
        "error": error,
        "curves": logger.thinned(),
    }


def record_sweep(name: str, workers: int, path: Path = SWEEPS, results: Path = RESULTS) -> Path:
    """Run what a sweep still lacks, in parallel; the file of its lines.

    Raises:
        ConfigError: no sweep of that name is described, or it does not fit its configuration.
    """
    described = read_yaml(path)
    if name not in described:
        raise ConfigError(f"unknown sweep {name!r}: {nearest(name, list(described))}")
    sweep = described[name]
    record = results / f"{name}.jsonl"
    done = {(_key(line["change"]), line["seed"]) for line in read_lines(record)}
    missing = [(change, seed) for change, seed in jobs_of(sweep) if (_key(change), seed) not in done]
    about = {
        "command": f"python -m gcb6206.scripts.sweep {name}",
        "commit": commit(),
        "hardware": hardware(),
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
        "python": platform.python_version(),
    }
    record.parent.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"  # one run a core
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn) as pool, open(record, "a", encoding="utf-8") as lines:
        runs = [pool.submit(run_one, sweep, change, seed) for change, seed in missing]
        try:
            for run in tqdm(as_completed(runs), name, len(runs), unit="run", dynamic_ncols=True):
                lines.write(json.dumps({**run.result(), **about}) + "\n")
                lines.flush()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return record


def read_lines(record: Path) -> list[dict]:
    """The whole lines of a record; the last one may be cut off where a sweep was killed.

    The cut line is removed from the file, so that the next one does not continue it.
    """
    if not record.exists():
        return []
    text = record.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        record.write_text(whole, encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]


@dataclasses.dataclass(frozen=True)
class Flags:
    """What to measure."""

    names: Annotated[
        tuple[str, ...], Positional, WORDS, arg(metavar="NAME...", help_behavior_hint="(at least one)")
    ]
    """sweeps of book/results/sweeps.yaml"""
    workers: int = os.cpu_count() or 1
    """runs side by side; by default one a core"""

    def __post_init__(self):
        check_fields(self, {"at least 1": "workers"})


@exit_status
def main(words: list[str] | None = None) -> None:
    """The command line."""
    flags = parse(Flags, words)
    for name in flags.names:
        print(f"recorded {record_sweep(name, flags.workers)}")


def _key(change: list | tuple | None) -> str:
    return json.dumps(change)


if __name__ == "__main__":
    sys.exit(main())
