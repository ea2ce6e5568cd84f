"""What every layer raises, and how a message names the nearest right word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ConfigError(ValueError):
    """A configuration names something unknown, or gives a value that does not fit."""


class CheckpointError(RuntimeError):
    """A checkpoint is missing, damaged, or belongs to another run."""


def nearest(name: object, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name.

    >>> nearest("lerning_rate", ["learning_rate", "gamma"])
    "did you mean 'learning_rate'?"
    >>> nearest("x", ["learning_rate", "gamma"])
    'expected one of learning_rate, gamma'
    """
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
