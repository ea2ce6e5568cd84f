"""A journal of a training run: what was done to environments, replay buffers and logger, in order."""

from __future__ import annotations

import contextlib
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np

from gcb6206.infrastructure import replay_buffer as buffers
from gcb6206.infrastructure.logger import NullLogger


class Journal:
    """What happened during a training run, in order: every entry carries the time of a common clock."""

    def __init__(self):
        self._entries: dict[str, list[dict]] = defaultdict(list)
        self._clock = 0
        self.evaluating = False

    def note(self, what: str, **values: object) -> None:
        """Adds an entry of one sort."""
        self._clock += 1
        self._entries[what].append({"clock": self._clock, **values})

    def values(self, what: str, name: str, limit: int | None = None) -> list:
        """One value of each of the (first `limit`) entries of one sort."""
        return [row[name] for row in self._entries[what][:limit]]

    def columns(self, what: str, *names: str) -> dict:
        """The entries of one sort, as one array per value."""
        return {name: np.array(self.values(what, name)) for name in ("clock", *names)}


class JournalLogger(NullLogger):
    """A logger that writes scalars into the journal. As a NullLogger it leaves no progress bar in the notebook."""

    log_dir = None

    def __init__(self, journal: Journal):
        self._journal = journal

    def log_scalar(self, scalar, name, step):
        """Notes the scalar."""
        self._journal.note("log", tag=str(name), value=float(scalar), step=int(step))


@contextlib.contextmanager
def spied_buffers(journal: Journal) -> Iterator[None]:
    """Notes every insert, on_reset and sample of both replay buffers."""

    def watch(cls: type, method: str, note: Callable):
        original = getattr(cls, method)
        signature = inspect.signature(original)

        def spy(self, *args, **kwargs):
            arguments = signature.bind(self, *args, **kwargs).arguments
            result = original(self, *args, **kwargs)
            note(arguments, result)
            return result

        return mock.patch.object(cls, method, spy)

    def note_insert(given, _):
        journal.note(
            "insert",
            observation=code_of(given.get("observation", given["next_observation"])),
            action=float(given["action"]),
            reward=float(given["reward"]),
            next_observation=code_of(given["next_observation"]),
            done=float(given["done"]),
        )

    def note_reset(given, _):
        journal.note("on_reset", observation=code_of(given["observation"]))

    def note_sample(given, batch):
        journal.note(
            "sample", size=int(given["batch_size"]), batch={key: np.array(v) for key, v in batch.items()}
        )

    with contextlib.ExitStack() as stack:
        for cls in (buffers.ReplayBuffer, buffers.MemoryEfficientReplayBuffer):
            stack.enter_context(watch(cls, "insert", note_insert))
            stack.enter_context(watch(cls, "sample", note_sample))
        stack.enter_context(watch(buffers.MemoryEfficientReplayBuffer, "on_reset", note_reset))
        yield


def code_of(observation: object) -> np.ndarray:
    """What tells observations apart: the vector itself, or the level of the newest frame of an image."""
    array = np.asarray(observation)
    return array.astype(np.float64) if array.ndim == 1 else np.array([float(array[..., -1, -1].ravel()[-1])])
