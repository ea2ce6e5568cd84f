"""A PPO run: environments, agent and collector, the curriculum between rollouts.

A checkpoint begins new episodes in all environments, from a seed that the run's seed and the step decide, whether the
run goes on or is killed there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from gcb6206.agents.ppo_agent import PPOAgent, explained_variance
from gcb6206.envs.vector import set_difficulty
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.networks.policies import make_policy
from gcb6206.runs.frame import LONGEST_EPISODE, Run, load_trained, seed_of
from gcb6206.runs.rollout import RolloutCollector, film_episode, play_episodes

OWN_TAGS = {
    "approx_kl": "approx_kl_mean"
}  # Stable-Baselines3's tag is the mean over an update's last epoch only


class PPORun(Run):
    """The parts of one PPO training run, on one thread of the CPU, where networks of this size are fastest.

    Evaluations have environments and seeds of their own.

    Args:
        config: the run's parts, as ``PPOConfig().build()`` gives them; ``curriculum`` may be any function
            ``(difficulty, progress, success_rate) -> difficulty``.
        logger: a ``Logger`` or ``NullLogger``.
        args: besides what every run takes: ``num_eval_episodes``.

    Raises:
        ValueError: spaces that PPO cannot work with.
    """

    def build(self) -> None:
        """Make environments, agent and collector."""
        ptu.init_gpu(use_gpu=False)
        self.env = self.config["make_envs"](num_envs=self.config["num_envs"])
        self.agent = make_agent(self.config, self.env)
        self.collector = RolloutCollector(self.env, self.config["n_steps"])
        self._eval_env = None  # made when the first evaluation is due
        self._steps_each = self.config["num_envs"] * self.config["n_steps"]
        self.difficulty = None

    def begin(self) -> None:
        """Begin the first episodes."""
        self.collector.restart(seed=self.args.seed)

    @property
    def total(self) -> int:
        """Environment steps, all environments together."""
        return self.config["updates"] * self._steps_each

    @property
    def step(self) -> int:
        """Environment steps so far."""
        return self.done

    def updates(self) -> Iterator[float]:
        """The part of the training done, before each update still to do; see ``Run.rounds``."""
        return self.rounds()

    def before(self) -> None:
        """Set the curriculum's difficulty."""
        if self.config.get("curriculum") is None:
            return
        success_rate = self.collector.figures().get("rollout/success_rate")
        progress = self.done / self.total
        self.difficulty = float(self.config["curriculum"](self.difficulty, progress, success_rate))
        set_difficulty(self.env, self.difficulty)

    def collect(self) -> dict[str, torch.Tensor]:
        """Play one rollout; the samples that ``agent.update`` learns from."""
        begun = time.perf_counter()
        rollout = self.collector.collect(self.agent)
        self.done += self._steps_each
        samples = self.agent.prepare(rollout)
        self._seconds = {"collect": time.perf_counter() - begun, "end": time.perf_counter()}
        return samples

    def log_update(self, samples: dict[str, torch.Tensor], figures: dict[str, float]) -> None:
        """Log what an update returned and the last episodes' means, under Stable-Baselines3's tags.

        ``OWN_TAGS`` holds the one that differs, since it measures something else.
        """
        learning = time.perf_counter() - self._seconds["end"]
        rollout = self.collector.figures()
        logged = {
            **rollout,
            **{
                f"train/{OWN_TAGS.get(name, name)}": value
                for name, value in {**figures, **self.agent.policy.figures()}.items()
            },
            "train/explained_variance": explained_variance(
                ptu.to_numpy(samples["values"]), ptu.to_numpy(samples["returns"])
            ),
            "time/fps": self._steps_each / (self._seconds["collect"] + learning),
        }
        if self.difficulty is not None:
            logged["rollout/difficulty"] = self.difficulty
        for name, value in logged.items():
            self.logger.log_scalar(value, name, self.done)
        if rollout:
            self.figures["return"] = rollout["rollout/ep_rew_mean"]

    def play(self, seed: int) -> tuple[np.ndarray, dict[str, float]]:
        """Play ``num_eval_episodes`` greedy episodes."""
        if self._eval_env is None:
            self._eval_env = self.config["make_envs"](num_envs=self.args.num_eval_episodes)
        returns, lengths, successes = play_episodes(self._eval_env, self.agent, seed, LONGEST_EPISODE)
        figures = {"eval/mean_reward": returns.mean(), "eval/mean_ep_length": lengths.mean()}
        if successes is not None:
            figures["eval/success_rate"] = successes.mean()
        return returns, figures

    def films(self, wanted: int) -> Iterator[np.ndarray]:
        """Pictures of greedy episodes."""
        env = self.config["make_render_env"]()
        self.film_fps = env.metadata.get("render_fps", 30)
        seed = seed_of(self.args.seed, self.done, "film")
        for episode in range(wanted):
            yield film_episode(env, self.agent, seed + episode, LONGEST_EPISODE)
        env.close()

    def settle(self) -> None:
        """Begin new episodes everywhere."""
        self.collector.restart(seed=seed_of(self.args.seed, self.done, "training"))
        if self.agent.reward_normalizer:
            self.agent.reward_normalizer.forget_episodes()

    def state(self) -> dict:
        """Agent, the last episodes' figures, and the difficulty."""
        return {
            "agent": self.agent.training_state(),
            "episodes": self.collector.state(),
            "difficulty": self.difficulty,
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.agent.load_training_state(state["agent"])
        self.collector.load_state(state["episodes"])
        self.difficulty = state["difficulty"]
        if self.difficulty is not None:  # the episodes that the checkpoint began were of this difficulty
            set_difficulty(self.env, self.difficulty)


def check_envs(config: dict) -> None:
    """Make the environments and a policy for them, and throw both away.

    Raises:
        ConfigError, ValueError: an unknown environment or argument, or spaces that PPO cannot work with.
    """
    env = config["make_envs"](num_envs=1)
    make_agent(config, env)
    env.close()


def make_agent(config: dict, env) -> PPOAgent:
    """An untrained agent for vector environments, with the run's settings."""
    policy = make_policy(env.single_observation_space, env.single_action_space, **config["policy_kwargs"])
    return PPOAgent(policy, **config["agent_kwargs"])


def load_agent(config: dict, log_dir: str | Path) -> PPOAgent:
    """The trained agent of a run's directory, with the statistics that normalise its observations.

    Args:
        config: the run's parts.
        log_dir: holds the checkpoint.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
    """
    env = config["make_envs"](num_envs=1)
    agent = make_agent(config, env)
    env.close()
    return load_trained(agent, log_dir)
