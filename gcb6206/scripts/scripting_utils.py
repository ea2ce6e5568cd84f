"""What the training scripts share: from a YAML file and flags to a configuration, a directory and an exit status."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from gcb6206.env_configs.config import field_docs, override, read_yaml
from gcb6206.env_configs.dqn_atari_config import DQNAtariConfig
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.env_configs.realm_config import RealmConfig
from gcb6206.errors import CheckpointError, ConfigError, nearest
from gcb6206.exercises import ExerciseNotSolved
from gcb6206.infrastructure.logger import Logger

BASE_CONFIGS = {
    "dqn_basic": DQNBasicConfig,
    "dqn_atari": DQNAtariConfig,
    "ppo": PPOConfig,
    "mappo": MAPPOConfig,
    "realm": RealmConfig,
}
ALL = tuple(BASE_CONFIGS)
RUN_FILE = "run.yaml"  # what a run was started with, in its directory


def load_config(
    config_file: str | Path, overrides: dict[str, str] | None = None, bases: tuple[str, ...] = ALL
):
    """The configuration that a YAML file describes: its ``base_config`` with the other lines overriding it.

    Args:
        config_file: the YAML file.
        overrides: further changes, such as flags.
        bases: what ``base_config`` may be.

    Raises:
        ConfigError: names the file or flag, the field, and what was expected.
    """
    fields = read_yaml(config_file)
    base = fields.pop("base_config", None)
    if base not in bases:
        raise ConfigError(f"{config_file}: base_config is {base!r}: {nearest(str(base), list(bases))}")
    config = override(BASE_CONFIGS[base](), fields, str(config_file))
    return override(config, overrides or {}, "command line")


def make_config(
    config_file: str | Path, overrides: dict[str, str] | None = None, bases: tuple[str, ...] = ALL
) -> dict:
    """The parts of the run that a YAML file describes: what a training takes as ``config``."""
    config = load_config(config_file, overrides, bases)
    return {**config.build(), "settings": dataclasses.asdict(config)}


def parse_overrides(words: list[str]) -> dict[str, str]:
    """``["--learning_rate", "1e-4", "--batch_size=64"]`` as field names and values.

    Raises:
        ConfigError: a word that is no flag, or a flag without its value.
    """
    overrides, rest = {}, list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise ConfigError(
                f"unexpected {word!r} on the command line: fields are changed with --name value"
            )
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise ConfigError(f"--{name} needs a value")
            value = rest.pop(0)
        overrides[name.replace("-", "_")] = value
    return overrides


def describe_fields(bases: tuple[str, ...] = ALL) -> str:
    """Every field of some base configurations, for ``--help``."""
    lines = []
    for name in bases:
        config_class = BASE_CONFIGS[name]
        docs = field_docs(config_class)
        lines.append(f"fields of {name} (change them in the YAML file or with --name value):")
        for field in dataclasses.fields(config_class):
            lines.append(f"  {field.name} = {field.default}: {docs.get(field.name, '')}")
    return "\n".join(lines)


def run_parser(program: str, description: str, bases: tuple[str, ...]) -> argparse.ArgumentParser:
    """The flags of every training script; what it does not know are fields of the configuration."""
    parser = argparse.ArgumentParser(
        prog=f"python -m gcb6206.scripts.{program}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=describe_fields(bases),
    )
    parser.add_argument(
        "--config_file", "-cfg", help="YAML file that names a base_config and overrides its fields"
    )
    parser.add_argument("--resume", metavar="DIR", help="go on with the run in DIR, from its last checkpoint")
    parser.add_argument(
        "--eval_interval", "-ei", type=positive, default=10_000, help="steps between evaluations (10000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the whole run (1)")
    parser.add_argument("--log_root", default="data", help="where the run's directory is made (data)")
    parser.add_argument(
        "--solutions",
        action="store_true",
        help="train with the reference solutions (needs the instructor's repository)",
    )
    return parser


def prepare_run(
    args: argparse.Namespace, rest: list[str], homework: str, algorithm: str, bases: tuple[str, ...]
) -> tuple[dict, argparse.Namespace, Path]:
    """The configuration, arguments and directory of the run that a command line asks for or goes on with.

    Args:
        args: what ``run_parser`` knows of the command line.
        rest: the other words.
        homework, algorithm: the beginning of the directory's name.
        bases: what ``base_config`` may be.

    Raises:
        ConfigError: the request names nothing to run, or something that does not fit.
    """
    if args.solutions:
        load_solutions(homework)
    overrides = parse_overrides(rest)
    if args.resume:
        log_dir = Path(args.resume)
        before = read_yaml(log_dir / RUN_FILE)
        config = make_config(log_dir / "config.yaml", overrides, bases)
        return config, argparse.Namespace(**{**vars(args), **before, "resume": args.resume}), log_dir
    if not args.config_file:
        raise ConfigError("name a configuration with -cfg FILE.yaml, or a run to go on with by --resume DIR")
    config = make_config(args.config_file, overrides, bases)
    begun = time.strftime("%d-%m-%Y_%H-%M-%S")
    name = f"{homework}_{algorithm}_{config['log_name']}_seed{args.seed}_{begun}"
    return config, args, Path(args.log_root) / name


def open_log(config: dict, args: argparse.Namespace, log_dir: Path, kept: tuple[str, ...]) -> Logger:
    """The run's log; in a new run's directory also what it needs to go on: ``config.yaml`` and ``run.yaml``.

    Args:
        config, args, log_dir: as ``prepare_run`` gives them.
        kept: arguments that hold for the whole run.
    """
    logger = Logger(log_dir)
    if not args.resume:
        base = read_yaml(args.config_file)["base_config"]
        (log_dir / RUN_FILE).write_text(yaml.safe_dump({name: getattr(args, name) for name in kept}))
        (log_dir / "config.yaml").write_text(yaml.safe_dump({"base_config": base, **config["settings"]}))
    print(f"logging to {log_dir}")
    return logger


def exit_status(start: Callable, words: list[str] | None) -> int:
    """Run a script's ``start``: 0, or 2 with one line that says what was wrong, or 130 when interrupted."""
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
