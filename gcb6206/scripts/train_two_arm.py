"""Train two arms with multi-agent PPO: ``python -m gcb6206.scripts.train_two_arm -cfg experiments/two_arm/expert_starts.yaml``.
It trains with the functions that fill the exercises of homework 2 and 4. -cfg FILE.yaml --help shows that file's values.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.errors import ConfigError
from gcb6206.runs import two_arm as two_arm_run
from gcb6206.scripts.scripting_utils import RunFlags, exit_status, make_config, start_run


def run_training(config: dict, logger, args: argparse.Namespace) -> MAPPOAgent:
    """Train both arms: collect a rollout, learn from it, log, evaluate, until the steps are used up.

    Args:
        config: the run's parts, as ``TwoArmConfig().build()`` gives them.
        logger: takes scalars and videos.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained agent.
    """
    run = two_arm_run.TwoArmRun(config, logger, args)
    try:
        for progress in run.rounds():
            samples = run.agent.prepare(run.collect())
            figures = run.agent.update(samples, progress)
            run.log_update(figures)
    finally:
        run.close()
    return run.agent


@dataclasses.dataclass(frozen=True)
class Flags(RunFlags):
    """How to run it."""

    eval_interval: Annotated[int, arg(aliases=("-ei",))] = 16_384
    """steps between evaluations"""
    num_eval_episodes: Annotated[int, arg(aliases=("-neval",))] = 10
    """episodes with the mean actions in each evaluation"""
    num_final_episodes: int = 50
    """episodes in the evaluation at the end"""
    num_render_episodes: Annotated[int, arg(aliases=("-nvid",))] = 0
    """films of the trained arms (a minute each on a CPU)"""
    checkpoint_interval: int = 16_384
    """steps between checkpoints, each of which begins new episodes; 0 for none"""

    HOMEWORKS, BASES, KIND = ("hw2", "hw4"), ("two_arm",), "two_arm"
    KEPT = ("seed", "eval_interval", "num_eval_episodes", "num_final_episodes", "num_render_episodes",
            "checkpoint_interval")  # fmt: skip
    LIMITS = {
        **RunFlags.LIMITS,
        "at least 1": "eval_interval num_eval_episodes num_final_episodes",
        "at least 0": "num_render_episodes checkpoint_interval",
    }


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory."""
    return start_run(Flags, words, check_envs, run_training, use_underscores=True)


def check_envs(config: dict, flags: Flags) -> None:
    """Make one environment, to see that it works.

    Raises:
        ConfigError: robosuite or OpenGL is missing.
    """
    try:
        config["make_envs"](1, num_workers=0).close()
    except ImportError as error:
        raise ConfigError(str(error)) from None


def load_agent(log_dir: str | Path) -> MAPPOAgent:
    """The trained arms that a run left in its directory, ready to act.

    >>> agent = load_agent("data/two_arm_...")                              # doctest: +SKIP
    >>> actions = agent.act(observations)                                   # doctest: +SKIP

    Raises:
        ConfigError, CheckpointError: there is no run in that directory, or its checkpoint is missing or damaged.
    """
    return two_arm_run.load_agent(make_config(Path(log_dir) / "config.yaml", None, Flags.BASES), log_dir)


main = exit_status(start)

if __name__ == "__main__":
    sys.exit(main())
