"""PPO on the realm in the roles of a distributed training, taking turns in one process.

    worker:   owns games; sends a trajectory, played with whatever weights the actor holds
    actor:    predicts for all workers; looks into the model pool now and then
    learner:  buffer, training when both ratios allow, publication of its weights under rising versions

With one worker, a buffer for one trajectory and publication after each training nothing is ever stale, and the run is
that of ``RealmRun``, number for number. A checkpoint empties the buffer, whether the run goes on or is killed there.
"""

from __future__ import annotations

import contextlib
import copy
import tempfile
import time

import numpy as np
import torch

from gcb6206.agents.realm_agent import RealmAgent
from gcb6206.agents.vtrace import effective_sample_size, vtrace
from gcb6206.errors import ConfigError
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.distributed.pool import ModelPool
from gcb6206.infrastructure.distributed.trajectory import Trajectory, drop_stale, lag
from gcb6206.networks.realm import PACKED
from gcb6206.runs.frame import seed_of
from gcb6206.runs.realm import RealmCollector, RealmRun, make_games

SEPARATE = ("last_observation", "cut_observations")  # arrays without a time axis


class Worker:
    """An environment worker (the notes' aisrv): plays with an agent that belongs to somebody else.

    Args:
        number: its name in what it sends.
        collector: its games.
    """

    def __init__(self, number: int, collector: RealmCollector):
        self.number, self.collector, self.sent = number, collector, 0

    def play(self, actor: Actor) -> Trajectory:
        """The next trajectory."""
        arrays = self.collector.collect(actor.agent)
        self.sent += 1
        return Trajectory(self.number, self.sent - 1, actor.version, arrays)


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


class Learner:
    """Trains out of a buffer, and publishes.

    Args:
        agent: learns.
        config: the run's parts.
        pool: takes the weights.
        seed: of the buffer's draws.

    Attributes:
        version: trainings so far; that of the weights.
        dropped: trajectories that were too old.
    """

    def __init__(self, agent: RealmAgent, config: dict, pool: ModelPool, seed: int):
        self.agent, self.config, self.pool = agent, config, pool
        self.buffer = config["make_buffer"](seed)
        self.version = self.dropped = 0

    def train(self, progress: float) -> tuple[dict[str, torch.Tensor], dict[str, float]] | None:
        """One training on what the buffer draws; the samples and figures, or None where all of it was too old."""
        drawn = self.buffer.sample()
        kept, dropped = drop_stale(drawn, self.version, self.config["max_lag"])
        self.dropped += len(dropped)
        if not kept:
            return None
        lags = [lag(trajectory, self.version) for trajectory in kept]
        samples, told = self.samples(kept)
        figures = self.agent.update(samples, progress)
        self.version += 1
        if self.version % self.config["dump_model_freq"] == 0:
            self.publish()
        return samples, {**figures, **told, "lag_mean": float(np.mean(lags)), "lag_max": float(max(lags))}

    def samples(self, trajectories: list[Trajectory]) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
        """What ``agent.update`` learns from, and how far the weights have moved on since it was played."""
        arrays = [trajectory.arrays for trajectory in trajectories]
        rollout = {
            name: np.concatenate([each[name] for each in arrays], axis=1)
            for name in arrays[0]
            if name not in SEPARATE
        }
        if not self.config["vtrace"]:
            return self.agent.prepare(rollout), {}
        parts = [self.valued(each) for each in arrays]
        log_ratio, values, next_values = (np.concatenate(part, axis=1) for part in zip(*parts))
        targets, advantages = vtrace(
            log_ratio, rollout["rewards"], values, next_values, rollout["terminated"], rollout["truncated"],
            self.agent.gamma, self.agent.gae_lambda,
        )  # fmt: skip
        kept = {name: rollout[name] for name in ("observations", "actions", "log_probs")}
        samples = {**kept, "values": values, "advantages": advantages, "returns": targets}
        told = {
            "importance_ratio_max": float(np.exp(log_ratio.max())),
            "effective_sample_size": effective_sample_size(log_ratio),
        }
        return {name: ptu.from_numpy(array).flatten(0, 1) for name, array in samples.items()}, told

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

    def publish(self) -> bool:
        """Write the weights into the pool; False where the disk has no room."""
        return self.pool.publish(self.agent.policy.state_dict(), self.version)


class RealmDistributedRun(RealmRun):
    """One training run in roles.

    Args:
        config: the run's parts, as ``RealmDistributedConfig().build()`` gives them.
        logger, args: as in ``RealmRun``.
    """

    def build(self) -> None:
        """Make workers, actor, learner and pool."""
        super().build()
        filling = self.config["make_buffer"](0).preload * self._steps_each
        between = getattr(self.args, "checkpoint_interval", 0)
        if self.directory and between and between < 2 * filling:
            raise ConfigError(
                f"checkpoint_interval is {between}, but each checkpoint empties the buffer, and {filling} steps fill it "
                f"before anything is learned: set at least {2 * filling}, or raise preload_ratio"
            )
        self._temporary = contextlib.ExitStack()
        place = self.directory or self._temporary.enter_context(tempfile.TemporaryDirectory())
        self.pool = ModelPool(f"{place}/pool")
        self.learner = Learner(self.agent, self.config, self.pool, seed_of(self.args.seed, "buffer"))
        self.actor = Actor(copy.deepcopy(self.agent), self.pool)
        self.workers = [Worker(0, self.collector)]
        for number in range(1, self.config["num_workers"]):
            self.envs.append(make_games(self.config, self.config["num_envs"]))
            collector = RealmCollector(self.envs[-1], self.config["n_steps"])
            collector.episodes = self.collector.episodes  # one memory for all
            self.workers.append(Worker(number, collector))

    def begin(self) -> None:
        """Publish the first weights, and begin the first episodes."""
        self._set_curriculum()
        self._restart(self.args.seed)
        self._publish_anew()

    def train(self) -> RealmAgent:
        """Let the workers take turns until the steps are used up; the trained agent."""
        for progress in self.updates():
            begun = time.perf_counter()
            turn = self.done // self._steps_each
            if turn % self.config["model_sync_interval"] == 0:
                self.actor.sync()
            worker = self.workers[turn % len(self.workers)]
            self.learner.buffer.insert(worker.play(self.actor))
            self.done += self._steps_each
            self._seconds = {"collect": time.perf_counter() - begun, "end": time.perf_counter()}
            while self.learner.buffer.should_train():
                trained = self.learner.train(progress)
                if trained:
                    self.log_update(*trained)
        self._temporary.close()
        return self.agent

    def log_update(self, samples: dict[str, torch.Tensor], figures: dict[str, float]) -> None:
        """Log also what became of the trajectories."""
        super().log_update(samples, figures)
        buffer = self.learner.buffer
        told = {**buffer.counts, "dropped": self.learner.dropped, "pool_failures": self.pool.failures}
        if not np.isnan(buffer.samples_per_insert):
            told["samples_per_insert"] = buffer.samples_per_insert
        for name, value in told.items():
            self.logger.log_scalar(value, f"buffer/{name}", self.done)
        self.figures["lag"] = figures["lag_mean"]

    def _restart(self, seed: int) -> None:
        for worker in self.workers:
            worker.collector.restart(seed=seed if worker.number == 0 else seed_of(seed, worker.number))

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
        self._restart(seed_of(self.args.seed, self.done, "training"))
        self.learner.buffer.clear()
        self._publish_anew()

    def state(self) -> dict:
        """Also versions, counters, and what each worker has sent."""
        return {
            **super().state(),
            "version": self.learner.version,
            "dropped": self.learner.dropped,
            "buffer": self.learner.buffer.state(),
            "sent": [worker.sent for worker in self.workers],
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        super().load_state(state)
        self.learner.version, self.learner.dropped = state["version"], state["dropped"]
        self.learner.buffer.load_state(state["buffer"])
        for worker, sent in zip(self.workers, state["sent"], strict=True):
            worker.sent = sent
