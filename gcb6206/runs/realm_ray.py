"""The roles of ``realm_distributed.py`` as processes on Ray, on one machine or many.

    aisrv     a process for each worker, with its games
    actor     one that predicts for all of them, in batches of whatever has arrived
    learner   one that trains: state in, state out, so that a training which is interrupted is simply done again
    here      the buffer, the model pool on this disk, versions and counters

What one process does in turns goes on at the same time here. The buffer is kept beside its counters, where no death of
another process reaches it. What can be lost is a trajectory that is being played; its number is then played anew, and
counts once. Nothing is read from a shared disk: weights travel as bytes with their hash.

With one worker and ``synchronous`` the run is that of one process, number for number.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import deque

import numpy as np
import torch

from gcb6206 import exercises
from gcb6206.infrastructure.checkpoint import copied
from gcb6206.infrastructure.distributed.cluster import connected
from gcb6206.infrastructure.distributed.pool import ModelPool, from_bytes, to_bytes
from gcb6206.infrastructure.distributed.trajectory import Trajectory
from gcb6206.networks.realm import PACKED
from gcb6206.runs.frame import seed_of
from gcb6206.runs.realm import REMEMBERED, RealmCollector, make_agent, make_games
from gcb6206.runs.realm_distributed import RealmDistributedRun, Trainer, Worker, worker_seed

HOMEWORKS = ("hw1", "hw5")  # whose exercises the roles call
AGAIN = 0.2  # seconds until somebody who is being replaced is asked again
PATIENCE = 1.0  # seconds without news after which one looks whether all are there


class ActorProcess:
    """Predicts for all workers.

    Requests that arrive while a batch is computed form the next one.

    Args:
        config: the run's parts.
        solutions: what fills the exercises.
    """

    def __init__(self, config: dict, solutions: dict):
        begin_process(solutions)
        self.agent, self.version = make_agent(config), -1
        self._loaded = asyncio.Event()
        self._waiting: list[tuple[np.ndarray, np.ndarray, asyncio.Future]] = []
        self.batches: deque[int] = deque(maxlen=1000)  # requests in each of the last batches

    async def load(self, version: int, data: bytes) -> None:
        """Take weights, as ``to_bytes`` wrote them."""
        self.agent.policy.load_state_dict(from_bytes(data, f"version {version}"))
        self.version = version
        self._loaded.set()

    async def about(self) -> dict:
        """The version, -1 before any came; the process; requests in a batch on average."""
        return {"version": self.version, "pid": os.getpid(), "batch": float(np.mean(self.batches or [0]))}

    async def act(self, observations: np.ndarray, noise: np.ndarray) -> tuple[int, tuple]:
        """The version, and what ``RealmAgent.act`` returns."""
        await self._loaded.wait()
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._serve)
        self._waiting.append((observations, noise, answer))
        return await answer

    async def values(self, observations: np.ndarray) -> tuple[int, np.ndarray]:
        """The version, and what ``RealmAgent.values`` returns."""
        await self._loaded.wait()
        return self.version, self.agent.values(np.array(observations))

    def _serve(self) -> None:
        observations, noises, answers = zip(*self._waiting)
        self._waiting.clear()
        self.batches.append(len(answers))
        acted = self.agent.act(np.concatenate(observations), np.concatenate(noises))
        ends = np.cumsum([len(noise) for noise in noises])[:-1]
        for answer, *parts in zip(answers, *(np.split(part, ends) for part in acted)):
            answer.set_result((self.version, tuple(parts)))


class AskedAgent:
    """In a worker's place: the agent that the actor's process has.

    Args:
        name: of the actor's process.

    Attributes:
        version: the oldest that answered since it was set to None.
    """

    def __init__(self, name: str):
        import ray

        self.handle, self.version = ray.get_actor(name), None

    def act(self, observations: np.ndarray, noise: np.ndarray):
        """As ``RealmAgent.act``."""
        return self._ask(self.handle.act, observations, noise)

    def values(self, observations: np.ndarray) -> np.ndarray:
        """As ``RealmAgent.values``."""
        return self._ask(self.handle.values, observations)

    def _ask(self, method, *arguments):
        import ray

        while True:
            try:
                version, answer = ray.get(method.remote(*arguments))
            except ray.exceptions.RayActorError:
                time.sleep(AGAIN)
                continue
            self.version = version if self.version is None else min(version, self.version)
            return answer


class AisrvProcess:
    """An environment worker.

    Args:
        number: its name.
        config: the run's parts.
        solutions: what fills the exercises.
        actor: the name of the actor's process.
    """

    def __init__(self, number: int, config: dict, solutions: dict, actor: str):
        begin_process(solutions)
        self.env = make_games(config, config["num_envs"])
        self.worker = Worker(number, RealmCollector(self.env, config["n_steps"]))
        self.agent, self.begun = AskedAgent(actor), None

    def play(self, sequence: int, choices: dict, seed: int) -> tuple[dict, dict[str, np.ndarray]]:
        """A trajectory.

        Args:
            sequence: its number.
            choices: of the games' options.
            seed: with which new episodes begin, where the last call had another one, or this process is new.

        Returns:
            About it: version, process, ended episodes' infos; and its arrays.
        """
        collector = self.worker.collector
        self.env.change(**choices)
        if self.begun != seed:
            collector.restart(seed)
            self.begun = seed
        self.agent.version = None
        collector.episodes.clear()
        arrays = collector.collect(self.agent)
        told = {"version": self.agent.version, "pid": os.getpid(), "episodes": list(collector.episodes)}
        return told, arrays


class LearnerProcess:
    """Trains: whatever it needs comes with the call, so that a new process goes on where the old one was.

    Args:
        config: the run's parts.
        solutions: what fills the exercises.
    """

    def __init__(self, config: dict, solutions: dict):
        begin_process(solutions)
        self.trainer = Trainer(make_agent(config), config)

    def learn(self, state: bytes, trajectories: list[Trajectory], progress: float) -> tuple[dict, bytes]:
        """One training.

        Args:
            state: of agent and random stream, as ``to_bytes`` wrote it.
            trajectories, progress: as ``Trainer.learn`` takes them.

        Returns:
            What ``Trainer.learn`` returned, with the process; and the state afterwards.
        """
        before = from_bytes(state, "the learner's state")
        agent = self.trainer.agent
        agent.load_training_state(before["agent"])
        torch.set_rng_state(before["random"])
        writable = [
            Trajectory(t.worker, t.sequence, t.version, {name: np.array(a) for name, a in t.arrays.items()})
            for t in trajectories
        ]
        samples, figures, log_ratio = self.trainer.learn(writable, progress)
        after = {"agent": agent.training_state(), "random": torch.get_rng_state()}
        told = {"samples": samples, "figures": figures, "log_ratio": log_ratio, "pid": os.getpid()}
        return told, to_bytes(after)


class ActorStub:
    """The actor, as this process sees it: takes weights from the pool to the one that predicts.

    Args:
        ray: the module.
        handle: the actor's.
        pool: where weights come from.
    """

    def __init__(self, ray, handle, pool: ModelPool):
        self.ray, self.handle, self.pool = ray, handle, pool
        self.version, self.restarts, self.pid = -1, 0, None
        self._data = b""
        self._news = None

    def sync(self) -> None:
        """Send the newest weights, where they are newer."""
        version, weights = self.pool.load("latest")
        if version > self.version:
            self.version, self._data = version, to_bytes(weights)
            self._send()

    def _send(self) -> None:
        while True:
            try:
                return self.ray.get(self.handle.load.remote(self.version, self._data))
            except self.ray.exceptions.RayActorError as error:
                wait_for_the_next(error)

    def look(self) -> None:
        """Give weights to a process that is new and has none; count it."""
        if self._news is None:
            self._news = self.handle.about.remote()
        if not self.ray.wait([self._news], timeout=0)[0]:
            return
        try:
            about = self.ray.get(self._news)
        except self.ray.exceptions.RayActorError as error:
            wait_for_the_next(error)
            about = None
        self._news = None
        if about:
            self.restarts += self.pid not in (None, about["pid"])
            self.pid = about["pid"]
            if about["version"] < 0:
                self._send()


class RealmRayRun(RealmDistributedRun):
    """One training run, each role a process of its own.

    Args:
        config: the run's parts, as ``RealmDistributedConfig().build()`` gives them.
        logger, args: as in ``RealmRun``; ``args.ray`` is ``local`` or an address, see ``cluster.connected``.

    Raises:
        ConfigError: Ray is not there.
    """

    def build(self) -> None:
        """Start the processes."""
        self._plays: dict[object, int] = {}  # result's reference: worker
        self._training: tuple | None = None  # reference, lags
        self.restarts = {"aisrv": 0, "learner": 0}
        self.pids: dict[str, int] = {}  # of who answered last in each role
        super().build()

    def build_games(self) -> None:
        """Join Ray, and start the workers with their games there; the actor first, whom they ask."""
        workers = self.config["num_workers"]
        item = self._steps_each * PACKED
        store = (self.config["make_buffer"](0).capacity + 4 * workers) * item * 2
        self._ray = self._temporary.enter_context(
            connected(self.args.ray, cpus=workers + 2, object_store=min(store, 2**33))
        )
        self.episodes = deque(maxlen=REMEMBERED)
        self.choices: dict = {}
        self._seeds = [0] * workers
        solutions = exercises.implementations(*HOMEWORKS)
        here = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            self._ray.get_runtime_context().get_node_id(), soft=True
        )
        beside = {"num_cpus": 1, "max_restarts": -1, "scheduling_strategy": here}
        spread = {"num_cpus": 1, "max_restarts": -1, "scheduling_strategy": "SPREAD"}
        remote, name = self._ray.remote, f"actor-{secrets.token_hex(4)}"
        self._actor = (
            remote(ActorProcess)
            .options(**beside, name=name, max_concurrency=10_000)
            .remote(self.config, solutions)
        )
        self._learner = (
            remote(LearnerProcess).options(**beside, max_task_retries=-1).remote(self.config, solutions)
        )
        self._workers = [
            remote(AisrvProcess).options(**spread).remote(number, self.config, solutions, name)
            for number in range(workers)
        ]

    def change(self, choices: dict) -> None:
        """Change options of all games, from the next trajectories on."""
        self.choices = choices

    def make_actor(self) -> ActorStub:
        """Who takes weights to the actor's process."""
        return ActorStub(self._ray, self._actor, self.pool)

    def restart(self, seed: int) -> None:
        """Begin new episodes in all workers; what they are playing is forgotten, and its numbers are played anew."""
        self._plays.clear()
        self._seeds = [worker_seed(seed, number) for number in range(len(self._workers))]

    def receive(self) -> Trajectory:
        """The trajectory that is ready first; workers that wait get an order before."""
        self._order()
        while True:
            awaited = [*self._plays, *([self._training[0]] if self._training else [])]
            ready, _ = self._ray.wait(awaited, num_returns=1, timeout=PATIENCE)
            self.actor.look()
            if not ready:
                continue
            if self._training and ready[0] == self._training[0]:
                self.finish()
                continue
            worker = self._plays.pop(ready[0])
            try:
                told, arrays = self._ray.get(ready[0])
            except losses(self._ray) as error:
                wait_for_the_next(error)
                self.restarts["aisrv"] += 1
                self._seeds[worker] = seed_of(self._seeds[worker], "again", self.sent[worker])
                self._order()
                continue
            self.pids[f"aisrv {worker}"] = told["pid"]
            self.episodes.extend(told["episodes"])
            return Trajectory(worker, self.sent[worker], told["version"], arrays)

    def _order(self) -> None:
        """Let workers that have nothing to do play."""
        busy = set(self._plays.values())
        for number, worker in enumerate(self._workers):
            if number not in busy:
                order = worker.play.remote(self.sent[number], self.choices, self._seeds[number])
                self._plays[order] = number

    def learn(self, progress: float) -> None:
        """Begin a training on what the buffer draws, when the one before is over."""
        self.finish()
        kept, lags = self.learner.draw()
        if kept:
            state = {"agent": self.agent.training_state(), "random": torch.get_rng_state()}
            self._training = (self._learner.learn.remote(to_bytes(copied(state)), kept, progress), lags)
        if self.config["synchronous"]:
            self.finish()

    def finish(self) -> None:
        """Wait for the training that is going on, and take over what it learned."""
        if self._training is None:
            return
        reference, lags = self._training
        while not self._ray.wait([reference], timeout=PATIENCE)[0]:
            self.actor.look()
        told, state = self._ray.get(reference)
        self._training = None
        after = from_bytes(state, "the learner's state")
        self.agent.load_training_state(after["agent"])
        torch.set_rng_state(after["random"])
        self.restarts["learner"] += self.pids.get("learner", told["pid"]) != told["pid"]
        self.pids["learner"] = told["pid"]
        self.adopt(lags, told["samples"], told["figures"], told["log_ratio"])

    def faults(self) -> dict[str, int]:
        """How often each role was replaced."""
        counts = {**self.restarts, "actor": self.actor.restarts}
        return {f"restarts/{role}": count for role, count in counts.items()}

    def settle(self) -> None:
        """Wait for the training that is going on; then as in one process."""
        self.finish()
        super().settle()


def losses(ray) -> tuple[type[Exception], ...]:
    """What ``ray.get`` raises where a process or a machine is gone."""
    errors = ray.exceptions
    return errors.RayActorError, errors.ObjectLostError, errors.WorkerCrashedError, errors.NodeDiedError


def wait_for_the_next(error: Exception) -> None:
    """Wait a little for a process that replaces one that is gone; raise where none will come.

    Raises:
        Exception: the process could not even begin, so that the next one could not either.
    """
    if "creation task" in str(error):
        raise error
    time.sleep(AGAIN)


def begin_process(solutions: dict) -> None:
    """What every process of a run does first."""
    torch.set_num_threads(1)
    exercises.fill(solutions)
