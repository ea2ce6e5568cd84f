"""From a YAML file and flags to a configuration."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gcb6206.env_configs.config import ConfigError, field_docs, nearest, override, read_yaml
from gcb6206.env_configs.dqn_atari_config import DQNAtariConfig
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.env_configs.ppo_config import PPOConfig

BASE_CONFIGS = {"dqn_basic": DQNBasicConfig, "dqn_atari": DQNAtariConfig, "ppo": PPOConfig}
ALL = tuple(BASE_CONFIGS)


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
