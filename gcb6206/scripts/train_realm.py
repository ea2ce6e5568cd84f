"""Train on Return to the Realm: ``python -m gcb6206.scripts.train_realm -cfg experiments/realm/small.yaml``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gcb6206.agents.realm_agent import RealmAgent
from gcb6206.runs import realm as realm_run
from gcb6206.scripts.scripting_utils import (
    exit_status,
    make_config,
    open_log,
    positive,
    prepare_run,
    run_parser,
)

BASES = ("realm",)


def run_training(config: dict, logger, args: argparse.Namespace) -> RealmAgent:
    """Train an agent: collect a rollout, learn from it, log, evaluate, until the steps are used up.

    Args:
        config: the run's parts, as ``RealmConfig().build()`` gives them.
        logger: takes scalars and videos.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained agent.
    """
    run = realm_run.RealmRun(config, logger, args)
    for progress in run.updates():
        samples = run.collect()
        figures = run.agent.update(samples, progress)
        run.log_update(samples, figures)
    return run.agent


def make_parser() -> argparse.ArgumentParser:
    """The command line; what it does not know are fields of the configuration."""
    parser = run_parser(
        "train_realm",
        "Train a PPO agent on the realm with whatever fills the exercises of homework 1.",
        BASES,
    )
    parser.add_argument(
        "--num_eval_episodes", "-neval", type=positive, default=20, help="greedy episodes in each (20)"
    )
    parser.add_argument(
        "--num_render_episodes", "-nvid", type=int, default=0, help="videos of the trained agent (0)"
    )
    parser.add_argument(
        "--checkpoint_interval",
        type=int,
        default=100_000,
        help="steps between checkpoints, each of which begins new episodes; 0 for none (100000)",
    )
    parser.set_defaults(eval_interval=100_000)
    return parser


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory.

    Raises:
        ConfigError, CheckpointError, ValueError, ExerciseNotSolved: the request cannot be served.
    """
    args, rest = make_parser().parse_known_args(words)
    config, args, log_dir = prepare_run(args, rest, "hw1", "ppo", BASES)
    kept = ("seed", "eval_interval", "num_eval_episodes", "num_render_episodes", "checkpoint_interval")
    logger = open_log(config, args, log_dir, kept)
    try:
        run_training(config, logger, args)
    finally:
        logger.close()
    return log_dir


def load_agent(log_dir: str | Path) -> RealmAgent:
    """The trained agent that a run left in its directory, ready to act.

    Raises:
        ConfigError, CheckpointError: there is no run in that directory, or its checkpoint is missing or damaged.
    """
    return realm_run.load_agent(make_config(Path(log_dir) / "config.yaml", None, BASES), log_dir)


def main(words: list[str] | None = None) -> int:
    """The command line: exit status 0, or 2 with one line that says what was wrong."""
    return exit_status(start, words)


if __name__ == "__main__":
    sys.exit(main())
