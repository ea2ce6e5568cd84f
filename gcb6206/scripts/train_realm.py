"""Train on Return to the Realm: ``python -m gcb6206.scripts.train_realm -cfg experiments/realm/small.yaml``.
It trains with the functions that fill the exercises of homework 1 and 5, for DQN with those of homework 3.
-cfg FILE.yaml --help shows that file's values.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from gcb6206.agents.realm_agent import RealmAgent
from gcb6206.errors import ConfigError
from gcb6206.runs import realm as realm_run
from gcb6206.runs import realm_distributed, realm_dqn
from gcb6206.scripts.scripting_utils import RunFlags, exit_status, make_config, start_run

EPISODES_APART = 2  # whole episodes of a game that fit between two checkpoints


def run_training(config: dict, logger, args: argparse.Namespace) -> RealmAgent:
    """Train an agent: collect a rollout, learn from it, log, evaluate, until the steps are used up.

    Args:
        config: the run's parts, as ``RealmConfig().build()`` gives them.
        logger: takes scalars and videos.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained agent.
    """
    if getattr(args, "ray", "none") != "none":
        from gcb6206.runs import realm_ray  # starts with Ray, which a release for students does not have

        return realm_ray.RealmRayRun(config, logger, args).train()
    if "update_period" in config:
        return realm_dqn.RealmDQNRun(config, logger, args).train()
    if "num_workers" in config:
        return realm_distributed.RealmDistributedRun(config, logger, args).train()
    run = realm_run.RealmRun(config, logger, args)
    for progress in run.updates():
        samples = run.collect()
        figures = run.agent.update(samples, progress)
        run.log_update(samples, figures)
    return run.agent


@dataclasses.dataclass(frozen=True)
class Flags(RunFlags):
    """How to run it."""

    eval_interval: Annotated[int, arg(aliases=("-ei",))] = 100_000
    """steps between evaluations"""
    num_eval_episodes: Annotated[int, arg(aliases=("-neval",))] = 20
    """episodes in each evaluation"""
    num_render_episodes: Annotated[int, arg(aliases=("-nvid",))] = 0
    """videos of the trained agent"""
    checkpoint_interval: int = 100_000
    """steps between checkpoints, each of which begins new episodes, so at least twice max_step for each game; 0 for none"""
    ray: Annotated[str, arg(metavar="none|local|ADDRESS")] = "none"
    """where the roles run: none (all in this process), local (a Ray of its own), or a cluster's address"""

    HOMEWORKS, BASES, KIND = ("hw1", "hw3", "hw5"), ("realm", "realm_distributed", "realm_dqn"), "realm"
    KEPT = ("seed", "eval_interval", "num_eval_episodes", "num_render_episodes", "checkpoint_interval")
    LIMITS = {
        **RunFlags.LIMITS,
        "at least 1": "eval_interval num_eval_episodes",
        "at least 0": "num_render_episodes checkpoint_interval",
    }


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory."""
    return start_run(Flags, words, check, _train, use_underscores=True)


def _train(config: dict, logger, args: argparse.Namespace) -> RealmAgent:
    """Train, with checkpoints that leave time for whole episodes."""
    if args.checkpoint_interval:  # each one begins new episodes: without their ends nobody learns to end one
        games = config["num_envs"] * config.get("num_workers", 1)
        episodes = EPISODES_APART * config["options"].max_step * games
        args.checkpoint_interval = max(args.checkpoint_interval, episodes)
    return run_training(config, logger, args)


def check(config: dict, flags: Flags) -> None:
    """Refuse Ray for a run that has no roles."""
    if flags.ray != "none" and "num_workers" not in config:
        raise ConfigError(
            f"--ray {flags.ray} needs a configuration with roles: base_config: realm_distributed, such as "
            "experiments/realm/small_distributed.yaml"
        )


def load_agent(log_dir: str | Path) -> RealmAgent:
    """The trained agent that a run left in its directory, ready to act.

    Raises:
        ConfigError, CheckpointError: there is no run in that directory, or its checkpoint is missing or damaged.
    """
    return realm_run.load_agent(make_config(Path(log_dir) / "config.yaml", None, Flags.BASES), log_dir)


main = exit_status(start)

if __name__ == "__main__":
    sys.exit(main())
