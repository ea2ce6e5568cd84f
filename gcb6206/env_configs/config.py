"""Configurations: frozen dataclasses whose fields explain themselves, overridden by YAML and by flags."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
import typing
from pathlib import Path

import yaml

from gcb6206.errors import ConfigError, nearest


def field_docs(config_class: type) -> dict[str, str]:
    """What the docstring under each field says, bases first."""
    docs: dict[str, str] = {}
    for base in reversed(config_class.__mro__):
        if not dataclasses.is_dataclass(base):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body
        for node, following in itertools.pairwise(body):
            documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            if isinstance(node, ast.AnnAssign) and documented:
                docs[node.target.id] = " ".join(following.value.value.split())
    return docs


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
    for key, value in changes.items():
        if key not in kinds:
            raise ConfigError(f"{source}: unknown field {key!r}: {nearest(key, list(kinds))}")
        converted[key] = _convert(value, kinds[key], f"{source}: {key}")
    try:
        return dataclasses.replace(config, **converted)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def read_yaml(path: str | Path) -> dict:
    """The mapping that a YAML file holds.

    Raises:
        ConfigError: no such file, broken YAML, or no mapping.
    """
    path = Path(path)
    if not path.is_file():
        beside = sorted(str(p) for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise ConfigError(
            f"no configuration file {path}" + (f": there are {', '.join(beside)}" if beside else "")
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold 'name: value' lines, but holds {type(content).__name__}")
    return content


def _convert(value, kind, where: str):
    """A value as the field's type, or a ConfigError."""
    options = typing.get_args(kind) or (kind,)
    if type(None) in options and (value is None or str(value).lower() in ("none", "null")):
        return None
    (wanted,) = [option for option in options if option is not type(None)]
    try:
        if wanted is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if wanted is int:
            if float(value) != int(float(value)) or isinstance(value, bool):
                raise ValueError
            return int(float(value))
        if wanted is float and isinstance(value, bool):
            raise ValueError
        return wanted(value)
    except (KeyError, ValueError, TypeError):
        raise ConfigError(f"{where} is {value!r}: expected {wanted.__name__}") from None
