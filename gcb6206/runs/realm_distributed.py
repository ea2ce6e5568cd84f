"""PPO on the realm in the roles of a distributed training, taking turns in one process.

    worker:   owns games; sends a trajectory, played with whatever weights the actor holds
    actor:    predicts for all workers; looks into the model pool now and then
    learner:  buffer, training when both ratios allow, publication of its weights under rising versions

With one worker, a buffer for one trajectory and publication after each training nothing is ever stale, and the run is
that of ``RealmRun``, number for number. A checkpoint empties the buffer, whether the run goes on or is killed there.
``realm_ray.py`` is the same with a process for each worker, the actor and the training.
"""

from __future__ import annotations

import contextlib
import copy
import sys
import tempfile
import time

import numpy as np
import torch

from gcb6206.agents.realm_agent import RealmAgent
from gcb6206.agents.vtrace import effective_sample_size, vtrace
from gcb6206.errors import CheckpointError, ConfigError
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.distributed.pool import ModelPool
from gcb6206.infrastructure.distributed.trajectory import Trajectory, drop_stale, lag
from gcb6206.infrastructure.logger import Logger, PatientLogger
from gcb6206.networks.realm import PACKED
from gcb6206.runs.frame import seed_of
from gcb6206.runs.realm import RealmCollector, RealmRun, make_games

SEPARATE = ("last_observation", "cut_observations")  # arrays without a time axis
LOOKED_AT = 512  # samples of a training whose importance ratios are logged where nothing else needs them


class Worker:
    """An environment worker (the notes' aisrv): plays with an agent that belongs to somebody else.

    Args:
        number: its name in what it sends.
        collector: its games.
    """

    def __init__(self, number: int, collector: RealmCollector):
        self.number, self.collector = number, collector

    def play(self, actor: Actor, sequence: int) -> Trajectory:
        """A trajectory, with the number ``sequence``."""
        arrays = self.collector.collect(actor.agent)
        return Trajectory(self.number, sequence, actor.version, arrays)


class Actor:
    """Predicts for the workers, with weights of the pool.

    Args:
        agent: whose weights are replaced.
        pool: where newer ones come from.
    """

    def __init__(self, agent: RealmAgent, pool: ModelPool):
        self.agent, self.pool, self.version = agent, pool, -1

    def sync(self) -> None:
        """Take the newest weights, where they are newer."""
        version, weights = self.pool.load("latest")
        if version > self.version:
            self.agent.policy.load_state_dict(weights)
            self.version = version


class Trainer:
    """One training after the other on trajectories that somebody else chooses; it keeps nothing but the agent.

    Args:
        agent: learns.
        config: the run's parts.
    """

    def __init__(self, agent: RealmAgent, config: dict):
        self.agent, self.config = agent, config

    def learn(
        self, trajectories: list[Trajectory], progress: float
    ) -> tuple[dict[str, torch.Tensor], dict[str, float], np.ndarray]:
        """One training; the samples' values and returns, figures, and log-ratios of (some) samples before it."""
        samples, log_ratio = self.samples(trajectories)
        if log_ratio is None:
            log_ratio = self._some_log_ratios(samples)
        figures = self.agent.update(samples, progress)
        told = {
            "importance_ratio_max": float(np.exp(log_ratio.max())),
            "effective_sample_size": effective_sample_size(log_ratio),
        }
        kept = {name: samples[name] for name in ("values", "returns")}
        return kept, {**figures, **told}, log_ratio.ravel()

    def samples(self, trajectories: list[Trajectory]) -> tuple[dict[str, torch.Tensor], np.ndarray | None]:
        """What ``agent.update`` learns from; with V-trace also how likely the agent's weights make each action.

        Returns:
            The samples, and log pi(a|s) of the agent's weights minus that of those that acted, ``(T, N)``, or None.
        """
        arrays = [trajectory.arrays for trajectory in trajectories]
        rollout = {
            name: np.concatenate([each[name] for each in arrays], axis=1)
            for name in arrays[0]
            if name not in SEPARATE
        }
        if self.config["recompute_log_probs"]:
            ratios = [self.valued(each)[0] for each in arrays]
            rollout["log_probs"] = rollout["log_probs"] + np.concatenate(ratios, axis=1)
            return self.agent.prepare(rollout), None
        if not self.config["vtrace"]:
            return self.agent.prepare(rollout), None
        parts = [self.valued(each) for each in arrays]
        log_ratio, values, next_values = (np.concatenate(part, axis=1) for part in zip(*parts))
        targets, advantages = vtrace(
            log_ratio, rollout["rewards"], values, next_values, rollout["terminated"], rollout["truncated"],
            self.agent.gamma, self.agent.gae_lambda,
        )  # fmt: skip
        kept = {name: rollout[name] for name in ("observations", "actions", "log_probs")}
        samples = {**kept, "values": values, "advantages": advantages, "returns": targets}
        return {name: ptu.from_numpy(array).flatten(0, 1) for name, array in samples.items()}, log_ratio

    def valued(self, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the learner's own weights say of a trajectory: log-ratios, values and next values ``(T, N)``."""
        shape = arrays["actions"].shape
        with torch.no_grad():
            log_probs, _, values = self.agent.policy.evaluate(
                torch.from_numpy(arrays["observations"].reshape(-1, PACKED)),
                torch.from_numpy(arrays["actions"].reshape(-1)),
            )
        values = values.numpy().reshape(shape)
        next_values = np.concatenate([values[1:], self.agent.values(arrays["last_observation"])[None]])
        if len(arrays["cut_observations"]):
            next_values[arrays["truncated"]] = self.agent.values(arrays["cut_observations"])
        return log_probs.numpy().reshape(shape) - arrays["log_probs"], values, next_values

    def _some_log_ratios(self, samples: dict[str, torch.Tensor]) -> np.ndarray:
        every = max(1, len(samples["actions"]) // LOOKED_AT)
        some = {name: samples[name][::every] for name in ("observations", "actions", "log_probs")}
        with torch.no_grad():
            log_probs = self.agent.policy.evaluate(some["observations"], some["actions"])[0]
        return (log_probs - some["log_probs"]).numpy()


class Learner(Trainer):
    """Trains out of a buffer, and publishes.

    Args:
        agent, config: as for ``Trainer``.
        pool: takes the weights.
        seed: of the buffer's draws.

    Attributes:
        version: trainings so far; that of the weights.
        dropped: trajectories that were too old.
    """

    def __init__(self, agent: RealmAgent, config: dict, pool: ModelPool, seed: int):
        super().__init__(agent, config)
        self.pool = pool
        self.buffer = config["make_buffer"](seed)
        self.version = self.dropped = 0

    def draw(self) -> tuple[list[Trajectory], list[int]]:
        """What the next training learns from, and how old each is; what is too old is left out, and counted."""
        kept, dropped = drop_stale(self.buffer.sample(), self.version, self.config["max_lag"])
        self.dropped += len(dropped)
        return kept, [lag(trajectory, self.version) for trajectory in kept]

    def trained(self) -> None:
        """Count a training, and publish where it is time."""
        self.version += 1
        if self.version % self.config["dump_model_freq"] == 0:
            self.publish()

    def publish(self) -> bool:
        """Write the weights into the pool; False where the disk has no room."""
        return self.pool.publish(self.agent.policy.state_dict(), self.version)


class RealmDistributedRun(RealmRun):
    """One training run in roles.

    A disk that becomes full costs publications, checkpoints and lines of the log, never the run.

    Args:
        config: the run's parts, as ``RealmDistributedConfig().build()`` gives them.
        logger, args: as in ``RealmRun``.
    """

    def __init__(self, config: dict, logger, args):
        super().__init__(config, PatientLogger(logger) if isinstance(logger, Logger) else logger, args)

    def build(self) -> None:
        """Make workers, actor, learner and pool."""
        self._temporary = contextlib.ExitStack()
        self.sent = [0] * self.config[
            "num_workers"
        ]  # trajectories of each worker that are in the buffer, or were
        self.checkpoint_failures = 0
        self._logged = (0, time.perf_counter())  # steps and time of the last line of the log
        super().build()
        filling = self.config["make_buffer"](0).preload * self._steps_each
        between = getattr(self.args, "checkpoint_interval", 0)
        if self.directory and between and between < 2 * filling:
            raise ConfigError(
                f"checkpoint_interval is {between}, but each checkpoint empties the buffer, and {filling} steps fill it "
                f"before anything is learned: set at least {2 * filling}, or raise preload_ratio"
            )
        place = self.directory or self._temporary.enter_context(tempfile.TemporaryDirectory())
        self.pool = ModelPool(f"{place}/pool")
        self.learner = Learner(self.agent, self.config, self.pool, seed_of(self.args.seed, "buffer"))
        self.actor = self.make_actor()

    def build_games(self) -> None:
        """Make the workers with their games."""
        super().build_games()
        self.workers = [Worker(0, self.collector)]
        for number in range(1, self.config["num_workers"]):
            self.envs.append(make_games(self.config, self.config["num_envs"]))
            collector = RealmCollector(self.envs[-1], self.config["n_steps"])
            collector.episodes = self.episodes  # one memory for all
            self.workers.append(Worker(number, collector))

    def make_actor(self) -> Actor:
        """Who predicts."""
        return Actor(copy.deepcopy(self.agent), self.pool)

    def begin(self) -> None:
        """Publish the first weights, and begin the first episodes."""
        self._set_curriculum()
        self.restart(self.args.seed)
        self._publish_anew()

    def train(self) -> RealmAgent:
        """Insert trajectories, and train when it is due, until the steps are used up; the trained agent."""
        with self._temporary:
            for progress in self.updates():
                self.round(progress)
        return self.agent

    def round(self, progress: float) -> None:
        """Insert one trajectory, and train as often as it makes due."""
        if self.done // self._steps_each % self.config["model_sync_interval"] == 0:
            self.actor.sync()
        trajectory = self.receive()
        self.learner.buffer.insert(trajectory)
        self.sent[trajectory.worker] = trajectory.sequence + 1
        self.done += self._steps_each
        while self.learner.buffer.should_train():
            self.learn(progress)
        if self.done >= self.total:
            self.finish()

    def receive(self) -> Trajectory:
        """The next trajectory: of the worker whose turn it is."""
        worker = self.workers[self.done // self._steps_each % len(self.workers)]
        return worker.play(self.actor, self.sent[worker.number])

    def learn(self, progress: float) -> None:
        """One training on what the buffer draws, unless all of it is too old."""
        kept, lags = self.learner.draw()
        if kept:
            self.adopt(lags, *self.learner.learn(kept, progress))

    def finish(self) -> None:
        """Wait for trainings that are still going on: in one process there are none."""

    def adopt(self, lags: list[int], samples: dict, figures: dict[str, float], log_ratio: np.ndarray) -> None:
        """Count a training that took place, publish and log."""
        self.learner.trained()
        self.logger.log_histogram(np.array(lags), "buffer/lag", self.done)
        self.logger.log_histogram(np.exp(log_ratio), "train/importance_ratio", self.done)
        told = {"lag_mean": float(np.mean(lags)), "lag_max": float(max(lags))}
        self.log_update(samples, {**figures, **told})

    def log_update(self, samples: dict[str, torch.Tensor], figures: dict[str, float]) -> None:
        """Log also what became of the trajectories."""
        super().log_update(samples, figures)
        buffer = self.learner.buffer
        told = {
            **{f"buffer/{name}": count for name, count in buffer.counts.items()},
            "buffer/dropped": self.learner.dropped,
            "buffer/pool_failures": self.pool.failures,
            "buffer/checkpoint_failures": self.checkpoint_failures,
            **self.faults(),
        }
        if not np.isnan(buffer.samples_per_insert):
            told["buffer/samples_per_insert"] = buffer.samples_per_insert
        for name, value in told.items():
            self.logger.log_scalar(value, name, self.done)
        self.figures["lag"] = figures["lag_mean"]

    def faults(self) -> dict[str, int]:
        """How often each role was replaced."""
        return {}

    def speed(self) -> dict[str, float]:
        """Steps per second since the last line of the log; nothing where a second training follows one insert."""
        now, (done, then) = time.perf_counter(), self._logged
        if self.done == done:
            return {}
        self._logged = (self.done, now)
        return {"time/fps": (self.done - done) / (now - then)}

    def restart(self, seed: int) -> None:
        """Begin new episodes in all workers."""
        for worker in self.workers:
            worker.collector.restart(seed=worker_seed(seed, worker.number))

    def _publish_anew(self) -> None:
        """Give the actor the learner's weights, and forget any that a killed run published later."""
        for version in self.pool.versions():
            if version >= self.learner.version:
                self.pool.remove(version)
        self.learner.publish()
        self.actor.version = -1
        self.actor.sync()

    def settle(self) -> None:
        """Begin new episodes everywhere, with an empty buffer and the newest weights."""
        self._set_curriculum()
        self.restart(seed_of(self.args.seed, self.done, "training"))
        self.learner.buffer.clear()
        self._publish_anew()

    def save(self) -> None:
        """Write the checkpoint; where the disk does not take it, say so and go on."""
        self.finish()
        try:
            super().save()
        except CheckpointError as error:
            self.checkpoint_failures += 1
            print(f"\n{error}; the run goes on without it", file=sys.stderr)

    def state(self) -> dict:
        """Also versions, counters, and what each worker has sent."""
        return {
            **super().state(),
            "version": self.learner.version,
            "dropped": self.learner.dropped,
            "buffer": self.learner.buffer.state(),
            "sent": list(self.sent),
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        super().load_state(state)
        self.learner.version, self.learner.dropped = state["version"], state["dropped"]
        self.learner.buffer.load_state(state["buffer"])
        self.sent = list(state["sent"])


def worker_seed(seed: int, number: int) -> int:
    """The seed of a worker's games; the first one's are those of a run without roles."""
    return seed if number == 0 else seed_of(seed, number)
