"""Configurations: frozen dataclasses whose fields explain themselves, overridden by YAML and by flags."""

from __future__ import annotations

import dataclasses
import math
import re
import typing
from pathlib import Path

import yaml

from gcb6206.errors import ConfigError, nearest

LIMITS = {
    "at least 1": lambda value: value >= 1,
    "at least 0": lambda value: value >= 0,
    "above 0": lambda value: value > 0,
    "a number from 0 to 1": lambda value: 0 <= value <= 1,
    "above 0, at most 1": lambda value: 0 < value <= 1,
    "a whole number from 0 to 2**63 - 1": lambda value: 0 <= value < 2**63,
}


def check_fields(config, limits: dict[str, str]) -> None:
    """Refuse NaN and infinity in any field, and numbers beyond a field's limit; None is always allowed.

    Args:
        config: a dataclass.
        limits: for some of ``LIMITS``, the names of the fields that it holds for, separated by spaces.

    Raises:
        ConfigError: names the field, its value and what was expected.
    """
    for name, value in vars(config).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{name} is {value}: expected a finite number")
    for expected, names in limits.items():
        for name in names.split():
            value = getattr(config, name)
            if value is not None and not LIMITS[expected](value):
                raise ConfigError(f"{name} is {value}: expected {expected}")


def override(config, changes: dict, source: str):
    """A configuration with some fields changed.

    Args:
        config: a frozen dataclass.
        changes: field names and values; numbers and booleans may be strings.
        source: where they come from, for the error message.

    Raises:
        ConfigError: an unknown field (the nearest is named), or a value of the wrong kind.
    """
    kinds = typing.get_type_hints(type(config))
    converted = {}
    try:
        for name, value in changes.items():
            if name not in kinds:
                raise ConfigError(f"unknown field {name!r}: {nearest(name, list(kinds))}")
            try:
                converted[name] = convert(value, kinds[name])
            except ValueError as error:
                raise ConfigError(f"{name} {error}") from None
        return dataclasses.replace(config, **converted)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def convert(value, kind):
    """A value as the field's type: ``5e3`` is a whole number, ``none`` is None in a field that may be None.

    Raises:
        ValueError: ``is VALUE: expected KIND``.
    """
    options = typing.get_args(kind) or (kind,)
    if type(None) in options and (value is None or str(value).lower() in ("none", "null")):
        return None
    (wanted,) = [option for option in options if option is not type(None)]
    try:
        if wanted is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if wanted in (int, float) and isinstance(value, bool):
            raise ValueError
        if wanted is int:
            if float(value) != int(float(value)):
                raise ValueError
            return int(value) if str(value).lstrip("+-").isdecimal() else int(float(value))
        return wanted(value)
    except (KeyError, ValueError, TypeError, OverflowError):
        place = ", as 'name: value' lines in a YAML file" if wanted is dict else ""
        raise ValueError(f"is {value!r}: expected {wanted.__name__}{place}") from None


def read_yaml(path: str | Path) -> dict:
    """The mapping that a YAML file holds.

    Raises:
        ConfigError: no such file, no UTF-8, broken YAML, a name that stands there twice, or no mapping.
    """
    path = Path(path)
    if not path.is_file():
        beside = sorted(str(p) for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise ConfigError(
            f"no configuration file {path}" + (f": there are {', '.join(beside)}" if beside else "")
        )
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path}, line {line}: byte {error.object[error.start]:#x} is not UTF-8: save the file as UTF-8"
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(
            f"{path} is not valid YAML{f', line {mark.line + 1}' if mark else ''}: {problem}"
        ) from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold 'name: value' lines, but holds {type(content).__name__}")
    return content


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as people mean it: 1e-3 is a number; 010, 1:30 and a name given twice are refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """A mapping whose names are all different."""
        names = [str(key.value) for key, _ in node.value]
        for (key, _), name, before in zip(node.value, names, range(len(names))):
            if name in names[:before]:
                problem = f"{name!r} stands there twice: keep one of the two lines"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)

    def refuse_number(self, node: yaml.ScalarNode) -> None:
        """YAML 1.1 reads 010 as 8 and 1:30 as 90."""
        problem = f"{node.value} is not the number in YAML that it looks like: write a plain number"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_NUMBERS = [
    ("!misleading", re.compile(r"[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+)$")),
    ("tag:yaml.org,2002:float", re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$")),
]
_Loader.yaml_implicit_resolvers = {
    first: [*_NUMBERS, *others] for first, others in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("!misleading", _Loader.refuse_number)
