"""Train a team with multi-agent PPO: ``python -m gcb6206.scripts.train --scenario-name navigation --seed 1``.
It trains with the functions that fill the exercises of homework 2 and 4, in a scenario of VMAS. -cfg FILE.yaml --help shows that
file's values.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import sys
import time
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from gcb6206 import exercises
from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.infrastructure.sentinel import NonFiniteError
from gcb6206.runs import team as multi_agent_run
from gcb6206.scripts.scripting_utils import RunFlags, exit_status, load_solutions, make_config, start_run


def run_training(config: dict, logger, args: argparse.Namespace) -> MAPPOAgent:
    """Train a team: collect a batch, estimate advantages once, learn, log, until the iterations are used up.

    Args:
        config: the run's parts, as ``MAPPOConfig().build()`` gives them.
        logger: takes scalars and videos.
        args: seed, intervals and counts, as the command line gives them.

    Returns:
        The trained agent.

    Raises:
        NonFiniteError: a tensor held NaN or infinity; the message says which, where, and what was saved.
    """
    run = multi_agent_run.MultiAgentRun(config, logger, args)
    for progress in run.iterations():
        try:
            batch = run.collect()
            samples = run.agent.prepare(batch)
            figures = run.agent.update(samples, progress)
        except NonFiniteError as error:
            error.args = (run.keep_nonfinite(error),)
            raise
        run.log_iteration(batch, figures)
    return run.agent


@dataclasses.dataclass(frozen=True)
class Flags(RunFlags):
    """How to run it."""

    eval_interval: Annotated[int, arg(aliases=("-ei",))] = 0
    """iterations between evaluations; 0 for one at the end"""
    num_eval_episodes: int = 200
    """episodes with the mean actions in each evaluation"""
    num_render: int = 0
    """films of the trained team"""
    replay: Annotated[int | None, arg(metavar="START")] = None
    """keep the episode that begins from this seed, before the training and at each evaluation, in replay.json"""
    checkpoint_interval: int = 1
    """iterations between checkpoints; 0 for none"""
    log_root: Annotated[str, arg(metavar="DIR")] = "output"
    """where the scenario's runs are kept"""
    solutions: bool = False
    """train with the reference solutions. That needs the instructor's repository; there it is the default, unless
    something fills an exercise of homework 2 or 4"""

    HOMEWORKS, BASES, NEEDS_FILE = ("hw2", "hw4"), ("mappo",), False
    KEPT = ("seed", "eval_interval", "num_eval_episodes", "num_render", "replay", "checkpoint_interval")
    LIMITS = {
        "a whole number from 0 to 2**63 - 1": "seed replay",
        "at least 1": "num_eval_episodes",
        "at least 0": "eval_interval num_render checkpoint_interval",
    }

    def directory(self, log_name: str, changes: dict) -> str:
        """The scenario, and when."""
        return f"{log_name}/{time.strftime('%Y-%m-%d_%H-%M-%S')}"


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory."""
    if nothing_solved() and importlib.util.find_spec("solutions"):
        for homework in Flags.HOMEWORKS:
            load_solutions(homework)
    return start_run(Flags, words, check_team, run_training)


def check_team(config: dict, flags: Flags) -> None:
    """Make one environment, to see that it works, and settle how the run computes.

    Raises:
        ConfigError: an unknown scenario or argument, or no pictures where films are wanted.
    """
    asked, frames = config["settings"]["frames_per_batch"], config["num_envs"] * config["max_steps"]
    if frames != asked and not flags.resume:
        print(
            f"frames_per_batch is {asked}, no multiple of max_steps = {config['max_steps']}: this setting of the "
            f"original notes runs with {frames}"
        )
    # "auto" is settled once, so that a resumed run computes as the killed one did
    config["settings"]["precision"] = config["agent_kwargs"]["precision"]
    trial = config["make_team"](num_envs=1)
    if flags.num_render:
        trial.picture()


def nothing_solved() -> bool:
    """Whether every exercise of homework 2 and 4 is unsolved, as in a process that has just begun."""
    names = [name for homework in Flags.HOMEWORKS for name in exercises.ids(homework)]
    return all(exercises.get(name).implementation is None for name in names)


def load_agent(log_dir: str | Path) -> MAPPOAgent:
    """The trained team that a run left in its directory, ready to act.

    >>> agent = load_agent("output/navigation/...")                         # doctest: +SKIP
    >>> actions = agent.act(observations)                                   # doctest: +SKIP

    Raises:
        ConfigError, CheckpointError: there is no run in that directory, or its checkpoint is missing or
            damaged.
    """
    return multi_agent_run.load_agent(make_config(Path(log_dir) / "config.yaml", None, Flags.BASES), log_dir)


main = exit_status(start)

if __name__ == "__main__":
    sys.exit(main())
