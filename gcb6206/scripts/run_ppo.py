"""Train a PPO agent: ``python -m gcb6206.scripts.run_ppo -cfg experiments/ppo/cartpole.yaml --seed 1``."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

import yaml

from gcb6206.agents.ppo_agent import PPOAgent
from gcb6206.env_configs.config import ConfigError, read_yaml
from gcb6206.exercises import ExerciseNotSolved
from gcb6206.infrastructure import ppo_run
from gcb6206.infrastructure.checkpoint import CheckpointError
from gcb6206.infrastructure.logger import Logger
from gcb6206.scripts.run_hw3 import RUN_FILE, load_solutions, positive
from gcb6206.scripts.scripting_utils import describe_fields, make_config, parse_overrides

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
    parser = argparse.ArgumentParser(
        prog="python -m gcb6206.scripts.run_ppo",
        description="Train a PPO agent with whatever fills the exercises of homework 1.",
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
        "--num_eval_episodes", "-neval", type=positive, default=10, help="greedy episodes in each (10)"
    )
    parser.add_argument(
        "--num_render_episodes", "-nvid", type=int, default=0, help="videos of the trained agent (0)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the whole run (1)")
    parser.add_argument(
        "--checkpoint_interval",
        type=int,
        default=50_000,
        help="steps between checkpoints, each of which begins new episodes; 0 for none (50000)",
    )
    parser.add_argument("--log_root", default="data", help="where the run's directory is made (data)")
    parser.add_argument("--wandb", metavar="PROJECT", help="send the log to Weights & Biases as well")
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
        load_solutions("hw1")
    if args.resume:
        log_dir = Path(args.resume)
        before = read_yaml(log_dir / RUN_FILE)
        config = make_config(log_dir / "config.yaml", parse_overrides(rest), BASES)
        args = argparse.Namespace(**{**vars(args), **before, "resume": args.resume})
    elif args.config_file:
        config = make_config(args.config_file, parse_overrides(rest), BASES)
        begun = time.strftime("%d-%m-%Y_%H-%M-%S")
        log_dir = Path(args.log_root) / f"hw1_ppo_{config['log_name']}_seed{args.seed}_{begun}"
    else:
        raise ConfigError("name a configuration with -cfg FILE.yaml, or a run to go on with by --resume DIR")

    ppo_run.check_envs(config)  # what cannot be trained on is refused before anything is written
    if args.wandb:
        _start_wandb(args.wandb, log_dir, config["settings"])
    logger = Logger(log_dir)
    if not args.resume:
        kept = ("seed", "eval_interval", "num_eval_episodes", "num_render_episodes", "checkpoint_interval")
        (log_dir / RUN_FILE).write_text(yaml.safe_dump({name: getattr(args, name) for name in kept}))
        (log_dir / "config.yaml").write_text(yaml.safe_dump({"base_config": "ppo", **config["settings"]}))
    print(f"logging to {log_dir}")
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
    try:
        start(words)
    except (ConfigError, CheckpointError, ExerciseNotSolved, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: go on with --resume and the run's directory", file=sys.stderr)
        return 130
    return 0


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
