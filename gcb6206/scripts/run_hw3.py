"""Train a DQN agent: ``python -m gcb6206.scripts.run_hw3 -cfg experiments/dqn/cartpole.yaml --seed 1``.
It trains with the functions that fill the exercises of homework 3. The configuration's fields below are those of dqn_basic;
-cfg FILE.yaml --help shows those of another base_config, with that file's values.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from gcb6206.errors import ConfigError
from gcb6206.exercises import exercise
from gcb6206.runs import dqn_fast
from gcb6206.runs.dqn import check_action_space
from gcb6206.scripts.scripting_utils import RunFlags, exit_status, start_run


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
        The trained agent. (The original homework's loop returns nothing; that is accepted.)
    """


@dataclasses.dataclass(frozen=True)
class Flags(RunFlags):
    """How to run it."""

    num_eval_trajectories: Annotated[int, arg(aliases=("-neval",))] = 10
    """greedy episodes in each evaluation"""
    num_render_trajectories: Annotated[int, arg(aliases=("-nvid",))] = 0
    """videos at each evaluation"""
    no_gpu: Annotated[bool, arg(aliases=("-ngpu",))] = False
    """stay on the CPU"""
    which_gpu: Annotated[int, arg(aliases=("-gpu_id",))] = 0
    """number of the GPU"""
    log_interval: int = 1_000
    """steps between logged updates"""
    checkpoint_interval: int = 10_000
    """steps between checkpoints, 0 for none; with fast at least 12,500 for each game"""

    HOMEWORKS, BASES, KIND = ("hw3",), ("dqn_basic", "dqn_atari", "dqn_picture"), "hw3_dqn"
    KEPT = ("seed", "eval_interval", "log_interval", "num_eval_trajectories")
    LIMITS = {
        **RunFlags.LIMITS,
        "at least 1": "eval_interval num_eval_trajectories log_interval",
        "at least 0": "num_render_trajectories which_gpu checkpoint_interval",
    }


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory."""
    return start_run(Flags, words, check_spaces, _train, use_underscores=True)


def _train(config: dict, logger, args: argparse.Namespace):
    """Train with the loop that the configuration names."""
    if not config.get("fast"):
        return run_training_loop(config, logger, args)
    if args.checkpoint_interval:  # each one begins new episodes, and most are to be played to their end
        args.checkpoint_interval = max(args.checkpoint_interval, dqn_fast.STEPS_APART * config["num_envs"])
    return dqn_fast.train(config, logger, args)


def check_spaces(config: dict, flags: Flags) -> None:
    """Make the environment, look at its spaces, and throw it away.

    Raises:
        ConfigError, ValueError: an unknown environment, or spaces that DQN cannot work with.
    """
    env = config["make_env"]()
    env.close()
    check_action_space(env)
    if not env.observation_space.shape:
        raise ConfigError(
            f"unsupported observation space {env.observation_space}: DQN needs a vector, or stacked frames"
        )


main = exit_status(start)

if __name__ == "__main__":
    sys.exit(main())
