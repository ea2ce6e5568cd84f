"""What the judges of homework 2's tuning share: settings out of a text (homework 5's shaping too), what they cost, and
what ails them."""

from __future__ import annotations

import math

import numpy as np
import yaml

from autograder.student_side.student import Student
from autograder.trusted.judging import require
from gcb6206.env_configs.config import ConfigError, nearest, override
from gcb6206.env_configs.mappo_config import MAPPOConfig

LONGEST_TEXT = 2000  # characters
# Of the figures that a training gives; the runs of the calibration that learn stay within.
KL_ZERO, CLIPPED_NONE = 4e-3, 0.03
CLIPPED_MANY = 0.35
CLIP_TIGHT = 0.05
ENTROPY_PAID = 0.01  # the most that the original notes give
ENTROPY_FALLS = 0.05  # at least, from the first iteration to the last


def text_of(student: Student, exercise: str = "hw2.tuning") -> str:
    """The student's text: what the function of an exercise returns.

    Raises:
        JudgeFailure: it is none, or endless.
    """
    reply = student.run(exercise)
    text, name = reply["text"], exercise.partition(".")[2]
    require(
        reply["type"] == "str" and isinstance(text, str),
        tried=f"{name}(): the type of what it returns",
        got=reply["type"],
        expected="str",
        hint="Return the YAML text itself, between triple quotes.",
    )
    require(
        len(text) <= LONGEST_TEXT,
        tried=f"{name}(): the length of the text",
        got=len(text),
        expected=f"at most {LONGEST_TEXT} characters",
        hint="One line for each setting is enough.",
    )
    return text


def settings_of(text: str) -> dict:
    """What stands in a text: names and values.

    Raises:
        ConfigError: no YAML, no mapping, or a value that is no plain one.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if (
                isinstance(event, yaml.AliasEvent)
                or getattr(event, "anchor", None)
                or getattr(event, "tag", None)
            ):
                raise ConfigError("this uses an anchor, an alias or a tag of YAML: write plain values")
        content = yaml.safe_load(text)
    except ConfigError:
        raise
    except Exception as error:  # whatever a text leads the library into
        raise ConfigError(f"this is not valid YAML: {error}"[:500]) from None
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"expected lines 'name: value', got {type(content).__name__}: {str(content)[:100]}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, (bool, int, float, str, type(None))):
            raise ConfigError(f"{str(name)[:100]}: expected one plain value, got {type(value).__name__}")
    return content


def config_of(settings: dict, rule: dict) -> MAPPOConfig:
    """The configuration with these settings.

    Raises:
        ConfigError: a field that is not tunable, or a value that does not fit; names it and the cure.
    """
    for name, value in settings.items():
        if name in rule["training"]:
            raise ConfigError(
                f"{name} belongs to the task, which is {rule['training'][name]!r}: leave it out"
            )
        if name not in rule["tunable"]:
            raise ConfigError(f"{name!r} is not to be tuned here: {nearest(name, rule['tunable'])}")
        if not _is_finite(value):
            raise ConfigError(f"{name} is {str(value)[:50]}: expected a finite number")
    config = override(MAPPOConfig(**rule["training"]), settings, "your settings")
    if config.frames_per_batch % config.max_steps:
        raise ConfigError(
            f"frames_per_batch is {config.frames_per_batch}, no multiple of max_steps = {config.max_steps}"
        )
    return config


def _is_finite(value: object) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return True  # not a number; the field's type decides
    except OverflowError:
        return False


def gradient_steps(config: MAPPOConfig) -> int:
    """Of the whole training."""
    return config.n_iters * config.num_epochs * (config.frames_per_batch // config.minibatch_size)


def cost(config: MAPPOConfig) -> dict[str, int]:
    """What the budget limits."""
    return {
        "frames": config.total_steps,
        "n_iters": config.n_iters,
        "num_epochs": config.num_epochs,
        "gradient_steps": gradient_steps(config),
    }


def culprit(config: MAPPOConfig, figures: dict[str, np.ndarray], broke: str, rule: dict) -> str:
    """What most likely keeps these settings from learning.

    Args:
        figures: of a training, ``(iterations,)`` each.
        broke: how it ended before its time, or "".
    """
    if broke:
        return f"The training broke: {broke}. lr is {config.lr:g}: lower it first."
    clipped, kl = (float(np.median(figures[name])) for name in ("clip_fraction", "kl_approx"))
    entropy = figures["entropy"]
    if config.total_steps < 0.75 * rule["budget"]["frames"]:
        return (
            f"The settings use {config.total_steps} of {rule['budget']['frames']} frames: raise n_iters or "
            "frames_per_batch."
        )
    if config.clip_epsilon < CLIP_TIGHT:
        return f"clip_epsilon is {config.clip_epsilon:g}: once the probability of an action has changed by more than that, the action teaches nothing, so each iteration changes the policy only a little. Raise it."
    if config.entropy_eps > ENTROPY_PAID and entropy[-1] > entropy[0] - ENTROPY_FALLS:
        return f"The entropy stays, {entropy[0]:.2f} at the start and {entropy[-1]:.2f} at the end: the entropy bonus keeps the policy random. Lower entropy_eps."
    if clipped > CLIPPED_MANY:
        return f"The policy changes too fast: clip_fraction is {clipped:.2f}, and samples outside of the clip range teach nothing. Lower lr, or num_epochs."
    if abs(kl) < KL_ZERO and clipped < CLIPPED_NONE:
        return (
            f"The policy hardly changes: kl_approx is {kl:.1e} and clip_fraction {clipped:.3f} after "
            f"{gradient_steps(config)} gradient steps of lr {config.lr:g}. Raise lr, or take more and smaller "
            "minibatches."
        )
    if config.n_iters < 5:
        return f"Only {config.n_iters} iterations: the policy that collects the data changes only so often. Use smaller batches, and more of them."
    return (
        "kl_approx, clip_fraction and entropy look healthy. Is the return still rising at the end? Then learn "
        "more from each batch; if not, look at gamma, lmbda and the critic."
    )


def lines(figures: dict[str, np.ndarray]) -> str:
    """A training's figures, iteration by iteration, as text; nothing of one that broke in its first."""
    shown = {"episode_reward_sum": ".2f", "kl_approx": ".4f", "clip_fraction": ".2f", "entropy": ".2f",
             "explained_variance": ".2f"}  # fmt: skip
    return "\n".join(
        f"{name}: {'  '.join(format(value, form) for value in figures[name].tolist())}"
        for name, form in shown.items()
        if name in figures
    )
