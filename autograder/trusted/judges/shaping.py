"""What the judges of homework 5's shaping share: settings out of a text, and what they cost."""

from __future__ import annotations

import numpy as np

from gcb6206.env_configs.config import ConfigError, nearest, override
from gcb6206.env_configs.realm_config import RealmDistributedConfig
from gcb6206.envs.realm.rewards import TERMS

LARGEST = 1000.0  # weight of a reward term


def config_of(settings: dict, rule: dict) -> RealmDistributedConfig:
    """The configuration with these settings: weights of reward terms, and tunable fields.

    Raises:
        ConfigError: a name that is neither, or a value that does not fit; names it and the cure.
    """
    weights, fields = {}, {}
    for name, value in settings.items():
        if name in TERMS:
            weights[name] = _weight(name, value)
        elif name in rule["tunable"]:
            fields[name] = value
        elif name in rule["training"]:
            raise ConfigError(
                f"{name} belongs to the task, which is {rule['training'][name]!r}: leave it out"
            )
        else:
            raise ConfigError(
                f"{name!r} is not to be chosen here: {nearest(name, [*TERMS, *rule['tunable']])}"
            )
    config = override(RealmDistributedConfig(**rule["training"]), fields, "your settings")
    return override(config, {"rewards": weights}, "your settings")


def _weight(name: str, value: object) -> float:
    try:
        weight = float(value) if not isinstance(value, bool) else np.nan
    except (TypeError, ValueError, OverflowError):
        weight = np.nan
    if not abs(weight) <= LARGEST:
        raise ConfigError(
            f"the weight of {name} is {str(value)[:50]}: expected a number of at most {LARGEST:g} in size"
        )
    return weight


def cost(config: RealmDistributedConfig) -> dict[str, float]:
    """What the budget limits."""
    passes = config.n_epochs * config.production_consume_ratio
    return {"passes": passes, "gradient_steps": int(config.total_steps * passes / config.batch_size)}
