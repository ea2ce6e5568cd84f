"""Train a team with multi-agent PPO: ``python -m gcb6206.scripts.train --scenario-name navigation --seed 1``."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import sys
import time
from pathlib import Path

import yaml

from gcb6206 import exercises
from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.env_configs.config import field_docs, override, read_yaml
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.errors import ConfigError, nearest
from gcb6206.infrastructure.logger import Logger
from gcb6206.infrastructure.sentinel import NonFiniteError
from gcb6206.runs import team as multi_agent_run
from gcb6206.scripts.scripting_utils import (
    RUN_FILE,
    exit_status,
    load_config,
    load_solutions,
    make_config,
    positive,
)

BASES = ("mappo",)
HOMEWORKS = ("hw2", "hw4")
KEPT = ("seed", "eval_interval", "num_eval_episodes", "num_render", "replay", "checkpoint_interval")


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


def make_parser() -> argparse.ArgumentParser:
    """The command line: the configuration's fields, and how to run it."""
    parser = argparse.ArgumentParser(
        prog="python -m gcb6206.scripts.train",
        description="Train a team in a VMAS scenario with whatever fills the exercises of homework 2 and 4.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--config-file", "-cfg", help="YAML file that overrides the defaults; flags come last"
    )
    docs = field_docs(MAPPOConfig)
    for field in dataclasses.fields(MAPPOConfig):
        if field.name != "scenario_kwargs":
            parser.add_argument(
                f"--{field.name.replace('_', '-')}",
                # a bare --share-parameters means true
                **({"nargs": "?", "const": "true"} if field.type == "bool" else {}),
                help=f"{docs[field.name]} ({field.default})".replace("%", "%%"),
            )
    parser.add_argument("--seed", type=int, default=1, help="of the whole run (1)")
    parser.add_argument("--resume", metavar="DIR", help="go on with the run in DIR, from its last checkpoint")
    parser.add_argument("--num-render", type=int, default=0, help="films of the trained team (0)")
    parser.add_argument(
        "--eval-interval",
        type=int,
        default=0,
        help="iterations between evaluations; 0 for one at the end (0)",
    )
    parser.add_argument(
        "--replay",
        type=int,
        metavar="START",
        help="keep the episode that begins from this seed, before the training and at each evaluation, in "
        "replay.json",
    )
    parser.add_argument(
        "--num-eval-episodes", type=positive, default=200, help="episodes with the mean actions in each (200)"
    )
    parser.add_argument(
        "--checkpoint-interval", type=int, default=1, help="iterations between checkpoints; 0 for none (1)"
    )
    parser.add_argument(
        "--log-root", "--log_root", default="output", help="where the scenario's runs are kept (output)"
    )
    parser.add_argument(
        "--solutions",
        action="store_true",
        help="train with the reference solutions (needs the instructor's repository, which also takes them where "
        "nothing fills any exercise of homework 2 and 4, as on a plain command line)",
    )
    return parser


def start(words: list[str] | None = None) -> Path:
    """Run what a command line asks for; the run's directory.

    Raises:
        ConfigError, CheckpointError, ValueError, ExerciseNotSolved, NonFiniteError: the request cannot be
            served, or the training broke down.
    """
    parser = make_parser()
    args, rest = parser.parse_known_args(words)
    if rest:
        flags = [option for action in parser._actions for option in action.option_strings]
        raise ConfigError(f"unknown flag {rest[0]!r}: {nearest(rest[0].partition('=')[0], flags)}")
    if args.solutions or (nothing_solved() and importlib.util.find_spec("solutions")):
        for homework in HOMEWORKS:
            load_solutions(homework)
    fields = [field.name for field in dataclasses.fields(MAPPOConfig)]
    overrides = {name: value for name in fields if (value := getattr(args, name, None)) is not None}
    if args.resume:
        log_dir = Path(args.resume)
        before = read_yaml(log_dir / RUN_FILE)
        config = make_config(log_dir / "config.yaml", overrides, BASES)
        args = argparse.Namespace(**{**vars(args), **before})
    else:
        if args.config_file:
            settings = load_config(args.config_file, overrides, BASES)
        else:
            settings = override(MAPPOConfig(), overrides, "command line")
        config = {**settings.build(), "settings": dataclasses.asdict(settings)}
        log_dir = unused(Path(args.log_root) / config["log_name"] / time.strftime("%Y-%m-%d_%H-%M-%S"))
        if settings.whole_frames != settings.frames_per_batch:
            print(
                f"frames_per_batch is {settings.frames_per_batch}, no multiple of max_steps = "
                f"{settings.max_steps}: this setting of the original notes runs with {settings.whole_frames}"
            )
    # "auto" is settled once, so that a resumed run computes as the killed one did
    config["settings"]["precision"] = config["agent_kwargs"]["precision"]

    trial = config["make_team"](num_envs=1)  # what cannot work is refused before anything is written
    if args.num_render:
        trial.picture()
    logger = Logger(log_dir)
    if not args.resume:
        (log_dir / RUN_FILE).write_text(yaml.safe_dump({name: getattr(args, name) for name in KEPT}))
        (log_dir / "config.yaml").write_text(yaml.safe_dump({"base_config": "mappo", **config["settings"]}))
    print(f"logging to {log_dir}")
    try:
        run_training(config, logger, args)
    finally:
        logger.close()
    return log_dir


def nothing_solved() -> bool:
    """Whether every exercise of homework 2 and 4 is unsolved, as in a process that has just begun."""
    names = [name for homework in HOMEWORKS for name in exercises.ids(homework)]
    return all(exercises.get(name).implementation is None for name in names)


def load_agent(log_dir: str | Path) -> MAPPOAgent:
    """The trained team that a run left in its directory, ready to act.

    >>> agent = load_agent("output/navigation/...")                         # doctest: +SKIP
    >>> actions = agent.act(observations)                                   # doctest: +SKIP

    Raises:
        ConfigError, CheckpointError: there is no run in that directory, or its checkpoint is missing or
            damaged.
    """
    return multi_agent_run.load_agent(make_config(Path(log_dir) / "config.yaml", None, BASES), log_dir)


def unused(log_dir: Path) -> Path:
    """The directory, with a number behind it where another run of the same second has it."""
    number, free = 1, log_dir
    while free.exists():
        number += 1
        free = log_dir.with_name(f"{log_dir.name}-{number}")
    return free


def main(words: list[str] | None = None) -> int:
    """The command line: exit status 0, 1 if the training broke down, 2 with one line that says what was wrong."""
    try:
        return exit_status(start, words)
    except NonFiniteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
