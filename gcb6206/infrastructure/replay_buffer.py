"""Experience replay (Lin 1992): rings of past transitions, sampled uniformly.

Both buffers keep ``done`` = *terminated*. What a time limit cut is stored like any other step, with done False.
"""

from __future__ import annotations

import numpy as np

FRAME_HISTORY = 4  # frames in an observation of stacked pictures
SMALL = (10, 10)  # cells of a small game's picture, which has layers and needs no stack


class ReplayBuffer:
    """A ring of transitions for observations of any shape.

    Args:
        capacity: how many transitions are kept; the oldest go first.
        seed: of the sampling.

    Raises:
        ValueError: the capacity is not positive.
    """

    def __init__(self, capacity: int = 1_000_000, seed: int | None = None):
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}: expected at least 1 transition")
        self.capacity = capacity
        self.inserted = 0
        self._rng = np.random.default_rng(seed)
        self._arrays: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return min(self.inserted, self.capacity)

    def insert(
        self,
        observation: np.ndarray,
        action: np.ndarray | int,
        reward: np.ndarray | float,
        next_observation: np.ndarray,
        done: np.ndarray | bool,
    ) -> None:
        """Store one transition.

        Args:
            observation, next_observation: of one shape and dtype.
            action: a whole number, or an array.
            reward: a number.
            done: whether the episode terminated here (a time limit does not count).
        """
        row = {
            "observations": np.asarray(observation),
            "actions": np.asarray(action),
            "rewards": np.asarray(reward, dtype=np.float32),
            "next_observations": np.asarray(next_observation),
            "dones": np.asarray(done, dtype=bool),
        }
        if not self._arrays:
            self._arrays = {
                key: np.empty((self.capacity, *value.shape), value.dtype) for key, value in row.items()
            }
        slot = self.inserted % self.capacity
        for key, value in row.items():
            array = self._arrays[key]
            if value.shape != array.shape[1:]:
                raise ValueError(
                    f"{key} has shape {value.shape}, but this buffer holds shape {array.shape[1:]}"
                )
            array[slot] = value
        self.inserted += 1

    def sample(self, batch_size: int) -> dict[str, np.ndarray]:
        """Draw transitions uniformly, with replacement.

        Returns:
            ``observations``, ``actions``, ``rewards`` (float32), ``next_observations``, ``dones`` (bool), each
            ``(batch_size, ...)``.

        Raises:
            ValueError: the buffer is empty.
        """
        if self.inserted == 0:
            raise ValueError("cannot sample from an empty replay buffer: insert transitions first")
        rows = self._rng.integers(0, len(self), size=batch_size)
        return {key: array[rows] for key, array in self._arrays.items()}

    def state(self) -> dict:
        """What the buffer holds, to be stored in a checkpoint."""
        return {
            "inserted": self.inserted,
            "rng": self._rng.bit_generator.state,
            "arrays": {key: array[: len(self)] for key, array in self._arrays.items()},
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave, in a buffer of the same capacity."""
        self.inserted = state["inserted"]
        self._rng.bit_generator.state = state["rng"]
        for key, filled in state["arrays"].items():
            self._arrays[key] = np.empty((self.capacity, *filled.shape[1:]), filled.dtype)
            self._arrays[key][: len(filled)] = filled


class MemoryEfficientReplayBuffer:
    """A ring of transitions over stacked frames that stores each frame once.

    A stack of ``frame_history_len`` frames is put together when it is sampled: the last frame and those before
    it, never from before the episode's first frame, which is repeated instead (as Gymnasium's
    ``FrameStackObservation`` does at a reset).

    Frames are numbered from 0 and never renumbered; frame ``n`` lies in slot ``n % frame_capacity``. An episode
    of T steps writes T + 1 frames, so with short episodes the frames run out before the transitions do:
    transitions whose oldest frame is overwritten are no longer sampled.

    Args:
        frame_history_len: frames in a stack.
        capacity: how many transitions are kept at most.
        seed: of the sampling.
    """

    def __init__(self, frame_history_len: int, capacity: int = 1_000_000, seed: int | None = None):
        if capacity < 1 or frame_history_len < 1:
            raise ValueError(
                f"capacity {capacity} and frame_history_len {frame_history_len} must be at least 1"
            )
        self.frame_history_len = frame_history_len
        self.capacity = capacity
        # One frame a step, room for a reset frame every 20 steps, and one whole stack beside the newest step.
        self.frame_capacity = capacity + capacity // 20 + frame_history_len + 1
        self.inserted = 0
        self.frames_written = 0
        self._rng = np.random.default_rng(seed)
        self._frames: np.ndarray | None = None
        self._episode_start: int | None = None  # number of the episode's first frame; None: on_reset is due
        self._actions = np.empty(capacity, np.int64)
        self._rewards = np.empty(capacity, np.float32)
        self._dones = np.empty(capacity, bool)
        self._last_frames = np.empty(capacity, np.int64)  # number of the observation's newest frame
        self._first_frames = np.empty(capacity, np.int64)  # number of the first frame of its episode

    def __len__(self) -> int:
        return self.inserted - self._oldest()

    def on_reset(self, observation: np.ndarray) -> None:
        """Begin an episode with its first frame ``(height, width)``, uint8."""
        self._episode_start = self._write_frame(observation)

    def insert(
        self,
        action: np.ndarray | int,
        reward: np.ndarray | float,
        next_observation: np.ndarray,
        done: np.ndarray | bool,
    ) -> None:
        """Store one step from the newest frame to the next one.

        Args:
            action: a whole number.
            reward: a number.
            next_observation: one frame ``(height, width)``, uint8.
            done: whether the episode terminated here (a time limit does not count).

        Raises:
            RuntimeError: the episode has ended, or never began.
        """
        if self._episode_start is None:
            raise RuntimeError("call on_reset(observation=first_frame) before the first insert of an episode")
        slot = self.inserted % self.capacity
        self._actions[slot] = action
        self._rewards[slot] = reward
        self._dones[slot] = done
        self._last_frames[slot] = self.frames_written - 1
        self._first_frames[slot] = self._episode_start
        self._write_frame(next_observation)
        self.inserted += 1
        if done:
            self._episode_start = None

    def sample(self, batch_size: int) -> dict[str, np.ndarray]:
        """Draw transitions uniformly, with replacement.

        Returns:
            ``observations`` and ``next_observations`` ``(batch_size, frame_history_len, height, width)`` uint8,
            ``actions`` (int64), ``rewards`` (float32), ``dones`` (bool), each ``(batch_size,)``.

        Raises:
            ValueError: the buffer is empty.
        """
        oldest = self._oldest()
        if oldest == self.inserted:
            raise ValueError("cannot sample from an empty replay buffer: insert transitions first")
        slots = self._rng.integers(oldest, self.inserted, size=batch_size) % self.capacity
        last, first = self._last_frames[slots], self._first_frames[slots]
        return {
            "observations": self._stacks(last, first),
            "actions": self._actions[slots],
            "rewards": self._rewards[slots],
            "next_observations": self._stacks(last + 1, first),
            "dones": self._dones[slots],
        }

    def state(self) -> dict:
        """What the buffer holds, to be stored in a checkpoint."""
        rows, frames = min(self.inserted, self.capacity), min(self.frames_written, self.frame_capacity)
        return {
            "inserted": self.inserted,
            "frames_written": self.frames_written,
            "episode_start": self._episode_start,
            "rng": self._rng.bit_generator.state,
            "frames": None if self._frames is None else self._frames[:frames],
            "rows": {name: getattr(self, name)[:rows] for name in self._ROWS},
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave, in a buffer of the same capacity and stack."""
        self.inserted, self.frames_written = state["inserted"], state["frames_written"]
        self._episode_start = state["episode_start"]
        self._rng.bit_generator.state = state["rng"]
        for name, rows in state["rows"].items():
            getattr(self, name)[: len(rows)] = rows
        if state["frames"] is not None:
            self._frames = np.empty((self.frame_capacity, *state["frames"].shape[1:]), np.uint8)
            self._frames[: len(state["frames"])] = state["frames"]

    _ROWS = ("_actions", "_rewards", "_dones", "_last_frames", "_first_frames")

    def _write_frame(self, frame: np.ndarray) -> int:
        """Store a frame; its number."""
        frame = np.asarray(frame)
        if frame.ndim != 2 or frame.dtype != np.uint8:
            raise ValueError(
                f"got shape {frame.shape}, dtype {frame.dtype}: expected one uint8 frame of shape (height, width), "
                "such as observation[-1]"
            )
        if self._frames is None:
            self._frames = np.empty((self.frame_capacity, *frame.shape), np.uint8)
        self._frames[self.frames_written % self.frame_capacity] = frame
        self.frames_written += 1
        return self.frames_written - 1

    def _oldest(self) -> int:
        """Number of the oldest transition whose whole stack still exists."""
        oldest = max(0, self.inserted - self.capacity)
        if self.frames_written <= self.frame_capacity:
            return oldest
        # Numbers of transitions rise with the numbers of their frames: halve the range until the edge is found.
        low, high = oldest, self.inserted
        while low < high:
            middle = (low + high) // 2
            slot = middle % self.capacity
            start = max(self._last_frames[slot] - self.frame_history_len + 1, self._first_frames[slot])
            if start < self.frames_written - self.frame_capacity:
                low = middle + 1
            else:
                high = middle
        return low

    def _stacks(self, last: np.ndarray, first: np.ndarray) -> np.ndarray:
        """Frames ``last - k .. last``, none from before ``first``: ``(batch, frame_history_len, height, width)``."""
        back = np.arange(self.frame_history_len - 1, -1, -1)
        numbers = np.maximum(last[:, None] - back, first[:, None])
        return self._frames[numbers % self.frame_capacity]


def make_replay_buffer(
    observation_shape: tuple[int, ...], capacity: int = 1_000_000, seed: int | None = None
) -> ReplayBuffer | MemoryEfficientReplayBuffer:
    """The buffer that fits an observation.

    Frames are stored once for ``(4, height, width)``. A vector ``(features,)`` is stored whole, and so is the picture of
    a small game, ``(10, 10, layers)``.

    Raises:
        ValueError: any other shape.
    """
    if len(observation_shape) == 3 and observation_shape[0] == FRAME_HISTORY:
        return MemoryEfficientReplayBuffer(FRAME_HISTORY, capacity, seed)
    small = len(observation_shape) == 3 and tuple(observation_shape[:2]) == SMALL
    if len(observation_shape) == 1 or small:
        return ReplayBuffer(capacity, seed)
    raise ValueError(
        f"unsupported observation shape {observation_shape}: expected (features,), ({FRAME_HISTORY}, height, width) "
        f"or {(*SMALL, 'layers')}".replace("'", "")
    )
