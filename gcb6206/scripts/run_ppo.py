"""Train a PPO agent: ``python -m gcb6206.scripts.run_ppo -cfg experiments/ppo/cartpole.yaml --seed 1``.
It trains with the functions that fill the exercises of homework 1. -cfg FILE.yaml --help shows that file's values.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from gcb6206.agents.ppo_agent import PPOAgent
from gcb6206.errors import ConfigError
from gcb6206.runs import ppo as ppo_run
from gcb6206.scripts.scripting_utils import RunFlags, exit_status, make_config, start_run


def run_training(config: dict, logger, args: argparse.Namespace) -> PPOAgent:
    """Train an agent: collect a rollout, learn from it, log, evaluate, until the steps are used up.

    Args:
        config: the run's parts, as ``PPOConfig().build()`` gives them.
        logger: takes scalars and videos.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained agent.
    """
    if getattr(args, "wandb", None):
        _start_wandb(args.wandb, logger.log_dir, config["settings"])
    run = ppo_run.PPORun(config, logger, args)
    for progress in run.updates():
        samples = run.collect()
        figures = run.agent.update(samples, progress)
        run.log_update(samples, figures)
    return run.agent


@dataclasses.dataclass(frozen=True)
class Flags(RunFlags):
    """How to run it."""

    num_eval_episodes: Annotated[int, arg(aliases=("-neval",))] = 10
    """greedy episodes in each evaluation"""
    num_render_episodes: Annotated[int, arg(aliases=("-nvid",))] = 0
    """videos of the trained agent"""
    checkpoint_interval: int = 50_000
    """steps between checkpoints, each of which begins new episodes; 0 for none"""
    wandb: Annotated[str | None, arg(metavar="PROJECT")] = None
    """send the log to Weights & Biases as well"""

    HOMEWORKS, BASES, KIND = ("hw1",), ("ppo",), "hw1_ppo"
    KEPT = ("seed", "eval_interval", "num_eval_episodes", "num_render_episodes", "checkpoint_interval")
    LIMITS = {
        **RunFlags.LIMITS,
        "at least 1": "eval_interval num_eval_episodes",
        "at least 0": "num_render_episodes checkpoint_interval",
    }


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory."""
    return start_run(Flags, words, check_envs, run_training, use_underscores=True)


def check_envs(config: dict, flags: Flags) -> None:
    """Refuse environments that cannot be trained on.

    Raises:
        ConfigError, ValueError: an unknown environment or argument, or spaces that PPO cannot work with.
    """
    try:
        ppo_run.check_envs(config)
    except TypeError as error:
        raise ConfigError(f"env_kwargs is {config['settings']['env_kwargs']}: {error}") from None


def load_agent(log_dir: str | Path) -> PPOAgent:
    """The trained agent that a run left in its directory, ready to act.

    >>> agent = load_agent("data/hw1_ppo_cartpole_seed1_...")               # doctest: +SKIP
    >>> _, actions = agent.act(observations)                                # doctest: +SKIP

    Raises:
        ConfigError, CheckpointError: there is no run in that directory, or its checkpoint is missing or
            damaged.
    """
    return ppo_run.load_agent(make_config(Path(log_dir) / "config.yaml", None, Flags.BASES), log_dir)


def _start_wandb(project: str, log_dir: Path, settings: dict) -> None:
    """Let Weights & Biases follow the TensorBoard log.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        wandb = importlib.import_module("wandb")
    except ModuleNotFoundError:
        raise ConfigError(
            f"--wandb {project} needs the package wandb: pip install wandb, or leave the flag out"
        ) from None
    wandb.init(project=project, name=log_dir.name, config=settings, sync_tensorboard=True)


main = exit_status(start)

if __name__ == "__main__":
    sys.exit(main())
