"""The learner's buffer: when to train, and on which trajectories.

    first:   train once size >= capacity // preload_ratio
    then:    train when inserts since the last training >= train_batch_size / production_consume_ratio

What counts as "since" moves only when ``sample`` is called, never by asking. So in the long run each insert is sampled
``production_consume_ratio`` times, as far as the learner keeps up: whoever is late trains once for all that came, and
the counters say so.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from gcb6206.errors import ConfigError, nearest
from gcb6206.exercises import exercise
from gcb6206.infrastructure.distributed.trajectory import Trajectory

SAMPLERS = ("Uniform", "Fifo")
MOST_TRAININGS = 1000  # for each insert; far more would never let the learner wait for a new one


class TrajectoryBuffer:
    """Trajectories in the order in which they came.

    Args:
        capacity: trajectories at most; the oldest makes room for a new one.
        train_batch_size: trajectories in one training, at most ``capacity``.
        preload_ratio: the first training waits for ``capacity // preload_ratio`` trajectories.
        production_consume_ratio: samples for each insert, at most 1000 * ``train_batch_size``.
        sampler: ``Uniform`` draws different trajectories, each as likely as any other, and keeps them; ``Fifo`` hands
            out the oldest, each once.
        seed: of the draws.

    Attributes:
        preload: trajectories for which the first training waits, at least ``train_batch_size``.
        filling: whether there was no training yet, or none since ``clear``.
        inserted_at_training: the insert up to which trainings have been paid for; ``sample`` moves it. A training costs
            ``train_batch_size / production_consume_ratio`` inserts, which need not be whole.
        counts: ``inserted``; ``sampled``; ``trainings``; ``overwritten``, that no training ever saw; ``duplicates``,
            refused; ``missing``, numbers that a worker skipped.

    Raises:
        ConfigError: an argument that does not fit; the message names it.
    """

    def __init__(
        self,
        capacity: int,
        train_batch_size: int,
        preload_ratio: float = 1.0,
        production_consume_ratio: float = 1.0,
        sampler: str = "Uniform",
        seed: int = 0,
    ):
        if capacity < 1:
            raise ConfigError(f"capacity is {capacity}: expected at least 1")
        if not 1 <= train_batch_size <= capacity:
            raise ConfigError(f"train_batch_size is {train_batch_size}: expected 1 to capacity = {capacity}")
        if not preload_ratio >= 1:
            raise ConfigError(f"preload_ratio is {preload_ratio}: expected at least 1")
        most = MOST_TRAININGS * train_batch_size
        if not 0 < production_consume_ratio <= most:
            raise ConfigError(
                f"production_consume_ratio is {production_consume_ratio}: expected above 0 and at most {MOST_TRAININGS} "
                f"* train_batch_size = {most}, which are {MOST_TRAININGS} trainings for each insert"
            )
        if sampler not in SAMPLERS:
            raise ConfigError(f"sampler is {sampler!r}: {nearest(sampler, SAMPLERS)}")
        if sampler == "Fifo" and production_consume_ratio != 1:
            raise ConfigError(
                f"production_consume_ratio is {production_consume_ratio}, but the sampler Fifo hands out everything "
                "once: set it to 1, or take Uniform"
            )
        self.capacity, self.train_batch_size = capacity, train_batch_size
        self.preload = max(int(capacity // preload_ratio), train_batch_size)
        self.production_consume_ratio, self.sampler = production_consume_ratio, sampler
        self._generator = np.random.default_rng(seed)
        self._items: deque[Trajectory] = deque()
        self._seen: deque[bool] = deque()  # whether a training saw the item
        self._last: dict[int, int] = {}  # each worker's last sequence number
        self.filling = True  # until the first training
        self.inserted_at_training = 0.0
        names = ("inserted", "sampled", "trainings", "overwritten", "duplicates", "missing")
        self.counts = dict.fromkeys(names, 0)

    def __len__(self) -> int:
        return len(self._items)

    def insert(self, trajectory: Trajectory) -> bool:
        """Take a trajectory in; False where it came before, as after a worker's repeated call."""
        expected = self._last.get(trajectory.worker, -1) + 1
        if trajectory.sequence < expected:
            self.counts["duplicates"] += 1
            return False
        self.counts["missing"] += trajectory.sequence - expected
        self._last[trajectory.worker] = trajectory.sequence
        if len(self._items) == self.capacity:
            self._items.popleft()
            self.counts["overwritten"] += not self._seen.popleft()
        self._items.append(trajectory)
        self._seen.append(False)
        self.counts["inserted"] += 1
        return True

    @exercise("hw5.should_train")
    def should_train(self) -> bool:
        """Whether a training is due, by both ratios. Asking changes nothing, however often.

            never    with fewer than train_batch_size trajectories, which are len(self)
            filling  once there are preload trajectories
            then     once as many inserts came since inserted_at_training as a training costs; with the sampler Fifo,
                     which hands out each trajectory once, at any time

        Inserts are counted in ``counts["inserted"]``: ``len(self)`` stays at the capacity once the buffer is full.
        Fractions add up with rounding errors: a difference of 1e-9 inserts counts as none.

        Returns:
            True or False.
        """

    def sample(self) -> list[Trajectory]:
        """The trajectories of one training, which this call says is taking place.

        Raises:
            ValueError: there are fewer than a training needs.
        """
        if len(self._items) < self.train_batch_size:
            raise ValueError(
                f"the buffer holds {len(self._items)} trajectories, a training needs {self.train_batch_size}: "
                "ask should_train first"
            )
        due = self.train_batch_size / self.production_consume_ratio
        if self.filling:
            self.filling = False
            self.inserted_at_training = float(self.counts["inserted"])
        else:  # what came beyond this training counts for later ones, but for no more than one training or insert
            counted, inserted = self.inserted_at_training, self.counts["inserted"]
            self.inserted_at_training = max(counted + due, inserted - max(due, 1.0))
        self.counts["trainings"] += 1
        self.counts["sampled"] += self.train_batch_size
        if self.sampler == "Fifo":
            self._seen = deque(list(self._seen)[self.train_batch_size :])
            return [self._items.popleft() for _ in range(self.train_batch_size)]
        chosen = self._generator.choice(len(self._items), self.train_batch_size, replace=False)
        for i in chosen:
            self._seen[i] = True
        return [self._items[i] for i in chosen]

    def clear(self) -> None:
        """Forget the trajectories, not the counters; before the next training the buffer fills up again."""
        self.counts["overwritten"] += self._seen.count(False)
        self._items.clear()
        self._seen.clear()
        self.filling = True
        self.inserted_at_training = float(self.counts["inserted"])

    @property
    def samples_per_insert(self) -> float:
        """Samples for each insert after the first training was due; NaN before."""
        counted = self.counts["inserted"] - self.preload
        if self.counts["trainings"] < 2 or counted <= 0:
            return float("nan")
        return (self.counts["sampled"] - self.train_batch_size) / counted

    def state(self) -> dict:
        """Counters, each worker's last number and the draws' generator, for a checkpoint; trajectories are not kept."""
        random = self._generator.bit_generator.state
        return {"counts": dict(self.counts), "last": dict(self._last), "random": random}

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave: with an empty buffer, which fills up again before the next training."""
        self.counts, self._last = dict(state["counts"]), dict(state["last"])
        self._generator.bit_generator.state = state["random"]
        self.clear()
