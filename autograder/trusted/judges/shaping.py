"""What the judges of homework 5's shaping share: settings out of a text, what they cost, and what ails them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gcb6206.env_configs.config import ConfigError, nearest, override
from gcb6206.env_configs.realm_config import RealmDistributedConfig
from gcb6206.envs.realm.rewards import SHAPED, TERMS

LARGEST = 1000.0  # weight of a reward term
SHOWN = 8  # figures of a training, from its begin to its end


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


def culprit(config: RealmDistributedConfig, reply: Mapping) -> str:
    """What most likely keeps these settings from learning.

    Args:
        reply: the probe's answer of a training.
    """
    if reply["broke"]:
        return f"The training broke: {reply['broke']}. learning_rate is {config.learning_rate:g}: lower it first."
    figures = reply["figures"]
    weights = {**SHAPED, **(config.rewards or {})}
    ended, taken = (100.0 * float(reply[name]) for name in ("ended", "treasures"))
    told = f"{ended:.0f} % of the episodes reach the end, and {taken:.0f} % of the treasures are taken. "
    spread = float(np.median(figures["train/return_std"]))
    kl, clipped = (float(np.median(figures[name])) for name in ("train/approx_kl", "train/clip_fraction"))
    if abs(kl) < 1e-3 and clipped < 0.02:
        return f"{told}The policy hardly moves: approx_kl is {kl:.1e}, clip_fraction {clipped:.3f}. Raise learning_rate."
    if clipped > 0.45:
        return f"{told}The policy jumps: clip_fraction is {clipped:.2f}. Lower learning_rate, or n_epochs."
    if weights["approach"] <= 0:
        return f"{told}approach is {weights['approach']:g}: no term says that the way is right before something is found."
    if weights["missed"] * config.treasure_num + weights["end"] < 0:
        return (
            f"{told}Who ends without a treasure earns {weights['missed'] * config.treasure_num + weights['end']:g}: "
            "the end is to be feared as long as nothing is found. Weigh missed less."
        )
    if spread > 20.0 or spread < 0.1:
        return f"{told}The returns spread by {spread:.3g}: the critic learns best with numbers of about 1. Scale the weights."
    return f"{told}Which term pays for what is missing? Look at the size of each over a whole episode, then at gamma."


def lines(figures: Mapping) -> str:
    """A training's figures as text, some of each."""
    shown = {"rollout/is_success": ".2f", "rollout/treasures": ".2f", "train/value_mean": ".2f", "train/return_std": ".2f",
             "train/explained_variance": ".2f", "train/approx_kl": ".3f", "train/clip_fraction": ".2f",
             "train/lag_mean": ".1f"}  # fmt: skip
    rows = []
    for name, form in shown.items():
        values = np.asarray(figures.get(name, []), float)
        if len(values):
            chosen = values[np.linspace(0, len(values) - 1, min(SHOWN, len(values))).round().astype(int)]
            rows.append(f"{name}: {'  '.join(format(value, form) for value in chosen)}")
    return "\n".join(rows)
