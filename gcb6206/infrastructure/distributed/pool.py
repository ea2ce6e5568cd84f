"""The model pool: a learner publishes its weights under rising versions, actors load them.

A file holds the SHA-256 of its content in its first line. It is written beside its place and moved there, so that a
reader finds it whole or not at all; a damaged one is refused. Of all files the newest are kept. A disk without room
costs a publication, never the run: what was published before stays.
"""

from __future__ import annotations

import hashlib
import io
import numbers
import re
import shutil
from pathlib import Path

import numpy as np
import torch

from gcb6206.errors import CheckpointError
from gcb6206.exercises import exercise

NAME = re.compile(r"model-(\d{9}|[1-9]\d{9,})\.pt")
RETRIES = 5  # a file that is removed between being listed and being read


def to_bytes(state: dict) -> bytes:
    """Weights as bytes, their hash in front: what is written, and what may be sent where no disk is shared."""
    stream = io.BytesIO()
    torch.save(state, stream)
    content = stream.getvalue()
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def from_bytes(data: bytes, source: str) -> dict:
    """The weights that ``to_bytes`` wrote.

    Args:
        data: the bytes.
        source: where they come from, for the error message.

    Raises:
        CheckpointError: the content is not what was written.
    """
    expected, _, content = data.partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != expected:
        raise CheckpointError(f"{source} is damaged: its content does not fit its hash; load another version")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


class ModelPool:
    """Weights of several versions in a directory.

    Args:
        directory: made if missing; several processes may read, one writes.
        keep: the newest so many files stay.
        min_free: bytes that must be left on the disk after a publication.

    Attributes:
        failures: publications that the disk did not take.
    """

    def __init__(self, directory: str | Path, keep: int = 10, min_free: int = 0):
        if keep < 1:
            raise ValueError(f"keep is {keep}: expected at least 1")
        self.directory, self.keep, self.min_free = Path(directory), keep, min_free
        self.directory.mkdir(parents=True, exist_ok=True)
        self.failures = 0

    @exercise("hw5.publish")
    def publish(self, state: dict, version: int) -> bool:
        """Write weights so that a reader finds them whole or not at all, whenever this process is killed.

        The content is ``to_bytes(state)``, which begins with its hash. It goes into a file of another name in the
        pool's directory, one that ``versions`` does not take for a version. Only when it has reached the disk
        (``os.fsync``) does it get its name, ``self.path(version)``, by ``os.replace``. Then all but the newest ``keep``
        versions are removed. Other files stay.

        Where the disk has no room, nothing is written: ``has_room`` says whether it has. Whatever else the disk
        refuses, with an ``OSError`` while the file is written or renamed, counts the same: ``failures`` grows by one,
        no file of this publication is left, and all versions stay.

        Args:
            state: weights, as a module's ``state_dict`` gives them; they stay as they are.
            version: at least 0, a whole number of Python or NumPy.

        Returns:
            Whether the weights are in the pool.

        Raises:
            ValueError: a version that is not above all there are; the message names both.
        """

    def path(self, version: int) -> Path:
        """The file of a version."""
        return self.directory / f"model-{version:09d}.pt"

    def has_room(self, size: int) -> bool:
        """Whether ``min_free`` bytes would be left after so many more."""
        return shutil.disk_usage(self.directory).free - size >= self.min_free

    def remove(self, version: int) -> None:
        """Forget a version."""
        self.path(version).unlink(missing_ok=True)

    def versions(self) -> list[int]:
        """The versions there are, rising."""
        names = (NAME.fullmatch(path.name) for path in self.directory.iterdir())
        return sorted(int(match[1]) for match in names if match)

    def load(
        self, which: int | str = "latest", generator: np.random.Generator | None = None
    ) -> tuple[int, dict]:
        """A version and its weights.

        Args:
            which: a version, ``latest``, or ``random``.
            generator: draws for ``random``.

        Raises:
            ValueError: ``which`` is none of these.
            CheckpointError: there is no such version, or its file is damaged; the message names it.
        """
        if isinstance(which, numbers.Integral):
            which = int(which)
        elif which not in ("latest", "random"):
            raise ValueError(f"which is {which!r}: expected a version, 'latest' or 'random'")
        for _ in range(RETRIES):
            versions = self.versions()
            if not versions:
                break
            version = which
            if which == "latest":
                version = versions[-1]
            elif which == "random":
                version = int((generator or np.random.default_rng()).choice(versions))
            path = self.path(version)
            try:
                return version, from_bytes(path.read_bytes(), str(path))
            except FileNotFoundError:  # too old by now, or never there
                if isinstance(which, int):
                    raise CheckpointError(
                        f"no version {which} in {self.directory}: there are {versions}"
                    ) from None
        raise CheckpointError(f"no model in {self.directory}: has a learner published one?")
