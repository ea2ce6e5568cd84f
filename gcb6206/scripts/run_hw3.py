"""Train a DQN agent: ``python -m gcb6206.scripts.run_hw3 -cfg experiments/dqn/cartpole.yaml --seed 1``."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

import yaml

from gcb6206.env_configs.config import ConfigError, read_yaml
from gcb6206.exercises import ExerciseNotSolved, exercise
from gcb6206.infrastructure.checkpoint import CheckpointError
from gcb6206.infrastructure.logger import Logger
from gcb6206.scripts.scripting_utils import describe_fields, make_config, parse_overrides

BASES = ("dqn_basic", "dqn_atari")
RUN_FILE = "run.yaml"  # what a run was started with, in its directory


@exercise("hw3.run_training_loop")
def run_training_loop(config: dict, logger, args: argparse.Namespace):
    """Train an agent for ``config["total_steps"]`` steps: act, store, sample, update, evaluate.

    At each step: act with the schedule's epsilon; store the transition with ``done`` = terminated, the last one
    before a time limit included; from ``config["learning_starts"]`` on, update the agent with
    ``config["batch_size"]`` sampled transitions; every ``args.eval_interval`` steps evaluate greedily in an
    environment of its own.

    Args:
        config: the run's parts, as ``make_config`` gives them.
        logger: takes scalars and videos.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained agent.
    """


def make_parser() -> argparse.ArgumentParser:
    """The command line; what it does not know are fields of the configuration."""
    parser = argparse.ArgumentParser(
        prog="python -m gcb6206.scripts.run_hw3",
        description="Train a DQN agent with whatever fills the exercises of homework 3.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=describe_fields(BASES),
    )
    parser.add_argument(
        "--config_file", "-cfg", help="YAML file that names a base_config and overrides its fields"
    )
    parser.add_argument("--resume", metavar="DIR", help="go on with the run in DIR, from its last checkpoint")
    parser.add_argument(
        "--eval_interval", "-ei", type=positive, default=10_000, help="steps between evaluations (10000)"
    )
    parser.add_argument(
        "--num_eval_trajectories", "-neval", type=positive, default=10, help="greedy episodes in each (10)"
    )
    parser.add_argument(
        "--num_render_trajectories", "-nvid", type=int, default=0, help="videos at each evaluation (0)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the whole run (1)")
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
    parser.add_argument("--log_root", default="data", help="where the run's directory is made (data)")
    parser.add_argument(
        "--solutions",
        action="store_true",
        help="train with the reference solutions (needs the instructor's repository)",
    )
    return parser


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory.

    Raises:
        ConfigError, CheckpointError, ValueError, ExerciseNotSolved: the request cannot be served.
    """
    args, rest = make_parser().parse_known_args(words)
    if args.solutions:
        load_solutions("hw3")
    if args.resume:
        log_dir = Path(args.resume)
        before = read_yaml(log_dir / RUN_FILE)
        config = make_config(log_dir / "config.yaml", parse_overrides(rest), BASES)
        args = argparse.Namespace(**{**vars(args), **before, "resume": args.resume})
    elif args.config_file:
        config = make_config(args.config_file, parse_overrides(rest), BASES)
        log_dir = (
            Path(args.log_root)
            / f"hw3_dqn_{config['log_name']}_seed{args.seed}_{time.strftime('%d-%m-%Y_%H-%M-%S')}"
        )
    else:
        raise ConfigError("name a configuration with -cfg FILE.yaml, or a run to go on with by --resume DIR")

    config["make_env"]().close()  # an unknown environment is refused before anything is written
    logger = Logger(log_dir)
    if not args.resume:
        kept = {"seed": args.seed, "eval_interval": args.eval_interval, "log_interval": args.log_interval}
        kept["num_eval_trajectories"] = args.num_eval_trajectories
        (log_dir / RUN_FILE).write_text(yaml.safe_dump(kept))
        base = read_yaml(args.config_file)["base_config"]
        (log_dir / "config.yaml").write_text(yaml.safe_dump({"base_config": base, **config["settings"]}))
    print(f"logging to {log_dir}")
    try:
        run_training_loop(config, logger, args)
    finally:
        logger.close()
    return log_dir


def main(words: list[str] | None = None) -> int:
    """The command line: exit status 0, or 2 with one line that says what was wrong."""
    try:
        start(words)
    except (ConfigError, CheckpointError, ExerciseNotSolved, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: go on with --resume and the run's directory", file=sys.stderr)
        return 130
    return 0


def load_solutions(homework: str) -> None:
    """Fill a homework's exercises from the instructor's repository.

    Raises:
        ConfigError: this is a student's copy.
    """
    try:
        solutions = importlib.import_module("solutions")
    except ModuleNotFoundError:
        raise ConfigError(
            "--solutions needs the folder solutions/, which only the instructor's repository has"
        ) from None
    solutions.load(homework)


def positive(word: str) -> int:
    """A whole number of at least 1."""
    if int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word} is not at least 1")
    return int(word)


if __name__ == "__main__":
    sys.exit(main())
