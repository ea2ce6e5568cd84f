"""A run of DQN on the realm: the course's DQN beside PPO, on the same games, with the same network but for its head.

Like ``RealmRun`` but for how it learns: it acts with epsilon, keeps transitions in a replay buffer, and takes an update
of the homework's ``DQNAgent`` after every ``update_period`` steps. A checkpoint holds the replay buffer, 21 kB for each
transition.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch

from gcb6206.agents.realm_agent import RealmDQNAgent
from gcb6206.infrastructure.checkpoint import tensors_to_numpy
from gcb6206.infrastructure.replay_buffer import ReplayBuffer
from gcb6206.runs.frame import seed_of
from gcb6206.runs.realm import RealmRun, episode_means


class RealmDQNRun(RealmRun):
    """DQN; arguments as ``RealmRun`` takes them, with ``RealmDQNConfig().build()`` as ``config``."""

    def build(self) -> None:
        """Make games, replay buffer and agent."""
        super().build()
        self.agent.exploration = 1.0
        self.replay = ReplayBuffer(self.config["replay_buffer_capacity"], seed_of(self.args.seed, "replay"))

    def train(self) -> RealmDQNAgent:
        """Train until the steps are used up; the trained agent."""
        for _ in self.rounds():
            begun = time.perf_counter()
            told = [figures for _ in range(self.config["n_steps"]) for figures in self.step()]
            logged = {f"train/{name}": np.mean([float(t[name]) for t in told]) for name in (told or [{}])[0]}
            logged |= {**episode_means(self.episodes), "train/epsilon": self._epsilon}
            logged["time/fps"] = self.figures["steps/s"] = self._steps_each / (time.perf_counter() - begun)
            for name, value in logged.items():
                self.logger.log_scalar(value, name, self.done)
        return self.agent

    def step(self) -> Iterator[dict]:
        """One step in every game, then the updates that it made due; what each told."""
        self.agent.exploration = self._epsilon = self.config["exploration_schedule"].value(self.done)
        observations = self.collector.observation
        noise = self.agent.noise(len(observations))
        transitions = self.collector.step(self.agent.act(observations, noise)[0])
        for row in zip(*transitions):
            self.replay.insert(*row)
        period, before = self.config["update_period"], self.done
        self.done += len(observations)
        for update in range(before // period, self.done // period):
            if update * period >= self.config["learning_starts"]:
                batch = self.replay.sample(self.config["batch_size"])
                batch = {name: torch.from_numpy(values) for name, values in batch.items()}
                yield self.agent.update(
                    batch["observations"],
                    batch["actions"],
                    batch["rewards"],
                    batch["next_observations"],
                    batch["dones"],
                    update,
                )

    def play(self, seed: int) -> tuple[np.ndarray, dict[str, float]]:
        """As PPO's, exploring as at the end of the training unless the evaluation is greedy."""
        self.agent.exploration = self.config["exploration_final"]
        return super().play(seed)

    def state(self) -> dict:
        """Agent, replay buffer, and the last episodes' figures."""
        return {**super().state(), "replay_buffer": self.replay.state()}

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        super().load_state(state)
        self.replay.load_state(tensors_to_numpy(state["replay_buffer"]))
