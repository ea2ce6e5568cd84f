"""Experience replay for many games at once, whose pictures may lie in a file.

The same stacks and the same uniform draw as ``MemoryEfficientReplayBuffer``, over several games that step together.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from gcb6206.errors import CheckpointError
from gcb6206.infrastructure.replay_buffer import FRAME_HISTORY


class FrameRing:
    """A ring over time: at each time one picture of every game, and what was done when it was seen.

    Times are numbered from 0 and never renumbered; time ``t`` lies in slot ``t % slots``. In a file the pictures
    need no copy in a checkpoint: the ring has ``spare`` slots more than are drawn from, so that what is written
    after a checkpoint overwrites nothing that the checkpoint still draws.

    Args:
        num_games: games that step together.
        capacity: transitions of all games that are drawn from.
        frame_shape: of one picture, ``(height, width)``.
        seed: of the draw.
        path: the file for the pictures; None keeps them in memory.
        spare: times that may be written between two checkpoints.

    Raises:
        ValueError: less than one transition a game.
    """

    def __init__(
        self,
        num_games: int,
        capacity: int,
        frame_shape: tuple[int, int],
        seed: int | None = None,
        path: Path | None = None,
        spare: int = 0,
    ):
        if capacity < num_games:
            raise ValueError(
                f"capacity is {capacity}: expected at least one transition for each game, {num_games}"
            )
        self.num_games, self.window, self.path = num_games, capacity // num_games, path
        self.frame_shape = tuple(frame_shape)
        self.slots = self.window + FRAME_HISTORY + spare
        self.time = -1  # of the newest picture
        self._rng = np.random.default_rng(seed)
        self._frames: np.ndarray | None = None

    @property
    def _shape(self) -> tuple[int, ...]:
        return (self.slots, self.num_games, *self.frame_shape)

    def _allocate_rows(self) -> None:
        shape = (self.slots, self.num_games)
        self._rows = {
            "actions": np.zeros(shape, np.int64),
            "rewards": np.zeros(shape, np.float32),
            "dones": np.zeros(shape, bool),
            "steps": np.zeros(shape, bool),  # whether a step was taken there
            "starts": np.zeros(shape, np.int64),  # time of the episode's first picture
        }

    def begin(self, frames: np.ndarray) -> None:
        """Begin an episode in every game with its first picture ``(games, height, width)``, uint8.

        Twice without a step in between is once: the second pictures take the place of the first.
        """
        if self._frames is None:
            self._allocate_rows()
            if self.path:
                self._frames = open_memmap(self.path, "w+", np.uint8, self._shape)
            else:
                self._frames = np.empty(self._shape, np.uint8)
        begun = self.time >= 0 and (self._rows["starts"][self.time % self.slots] == self.time).all()
        self._write(frames, self.time if begun else self.time + 1)
        self._rows["starts"][self.time % self.slots] = self.time

    def _write(self, frames: np.ndarray, time: int) -> None:
        self.time, slot = time, time % self.slots
        self._frames[slot] = frames
        self._rows["steps"][slot] = False

    def insert(
        self,
        actions: np.ndarray,
        rewards: np.ndarray,
        next_frames: np.ndarray,
        dones: np.ndarray,
        begun: np.ndarray,
    ) -> None:
        """Store one step of every game, from the newest pictures to the next ones.

        Args:
            actions, rewards: ``(games,)``.
            next_frames: ``(games, height, width)``, uint8.
            dones: ``(games,)``, whether the episode terminated here (a time limit does not count).
            begun: ``(games,)``, where the game took no step, but began anew with ``next_frames``.
        """
        now = self.time % self.slots
        for name, values in (("actions", actions), ("rewards", rewards), ("dones", dones), ("steps", ~begun)):
            self._rows[name][now] = values
        starts = self._rows["starts"][now]
        self._write(next_frames, self.time + 1)
        self._rows["starts"][self.time % self.slots] = np.where(begun, self.time, starts)

    def newest(self) -> np.ndarray:
        """The observation of each game, ``(games, 4, height, width)`` uint8."""
        games = np.arange(self.num_games)
        return self._stacks(np.full(self.num_games, self.time), games, FRAME_HISTORY)

    def sample(self, batch_size: int) -> dict[str, np.ndarray]:
        """Draw transitions uniformly, with replacement.

        Returns:
            As ``MemoryEfficientReplayBuffer.sample``; the two stacks of a transition share their pictures.

        Raises:
            ValueError: nobody has taken a step.
        """
        oldest = max(0, self.time - self.window)
        if self.time < 1 or not self._rows["steps"][np.arange(oldest, self.time) % self.slots].any():
            raise ValueError("cannot sample from an empty replay buffer: insert transitions first")
        times, games = np.empty((2, batch_size), np.int64)
        missing = np.arange(batch_size)
        while len(missing):
            times[missing] = self._rng.integers(oldest, self.time, len(missing))
            games[missing] = self._rng.integers(0, self.num_games, len(missing))
            missing = missing[~self._rows["steps"][times[missing] % self.slots, games[missing]]]
        both = self._stacks(
            times + 1, games, FRAME_HISTORY + 1, self._rows["starts"][times % self.slots, games]
        )
        row = {name: self._rows[name][times % self.slots, games] for name in ("actions", "rewards", "dones")}
        return {"observations": both[:, :-1], "next_observations": both[:, 1:], **row}

    def _stacks(
        self, last: np.ndarray, games: np.ndarray, depth: int, starts: np.ndarray | None = None
    ) -> np.ndarray:
        """The pictures up to time ``last``, none from before the episode: ``(batch, depth, height, width)``."""
        if starts is None:
            starts = self._rows["starts"][last % self.slots, games]
        times = np.maximum(last[:, None] - np.arange(depth - 1, -1, -1), starts[:, None])
        return self._frames[times % self.slots, games[:, None]]

    def state(self) -> dict:
        """What the ring holds, to be stored in a checkpoint; pictures in a file stay there."""
        filled = min(self.time + 1, self.slots)
        if self.path:
            self._frames.flush()
        return {
            "time": self.time,
            "slots": self.slots,
            "rng": self._rng.bit_generator.state,
            "rows": {name: row[:filled] for name, row in self._rows.items()},
            "frames": None if self.path else self._frames[:filled],
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave, with the file that it left.

        Raises:
            CheckpointError: the file is missing or another.
        """
        self.time, self.slots = state["time"], state["slots"]
        self._rng.bit_generator.state = state["rng"]
        self._allocate_rows()
        for name, rows in state["rows"].items():
            self._rows[name][: len(rows)] = rows
        if self.path is None:
            self._frames = np.empty(self._shape, np.uint8)
            self._frames[: len(state["frames"])] = state["frames"]
            return
        try:
            self._frames = open_memmap(self.path, "r+")
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"cannot go on without the pictures in {self.path} ({error}): train again from the start"
            ) from None
        if self._frames.shape != self._shape or self._frames.dtype != np.uint8:
            raise CheckpointError(
                f"{self.path} holds other pictures than this run's: train again from the start"
            )
