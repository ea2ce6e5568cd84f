"""What the commands share: flags out of dataclasses, a run's configuration and directory, and exit statuses.

flags:   tyro makes them of a dataclass, with the docstring under each field as their help
a run:   defaults of the dataclass, below them the YAML file's lines, below them the command line
resumed: defaults of the run's own config.yaml and run.yaml, which the command line may not contradict
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
import functools
import importlib
import itertools
import os
import pkgutil
import shutil
import sys
import threading
import time
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, ClassVar, TextIO

import gymnasium as gym
import tyro
import yaml
from tyro import _errors as parse_errors  # private: its hook, for which tyro is pinned
from tyro.conf import arg
from tyro.constructors import PrimitiveConstructorSpec as Spec

from gcb6206.env_configs.config import check_fields, convert, override, read_yaml
from gcb6206.errors import CheckpointError, ConfigError, nearest
from gcb6206.exercises import ExerciseNotSolved, fill_from_notebook
from gcb6206.infrastructure.logger import Logger
from gcb6206.infrastructure.sentinel import NonFiniteError

# Where each configuration stands in env_configs. Imported when asked for: the two arms need packages that not all have.
BASE_CONFIGS = {
    "dqn_basic": "dqn_basic_config:DQNBasicConfig",
    "dqn_atari": "dqn_atari_config:DQNAtariConfig",
    "dqn_picture": "dqn_picture_config:DQNPictureConfig",
    "ppo": "ppo_config:PPOConfig",
    "mappo": "mappo_config:MAPPOConfig",
    "realm": "realm_config:RealmConfig",
    "realm_dqn": "realm_config:RealmDQNConfig",
    "realm_distributed": "realm_config:RealmDistributedConfig",
    "mappo_vla": "vla_config:MAPPOConfig",
    "cloning": "vla_config:CloningConfig",
    "two_arm": "two_arm_config:TwoArmConfig",
}
ALL = tuple(BASE_CONFIGS)
RUN_FILE, CONFIG_FILE = "run.yaml", "config.yaml"  # what a run was started with, in its directory
LONGEST_CHANGES = 100  # characters of a directory's name


@dataclasses.dataclass(frozen=True)
class RunFlags:
    """How to run a training; each script adds its own."""

    config_file: Annotated[str | None, arg(aliases=("-cfg",), metavar="FILE.yaml")] = None
    """the file of settings; it names a base_config, and flags override both"""
    resume: Annotated[str | None, arg(metavar="DIR")] = None
    """go on with the run in DIR, from its last checkpoint"""
    seed: int = 1
    """seed of the whole run"""
    eval_interval: Annotated[int, arg(aliases=("-ei",))] = 10_000
    """steps between evaluations"""
    log_root: Annotated[str, arg(metavar="DIR")] = "data"
    """where the run's directory is made"""
    solutions: bool = False
    """train with the reference solutions (needs the instructor's repository)"""
    notebook: Annotated[str | None, arg(metavar="FILE.ipynb")] = None
    """train with the solutions that you wrote in this notebook"""

    HOMEWORKS: ClassVar[tuple[str, ...]] = ()  # whose exercises --solutions fills
    BASES: ClassVar[tuple[str, ...]] = ALL  # what base_config may be
    NEEDS_FILE: ClassVar[bool] = True  # a run names a configuration file, or is resumed
    KIND: ClassVar[str] = ""  # the beginning of a run's directory
    KEPT: ClassVar[tuple[str, ...]] = ()  # flags that hold for the whole run
    LIMITS: ClassVar[dict[str, str]] = {"a whole number from 0 to 2**63 - 1": "seed"}  # for check_fields

    def __post_init__(self):
        check_fields(self, self.LIMITS)

    def directory(self, log_name: str, changes: dict) -> str:
        """A new run's directory: the configuration's name, the seed, what the command line changed, and when."""
        changed = "".join(f"_{name}{value}" for name, value in changes.items() if name != "exp_name")
        name = f"{self.KIND}_{log_name}_seed{self.seed}{changed[:LONGEST_CHANGES]}"
        return f"{name.replace('/', '-')}_{time.strftime('%d-%m-%Y_%H-%M-%S')}"


def parse(flags: type, words: list[str] | None, **options):
    """A dataclass filled from the command line; ``--help`` begins with the first paragraph of its module.

    Args:
        flags: the dataclass.
        words: the command line; None takes the process's own.
        options: for ``tyro.cli``.

    Raises:
        ConfigError: an unknown flag (the nearest is named), or a value that is missing or does not fit.
    """

    def refuse(event: parse_errors.ParseErrorEvent) -> None:
        argument = getattr(event, "argument", None)
        if isinstance(event, parse_errors.UnrecognizedArgs):
            word = event.tokens[0]
            if not word.startswith("-"):
                raise ConfigError(f"unexpected {word!r}: flags are given as --name value, see --help")
            known = [f"--{name}".replace("_", "_" if "_" in word else "-") for name in _names(flags)]
            raise ConfigError(f"unknown flag {word!r}: {nearest(word.partition('=')[0], known)}")
        if isinstance(event, parse_errors.MissingArgs):
            raise ConfigError(f"{event.missing_arguments[0].arg.lowered.metavar} is missing: see --help")
        if isinstance(event, parse_errors.BadValue):
            raise ConfigError(f"{argument.lowered.name_or_flags[-1]} needs a value")
        if isinstance(event, parse_errors.InstantiationFailure):
            raise ConfigError(f"{argument.field.intern_name} {event.message}" if argument else event.message)

    module = sys.modules[flags.__module__]
    with parse_errors.on_parse_error(refuse):
        return tyro.cli(
            flags,
            args=words,
            prog=f"python -m gcb6206.scripts.{Path(module.__file__).stem}",
            description=" ".join(module.__doc__.split("\n\n")[0].replace("``", "").split()),
            registry=REGISTRY,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
            **options,
        )


def _at_least_one(words: list[str]) -> tuple[str, ...]:
    """The words as they are."""
    if not words:
        raise ValueError("needs at least one word: see --help")
    return tuple(words)


# For a field that takes all words of a command line that are no flags.
WORDS = Spec("*", "WORD...", _at_least_one, is_instance=lambda value: True, str_from_instance=list)
REGISTRY = tyro.constructors.ConstructorRegistry()


@REGISTRY.primitive_rule
def _as_in_yaml(info: tyro.constructors.PrimitiveTypeInfo) -> Spec | None:
    """Flags take what a YAML file takes; the bare flag of a field that is true or false means true."""
    options = typing.get_args(info.type) or (info.type,)
    kinds = [option for option in options if option is not type(None)]
    if len(kinds) != 1 or kinds[0] not in (bool, int, float, str, dict):
        return None
    name = "[true|false]" if kinds[0] is bool else kinds[0].__name__.upper()
    return Spec(
        nargs=(0, 1) if kinds[0] is bool else 1,
        metavar=f"{name}|none" if type(None) in options else name,
        instance_from_str=lambda words: convert(words[0] if words else "true", info.type),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [
            str(value) if type(value) in (int, float, str) else str(value).lower()
        ],
    )


def _names(flags: type) -> list[str]:
    """The flags of a dataclass and of those in it; what has no default has no name on the command line."""
    kinds = [flags, *filter(dataclasses.is_dataclass, typing.get_type_hints(flags).values())]
    fields = [field for kind in kinds for field in dataclasses.fields(kind)]
    return [field.name for field in fields if field.default is not dataclasses.MISSING]


def parse_run(flags: type[RunFlags], words: list[str] | None, **options) -> tuple[RunFlags, object, dict]:
    """The run that a command line asks for or goes on with.

    Returns:
        Its flags, its configuration, and those fields of it that the command line itself changed.

    Raises:
        ConfigError: the request names nothing to run, or something that does not fit.
    """
    given, _ = parse(flags, words, return_unknown_args=True, add_help=False, **options)
    before, settings = {}, base_config(flags.BASES[0])()
    if given.resume and given.config_file:
        raise ConfigError(
            f"-cfg {given.config_file} beside --resume {given.resume}: a run goes on with its own {CONFIG_FILE}, "
            "so leave one of the two out"
        )
    if given.resume:
        before = read_yaml(Path(given.resume) / RUN_FILE)
        settings = load_config(Path(given.resume) / CONFIG_FILE, None, flags.BASES)
    elif given.config_file:
        settings = load_config(given.config_file, None, flags.BASES)
    defaults = override(flags(), before, f"{given.resume}/{RUN_FILE}")
    configuration = Annotated[type(settings), tyro.conf.FlagConversionOff]
    both = dataclasses.make_dataclass("Both", [("run", flags), ("configuration", configuration)])
    both.__module__ = flags.__module__
    asked = parse(both, words, default=both(defaults, settings), **options)
    for name, value in before.items():
        if getattr(asked.run, name) != value:
            raise ConfigError(
                f"--{name} is {getattr(asked.run, name)}, but the run in {given.resume} began with {value}: leave "
                "the flag out, or begin another run without --resume"
            )
    if flags.NEEDS_FILE and not (given.config_file or given.resume):
        raise ConfigError("name a configuration with -cfg FILE.yaml, or a run to go on with by --resume DIR")
    now = vars(asked.configuration)
    changes = {name: now[name] for name, value in vars(settings).items() if now[name] != value}
    return asked.run, asked.configuration, changes


def start_run(
    flags: type[RunFlags], words: list[str] | None, check: Callable, train: Callable, **options
) -> Path:
    """Run what a command line asks for; the run's directory.

    Args:
        flags: of this kind of run.
        words, options: as ``parse`` takes them.
        check: called with the run's parts and its flags, refuses what cannot work before anything is written.
        train: called with the run's parts, a logger and the flags.

    Raises:
        ConfigError, CheckpointError, ValueError, ExerciseNotSolved: the request cannot be served.
    """
    asked, settings, changes = parse_run(flags, words, **options)
    if asked.solutions:
        for homework in flags.HOMEWORKS:
            load_solutions(homework)
    if asked.notebook:
        fill_from_notebook(asked.notebook)
    config = parts(settings)
    check(config, asked)
    base = next(name for name in flags.BASES if base_config(name) is type(settings))
    with run_log(asked, {"base_config": base, **config["settings"]}, config["log_name"], changes) as logger:
        train(config, logger, argparse.Namespace(**vars(asked)))
    return logger.log_dir


@contextlib.contextmanager
def run_log(flags: RunFlags, settings: dict, log_name: str, changes: dict) -> Iterator[Logger]:
    """The log of a run, in a directory where a new run also finds what it needs to go on.

    A run that ends by an error before it has logged anything leaves no directory.

    Raises:
        ConfigError: the directory cannot be made.
    """
    new, log_dir = not flags.resume, Path(flags.resume or flags.log_root)
    if new:
        log_dir = log_dir / flags.directory(log_name, changes)
        # not Path.exists, which raises at a name that is too long
        missing = [folder for folder in log_dir.parents if not os.path.exists(folder)]
        log_dir = make_directory(log_dir)
    told = threading.excepthook
    threading.excepthook = _keep_quiet  # what the log's writer meets comes to the main thread too
    with contextlib.closing(Logger(log_dir)) as logger:
        try:
            if new:
                kept = {name: getattr(flags, name) for name in flags.KEPT}
                for name, content in ((RUN_FILE, kept), (CONFIG_FILE, settings)):
                    (log_dir / name).write_text(yaml.safe_dump(content), encoding="utf-8")
            print(f"logging to {log_dir}")
            yield logger
        except BaseException as error:
            if isinstance(error, OSError):
                error.filename = error.filename or str(log_dir)  # the log's writer does not tell
            if new and {path.name for path in log_dir.iterdir()} <= {RUN_FILE, CONFIG_FILE}:
                shutil.rmtree(log_dir)
                with contextlib.suppress(OSError):  # another run is in it
                    for folder in missing:
                        folder.rmdir()
            raise
        finally:
            threading.excepthook = told


def _keep_quiet(event: threading.ExceptHookArgs) -> None:
    """Leave out a traceback of the file system's errors."""
    if not issubclass(event.exc_type, OSError):
        threading.__excepthook__(event)


def make_directory(path: Path) -> Path:
    """Make a directory that nobody else has: this one, or with the next free number behind its name.

    Raises:
        ConfigError: it cannot be made; says why, and the cure.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for numbered in itertools.chain(
            [path], (path.with_name(f"{path.name}-{n}") for n in itertools.count(2))
        ):
            with contextlib.suppress(FileExistsError):
                numbered.mkdir()
                return numbered
    except OSError as error:
        raise ConfigError(
            f"cannot make the run's directory {path!s:.200} ({error.strerror}): name another folder with "
            "--log_root, or a shorter --exp_name"
        ) from None


def base_config(name: str) -> type:
    """The configuration's class that a ``base_config`` names."""
    return pkgutil.resolve_name(f"gcb6206.env_configs.{BASE_CONFIGS[name]}")


def load_config(config_file: str | Path, overrides: dict | None = None, bases: tuple[str, ...] = ALL):
    """The configuration that a YAML file describes: its ``base_config`` with the other lines overriding it.

    Args:
        config_file: the YAML file.
        overrides: further changes.
        bases: what ``base_config`` may be.

    Raises:
        ConfigError: names the file, the field, and what was expected.
    """
    fields = read_yaml(config_file)
    base = fields.pop("base_config", None)
    if base not in bases:
        raise ConfigError(f"{config_file}: base_config is {base!r}: {nearest(str(base), list(bases))}")
    return override(override(base_config(base)(), fields, str(config_file)), overrides or {}, "overrides")


def make_config(config_file: str | Path, overrides: dict | None = None, bases: tuple[str, ...] = ALL) -> dict:
    """The parts of the run that a YAML file describes: what a training takes as ``config``."""
    return parts(load_config(config_file, overrides, bases))


def parts(settings) -> dict:
    """The parts of the run that a configuration describes."""
    return {**settings.build(), "settings": dataclasses.asdict(settings)}


def exit_status(command: Callable) -> Callable[[list[str] | None], int]:
    """A command's ``main``: its exit status where it returns one, else 0; errors become one line and a status.

    1: the training broke down. 2: what was asked for cannot be done. 130: interrupted. 141: nobody reads the output
    any more, as behind ``| head``; then nothing is said.
    """

    @functools.wraps(command)
    def main(words: list[str] | None = None) -> int:
        try:
            status = command(words)
            return status if isinstance(status, int) else 0
        except KeyboardInterrupt:
            line = "interrupted: a training goes on with --resume DIR, all else with the same command"
            status = 130
        except NonFiniteError as error:
            line, status = f"error: {error}", 1
        except (CheckpointError, ExerciseNotSolved, gym.error.Error, ValueError, OSError) as error:
            if isinstance(error, BrokenPipeError) and _nobody_reads(sys.stdout):
                os.dup2(
                    os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
                )  # what is left to write goes there
                return 141
            line, status = f"error: {error}", 2
            if isinstance(error, ExerciseNotSolved):
                line += " This command takes it from your notebook: --notebook FILE.ipynb."
            if isinstance(error, OSError) and error.strerror:
                cure = ": free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
                line = f"error: {error.filename or 'cannot write'}: {error.strerror}{cure}"
        print(line, file=sys.stderr)
        return status

    return main


def _nobody_reads(stream: TextIO) -> bool:
    """Whether a stream is a pipe whose reader has gone. If not, that costs an empty line."""
    try:
        print(file=stream, flush=True)
    except BrokenPipeError:
        return True
    return False


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
