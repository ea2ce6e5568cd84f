"""Both replay buffers against a plain list of everything that ever happened, and wrong buffers that must fail it."""

import numpy as np
import pytest

from gcb6206.infrastructure.checkpoint import load_checkpoint, save_checkpoint, tensors_to_numpy
from gcb6206.infrastructure.replay_buffer import MemoryEfficientReplayBuffer, ReplayBuffer

STACK = 4


def play(buffer, episode_lengths, truncated=()):
    """Play numbered steps into a frame buffer, as a training loop would; every transition that was ever stored.

    Frame n is filled with n, so that a frame out of place is seen. Episodes in ``truncated`` end with done False.
    """
    history, frame = [], 0

    def next_frame():
        nonlocal frame
        frame += 1
        return np.full((3, 2), frame % 256, np.uint8)

    for episode, length in enumerate(episode_lengths):
        frames = [next_frame()]
        buffer.on_reset(observation=frames[0])
        for t in range(length):
            frames.append(next_frame())
            done = t == length - 1 and episode not in truncated
            stack = [frames[max(0, t - k)] for k in range(STACK - 1, -1, -1)]
            following = [frames[max(0, t + 1 - k)] for k in range(STACK - 1, -1, -1)]
            action, reward = len(history) % 7, float(len(history))
            buffer.insert(action, reward, frames[-1], done)
            history.append((np.stack(stack), action, reward, np.stack(following), done))
    return history


def check_against_history(buffer, history, batches=40):
    """Every sampled row is one that happened; the reward numbers it. The set of rows that were seen."""
    seen = set()
    for _ in range(batches):
        batch = buffer.sample(64)
        for row in range(64):
            number = int(batch["rewards"][row])
            stack, action, _, following, done = history[number]
            np.testing.assert_array_equal(batch["observations"][row], stack)
            np.testing.assert_array_equal(batch["next_observations"][row], following)
            assert batch["actions"][row] == action and batch["dones"][row] == done
            seen.add(number)
    return seen


EPISODES = [5, 1, 9, 2, 2, 1, 30, 3, 3, 12, 1, 1, 1, 8]


def test_frame_buffer_before_it_is_full():
    buffer = MemoryEfficientReplayBuffer(STACK, capacity=1000, seed=0)
    history = play(buffer, EPISODES, truncated={2, 6})
    assert check_against_history(buffer, history) == set(range(len(history)))


@pytest.mark.parametrize("capacity", [7, 20, 33])
def test_frame_buffer_behind_the_wrap_keeps_the_newest(capacity):
    buffer = MemoryEfficientReplayBuffer(STACK, capacity=capacity, seed=0)
    history = play(buffer, EPISODES * 3, truncated={2, 6, 9})
    seen = check_against_history(buffer, history)
    assert len(seen) == len(buffer) <= capacity
    assert seen == set(range(len(history) - len(seen), len(history)))


def test_frame_buffer_with_one_step_episodes_gives_up_what_lost_its_frames():
    buffer = MemoryEfficientReplayBuffer(STACK, capacity=20, seed=0)
    history = play(buffer, [1] * 100)
    seen = check_against_history(buffer, history)
    assert 0 < len(seen) < 20 and max(seen) == 99


def test_frame_buffer_stores_each_frame_once():
    buffer = MemoryEfficientReplayBuffer(STACK, capacity=100, seed=0)
    play(buffer, [10, 10])
    assert buffer.frames_written == 22


def test_frame_buffer_never_shows_an_unfilled_slot():
    buffer = MemoryEfficientReplayBuffer(STACK, capacity=100, seed=0)
    buffer.on_reset(observation=np.ones((3, 2), np.uint8))
    buffer._frames[1:] = 255  # poison
    buffer.insert(0, 0.0, np.full((3, 2), 2, np.uint8), False)
    assert buffer.sample(50)["next_observations"].max() == 2


class StackShifted(MemoryEfficientReplayBuffer):
    def _stacks(self, last, first):
        return super()._stacks(last - 1, first)


class StackAcrossEpisodes(MemoryEfficientReplayBuffer):
    def _stacks(self, last, first):
        return super()._stacks(last, np.zeros_like(first))


class ResetFrameLost(MemoryEfficientReplayBuffer):
    def on_reset(self, observation):
        if self._episode_start is None and self.frames_written:
            self._episode_start = self.frames_written - 1
        else:
            super().on_reset(observation)


class FramesNotWrapped(MemoryEfficientReplayBuffer):
    def _oldest(self):
        return max(0, self.inserted - self.capacity)


class NextIsReset(MemoryEfficientReplayBuffer):
    def sample(self, batch_size):
        batch = super().sample(batch_size)
        batch["next_observations"][batch["dones"]] = 0
        return batch


@pytest.mark.parametrize(
    "wrong", [StackShifted, StackAcrossEpisodes, ResetFrameLost, FramesNotWrapped, NextIsReset]
)
def test_wrong_frame_buffers_are_caught(wrong):
    buffer = wrong(STACK, capacity=20, seed=0)
    history = play(buffer, [1] * 60 + EPISODES + [1] * 40)
    with pytest.raises(AssertionError):
        check_against_history(buffer, history)


def fill(buffer, count):
    for n in range(count):
        one = np.full(3, n, np.float32)
        buffer.insert(observation=one, action=n % 5, reward=n, next_observation=one + 1, done=n % 11 == 0)


def check_plain(buffer, count):
    """Rows belong together, the newest ``capacity`` are all there, and equally often."""
    batch = buffer.sample(60_000)
    numbers = batch["rewards"].astype(int)
    np.testing.assert_array_equal(batch["observations"][:, 0], numbers)
    np.testing.assert_array_equal(batch["next_observations"][:, 0], numbers + 1)
    np.testing.assert_array_equal(batch["actions"], numbers % 5)
    np.testing.assert_array_equal(batch["dones"], numbers % 11 == 0)
    kept = np.arange(max(0, count - buffer.capacity), count)
    values, times = np.unique(numbers, return_counts=True)
    np.testing.assert_array_equal(values, kept)
    expected = len(numbers) / len(kept)
    assert np.all(np.abs(times - expected) < 6 * np.sqrt(expected))


@pytest.mark.parametrize("count", [1, 30, 40, 41, 95, 400])
def test_plain_buffer_samples_the_newest_uniformly(count):
    buffer = ReplayBuffer(capacity=40, seed=0)
    fill(buffer, count)
    check_plain(buffer, count)


class SamplesUnfilled(ReplayBuffer):
    def __len__(self):
        return self.capacity


class SamplesModulo(ReplayBuffer):
    """The original's fault: numbers drawn from all inserts, taken modulo the capacity."""

    def sample(self, batch_size):
        rows = self._rng.integers(0, self.inserted, size=batch_size) % self.capacity
        return {key: array[rows] for key, array in self._arrays.items()}


class NoModulo(ReplayBuffer):
    def insert(self, **row):
        if self.inserted >= self.capacity:
            return
        super().insert(**row)


@pytest.mark.parametrize("wrong, count", [(SamplesUnfilled, 30), (SamplesModulo, 95), (NoModulo, 95)])
def test_wrong_plain_buffers_are_caught(wrong, count):
    buffer = wrong(capacity=40, seed=0)
    fill(buffer, count)
    with pytest.raises(AssertionError):
        check_plain(buffer, count)


def test_plain_buffer_keeps_its_dtypes():
    buffer = ReplayBuffer(capacity=4)
    buffer.insert(
        observation=np.zeros((2, 3), np.uint8),
        action=1,
        reward=1.0,
        next_observation=np.zeros((2, 3), np.uint8),
        done=True,
    )
    batch = buffer.sample(2)
    assert {key: (str(value.dtype), value.shape) for key, value in batch.items()} == {
        "observations": ("uint8", (2, 2, 3)),
        "actions": ("int64", (2,)),
        "rewards": ("float32", (2,)),
        "next_observations": ("uint8", (2, 2, 3)),
        "dones": ("bool", (2,)),
    }


@pytest.mark.parametrize("count", [3, 50])
def test_a_stored_buffer_goes_on_as_the_original(tmp_path, count):
    buffer, other = ReplayBuffer(capacity=20, seed=3), ReplayBuffer(capacity=20, seed=99)
    fill(buffer, count)
    save_checkpoint(tmp_path / "b.pt", buffer.state())
    other.load_state(tensors_to_numpy(load_checkpoint(tmp_path / "b.pt")))
    fill(buffer, 7), fill(other, 7)
    np.testing.assert_array_equal(buffer.sample(100)["rewards"], other.sample(100)["rewards"])


@pytest.mark.parametrize("episodes", [[3, 2], EPISODES * 3])
def test_a_stored_frame_buffer_goes_on_as_the_original(tmp_path, episodes):
    buffer, other = (MemoryEfficientReplayBuffer(STACK, capacity=30, seed=s) for s in (3, 99))
    play(buffer, episodes)
    save_checkpoint(tmp_path / "b.pt", buffer.state())
    other.load_state(tensors_to_numpy(load_checkpoint(tmp_path / "b.pt")))
    play(buffer, [4, 5]), play(other, [4, 5])
    ours, theirs = buffer.sample(200), other.sample(200)
    for key in ours:
        np.testing.assert_array_equal(ours[key], theirs[key])


def test_bad_use_is_refused():
    with pytest.raises(ValueError, match="capacity is 0"):
        ReplayBuffer(capacity=0)
    with pytest.raises(ValueError, match="empty replay buffer"):
        ReplayBuffer(capacity=3).sample(1)
    with pytest.raises(ValueError, match="empty replay buffer"):
        MemoryEfficientReplayBuffer(4, 10).sample(1)
    with pytest.raises(RuntimeError, match="call on_reset"):
        MemoryEfficientReplayBuffer(4, 10).insert(0, 0.0, np.zeros((3, 2), np.uint8), False)
    with pytest.raises(ValueError, match=r"shape \(4, 3, 2\), dtype uint8: expected one uint8 frame"):
        MemoryEfficientReplayBuffer(4, 10).on_reset(observation=np.zeros((4, 3, 2), np.uint8))
    with pytest.raises(ValueError, match="dtype float32"):
        MemoryEfficientReplayBuffer(4, 10).on_reset(observation=np.zeros((3, 2), np.float32))
    buffer = ReplayBuffer(capacity=3)
    fill(buffer, 1)
    with pytest.raises(
        ValueError, match=r"observations has shape \(5,\), but this buffer holds shape \(3,\)"
    ):
        buffer.insert(observation=np.zeros(5), action=0, reward=0, next_observation=np.zeros(5), done=False)


def test_no_insert_between_an_end_and_the_next_reset():
    buffer = MemoryEfficientReplayBuffer(4, 10)
    play(buffer, [2])
    with pytest.raises(RuntimeError, match="call on_reset"):
        buffer.insert(0, 0.0, np.zeros((3, 2), np.uint8), False)
