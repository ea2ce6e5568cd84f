"""Train a PPO agent: ``python -m gcb6206.scripts.run_ppo -cfg experiments/ppo/cartpole.yaml --seed 1``."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from gcb6206.agents.ppo_agent import PPOAgent
from gcb6206.errors import ConfigError
from gcb6206.runs import ppo as ppo_run
from gcb6206.scripts.scripting_utils import (
    exit_status,
    make_config,
    open_log,
    positive,
    prepare_run,
    run_parser,
)

BASES = ("ppo",)


def run_training(config: dict, logger, args: argparse.Namespace) -> PPOAgent:
    """Train an agent: collect a rollout, learn from it, log, evaluate, until the steps are used up.

    Args:
        config: the run's parts, as ``PPOConfig().build()`` gives them.
        logger: takes scalars and videos.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained agent.
    """
    run = ppo_run.PPORun(config, logger, args)
    for progress in run.updates():
        samples = run.collect()
        figures = run.agent.update(samples, progress)
        run.log_update(samples, figures)
    return run.agent


def make_parser() -> argparse.ArgumentParser:
    """The command line; what it does not know are fields of the configuration."""
    parser = run_parser(
        "run_ppo", "Train a PPO agent with whatever fills the exercises of homework 1.", BASES
    )
    parser.add_argument(
        "--num_eval_episodes", "-neval", type=positive, default=10, help="greedy episodes in each (10)"
    )
    parser.add_argument(
        "--num_render_episodes", "-nvid", type=int, default=0, help="videos of the trained agent (0)"
    )
    parser.add_argument(
        "--checkpoint_interval",
        type=int,
        default=50_000,
        help="steps between checkpoints, each of which begins new episodes; 0 for none (50000)",
    )
    parser.add_argument("--wandb", metavar="PROJECT", help="send the log to Weights & Biases as well")
    return parser


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory.

    Raises:
        ConfigError, CheckpointError, ValueError, ExerciseNotSolved: the request cannot be served.
    """
    args, rest = make_parser().parse_known_args(words)
    config, args, log_dir = prepare_run(args, rest, "hw1", "ppo", BASES)
    ppo_run.check_envs(config)  # what cannot be trained on is refused before anything is written
    if args.wandb:
        _start_wandb(args.wandb, log_dir, config["settings"])
    kept = ("seed", "eval_interval", "num_eval_episodes", "num_render_episodes", "checkpoint_interval")
    logger = open_log(config, args, log_dir, kept)
    try:
        run_training(config, logger, args)
    finally:
        logger.close()
    return log_dir


def load_agent(log_dir: str | Path) -> PPOAgent:
    """The trained agent that a run left in its directory, ready to act.

    >>> agent = load_agent("data/hw1_ppo_cartpole_seed1_...")               # doctest: +SKIP
    >>> _, actions = agent.act(observations)                                # doctest: +SKIP

    Raises:
        ConfigError, CheckpointError: there is no run in that directory, or its checkpoint is missing or
            damaged.
    """
    return ppo_run.load_agent(make_config(Path(log_dir) / "config.yaml", None, BASES), log_dir)


def main(words: list[str] | None = None) -> int:
    """The command line: exit status 0, or 2 with one line that says what was wrong."""
    return exit_status(start, words)


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


if __name__ == "__main__":
    sys.exit(main())
