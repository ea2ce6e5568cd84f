"""Train two arms with MAPPO and a vision-language-action policy: ``python -m gcb6206.scripts.train_mappo --solutions``.
It trains with the functions that fill the exercises of homework 2 and 4. Several ranks are started by
``torchrun --standalone --nproc_per_node 2 -m gcb6206.scripts.train_mappo``. -cfg FILE.yaml --help shows that file's
values.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import torch
from tyro.conf import arg

from gcb6206.errors import ConfigError
from gcb6206.infrastructure.data_parallel import FollowerLogger, Ranks
from gcb6206.networks.vla_policy import MultiAgentVLAPolicy
from gcb6206.runs.vla import VLARun
from gcb6206.scripts.scripting_utils import RunFlags, exit_status, load_solutions, parse_run, parts, start_run


def run_training(config: dict, logger, args: argparse.Namespace) -> MultiAgentVLAPolicy:
    """Train: collect a rollout, learn from it, log, evaluate, until the steps are used up.

    Args:
        config: the run's parts, as ``MAPPOConfig().build()`` gives them, and where there are several ranks ``ranks``.
        logger: takes scalars.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained policy.
    """
    run = VLARun(config, logger, args)
    try:
        for progress in run.rounds():
            samples = run.collect()
            figures = run.update(samples, progress)
            run.log_update(figures)
    finally:
        run.world.close()
    return run.policy


@dataclasses.dataclass(frozen=True)
class Flags(RunFlags):
    """How to run it."""

    eval_interval: Annotated[int, arg(aliases=("-ei",))] = 0
    """steps between evaluations; 0 for one at the end"""
    num_eval_episodes: int = 20
    """episodes without noise in each evaluation"""
    num_render_episodes: Annotated[int, arg(aliases=("-nvid",))] = 0
    """films of the trained policy"""
    checkpoint_interval: int = 10_000
    """steps between checkpoints, each of which begins new episodes; 0 for none"""
    log_root: Annotated[str, arg(metavar="DIR")] = "runs/mappo"
    """where the run's directory is made"""

    HOMEWORKS, BASES, NEEDS_FILE, KIND = ("hw2", "hw4"), ("mappo_vla",), False, "mappo"
    KEPT = ("seed", "eval_interval", "num_eval_episodes", "num_render_episodes", "checkpoint_interval")
    LIMITS = {
        **RunFlags.LIMITS,
        "at least 1": "num_eval_episodes",
        "at least 0": "eval_interval num_render_episodes checkpoint_interval",
    }

    def directory(self, log_name: str, changes: dict) -> str:
        """The run's name, its seed, and when."""
        return f"{log_name}_seed{self.seed}_{time.strftime('%Y-%m-%d_%H-%M-%S')}"


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory."""
    follower = int(os.environ.get("RANK", 0)) > 0
    return follow(words) if follower else start_run(Flags, words, check, lead, use_underscores=True)


def check(config: dict, flags: Flags) -> None:
    """Refuse Weights & Biases where it is not installed, before anything is written."""
    if config["settings"]["use_wandb"]:
        wandb()


def wandb():
    """The package.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module("wandb")
    except ModuleNotFoundError:
        raise ConfigError(
            "use_wandb needs the package wandb, which is not installed: pip install wandb, or leave the flag out; "
            "TensorBoard is written in any case"
        ) from None


def lead(config: dict, logger, args: argparse.Namespace) -> None:
    """Train on the first rank."""
    ranks = Ranks.join(config["device"])
    if ranks.size > 1:
        torch.distributed.broadcast_object_list([str(logger.log_dir)], src=0)
    with uploaded(config["settings"], logger):
        run_training({**config, "ranks": ranks}, logger, args)
    ranks.leave()


def follow(words: list[str] | None) -> Path:
    """Train on another rank, in the directory that the first one made."""
    asked, settings, _ = parse_run(Flags, words, use_underscores=True)
    if asked.solutions:
        for homework in Flags.HOMEWORKS:
            load_solutions(homework)
    config = parts(settings)
    ranks, told = Ranks.join(config["device"]), [None]
    torch.distributed.broadcast_object_list(told, src=0)
    run_training({**config, "ranks": ranks}, FollowerLogger(told[0]), argparse.Namespace(**vars(asked)))
    ranks.leave()
    return Path(told[0])


@contextlib.contextmanager
def uploaded(settings: dict, logger):
    """What goes to TensorBoard goes to Weights & Biases too, where that is asked for."""
    if not settings["use_wandb"]:
        yield
        return
    run = wandb().init(
        entity=settings["wandb_entity"],
        project=settings["wandb_project"],
        name=logger.log_dir.name,
        config=settings,
    )
    log_scalar = logger.log_scalar

    def both(scalar: float, name: str, step: int) -> None:
        log_scalar(scalar, name, step)
        run.log({name: float(scalar), "step": step})

    logger.log_scalar = both
    try:
        yield
    finally:
        run.finish()


main = exit_status(start)

if __name__ == "__main__":
    sys.exit(main())
