"""Train a DQN agent: ``python -m gcb6206.scripts.run_hw3 -cfg experiments/dqn/cartpole.yaml --seed 1``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gcb6206.exercises import exercise
from gcb6206.scripts.scripting_utils import exit_status, open_log, positive, prepare_run, run_parser

BASES = ("dqn_basic", "dqn_atari")


@exercise("hw3.run_training_loop")
def run_training_loop(config: dict, logger, args: argparse.Namespace):
    """Train an agent for ``config["total_steps"]`` steps: act, store, sample, update, evaluate.

    At each step, in this order: act with the schedule's epsilon; store the transition with ``done`` = terminated,
    the last one before a time limit included; from ``config["learning_starts"]`` on, update the agent with
    ``config["batch_size"]`` sampled transitions. At every step that ``args.eval_interval`` divides, evaluate
    greedily over ``args.num_eval_trajectories`` episodes in an environment made for it. Every episode begins anew:
    seed once, and reset without a seed.

    Use the course's parts by their names: ``agent.get_action``, ``agent.update``, ``utils.sample_n_trajectories``
    for evaluation, a buffer of ``gcb6206.infrastructure.replay_buffer``. ``TrainingRun`` brings most of it:
    environments, agent, buffer, evaluation and log.

    Logged are ``train_return`` and ``train_ep_len`` at the last step of each training episode, ``eval_return`` and
    ``eval_ep_len`` (means) of each evaluation, and from ``learning_starts`` on, at every step that
    ``args.log_interval`` divides, what ``agent.update`` returned, each figure under its name, with ``epsilon`` and
    ``lr``.

    Args:
        config: the run's parts, as ``make_config`` gives them.
        logger: takes scalars and videos.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained agent.
    """


def make_parser() -> argparse.ArgumentParser:
    """The command line; what it does not know are fields of the configuration."""
    parser = run_parser(
        "run_hw3", "Train a DQN agent with whatever fills the exercises of homework 3.", BASES
    )
    parser.add_argument(
        "--num_eval_trajectories", "-neval", type=positive, default=10, help="greedy episodes in each (10)"
    )
    parser.add_argument(
        "--num_render_trajectories", "-nvid", type=int, default=0, help="videos at each evaluation (0)"
    )
    parser.add_argument("--no_gpu", "-ngpu", action="store_true", help="stay on the CPU")
    parser.add_argument("--which_gpu", "-gpu_id", type=int, default=0, help="number of the GPU (0)")
    parser.add_argument(
        "--log_interval", type=positive, default=1_000, help="steps between logged updates (1000)"
    )
    parser.add_argument(
        "--checkpoint_interval",
        type=int,
        default=10_000,
        help="steps between checkpoints, 0 for none (10000)",
    )
    return parser


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory.

    Raises:
        ConfigError, CheckpointError, ValueError, ExerciseNotSolved: the request cannot be served.
    """
    args, rest = make_parser().parse_known_args(words)
    config, args, log_dir = prepare_run(args, rest, "hw3", "dqn", BASES)
    config["make_env"]().close()  # an unknown environment is refused before anything is written
    logger = open_log(
        config, args, log_dir, ("seed", "eval_interval", "log_interval", "num_eval_trajectories")
    )
    try:
        run_training_loop(config, logger, args)
    finally:
        logger.close()
    return log_dir


def main(words: list[str] | None = None) -> int:
    """The command line: exit status 0, or 2 with one line that says what was wrong."""
    return exit_status(start, words)


if __name__ == "__main__":
    sys.exit(main())
