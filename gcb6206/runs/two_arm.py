"""A run of multi-agent PPO on two arms and one peg: the expert's states, rollouts that go on, success at the end.

With a ``start_fraction`` above 0 the expert plays some episodes first, and so many of the training's episodes begin at
one of its states: a curriculum from the end (Florensa et al. 2017), since some of these states are a step before
success. The fraction falls to 0. An evaluation's episodes begin where the task's do.

A checkpoint begins new episodes in all environments, from a seed that the run's seed and the step decide, whether the
run goes on or is killed there.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.envs.two_arm.cameras import FRONT
from gcb6206.envs.two_arm.env import ACTION_SIZE, AGENTS, OBSERVATION_SIZE
from gcb6206.envs.two_arm.expert import expert_states
from gcb6206.envs.two_arm.vector import TwoArmVectorEnv
from gcb6206.runs.frame import Run, load_trained, seed_of

REMEMBERED = 20  # episodes in the running means of what was played in training
EVALUATED_AT_ONCE = 10  # environments of an evaluation
FILM_SIZE = (240, 320)
FILM_STEPS = 120  # of an episode, the time after which little happens


class TwoArmRun(Run):
    """The parts of one training run, on one thread of the CPU, where networks of this size are fastest.

    Args:
        config: the run's parts, as ``TwoArmConfig().build()`` gives them.
        logger: a ``Logger`` or ``NullLogger``.
        args: besides what every run takes: ``num_eval_episodes``, and where given ``num_final_episodes``, those of the
            evaluation at the end.
    """

    film_title = "two_arms"

    def build(self) -> None:
        """Make environments and agent."""
        torch.set_num_threads(1)
        self.env = self.config["make_envs"](self.config["num_envs"])
        self.agent = make_agent(self.config, self.args.seed)
        self.film_fps = 20
        self._starts: np.ndarray | None = None
        self._eval_env = None  # made when the first evaluation is due
        self._each = self.config["num_envs"] * self.config["n_steps"]
        self.ended = {name: deque(maxlen=REMEMBERED) for name in ("return", "success")}

    def begin(self) -> None:
        """Let the expert play, where its states are wanted, and begin the first episodes."""
        if self.config["demonstrated"]:
            seed = seed_of(self.args.seed, "expert")
            self._starts = expert_states(*self.config["expert"], seed, self.config["env_kwargs"])
            self.done = self.config["demonstrated"]
        self.settle()

    @property
    def total(self) -> int:
        """Environment steps, all environments together, the expert's too."""
        return self.config["demonstrated"] + self.config["updates"] * self._each

    def settle(self) -> None:
        """Begin new episodes everywhere."""
        self.before()
        seed = seed_of(self.args.seed, self.done, "training") % 2**31
        self._observation, _ = self.env.reset(seed=seed)
        self._return = np.zeros(self.config["num_envs"])

    def before(self) -> None:
        """Set how many episodes begin at the expert's states."""
        first, until = self.config["starts"]
        self.start_fraction = max(0.0, first * (1.0 - self.done / (until * self.total)))
        if self._starts is not None:
            self.env.set_starts(self._starts, self.start_fraction)

    def collect(self) -> dict[str, torch.Tensor]:
        """Play a rollout; tensors ``(num_envs, n_steps, ...)``, as ``MAPPOAgent.prepare`` takes them."""
        self._begun = time.perf_counter()
        steps, noise = [], self.agent.noise(self.config["n_steps"], self.config["num_envs"])
        for t in range(self.config["n_steps"]):
            observation = torch.from_numpy(self._observation)
            action = self.agent.act(observation, noise[t])
            self._observation, reward, terminated, truncated, infos = self.env.step(action.numpy())
            following, over = self._observation, terminated | truncated
            self._return += reward
            if over.any():
                following = np.where(over[:, None, None], infos["final_obs"], following)
                self.ended["return"].extend(self._return[over].tolist())
                self.ended["success"].extend(infos["final_info"]["success"][over].tolist())
                self._return[over] = 0.0
            rewards = np.repeat(reward[:, None, None].astype(np.float32), len(AGENTS), axis=1)
            steps.append((observation, action, rewards, following, terminated[:, None], truncated[:, None]))
        names = ("observation", "action", "reward", "next_observation", "terminated", "truncated")
        batch = {
            name: torch.stack([torch.as_tensor(value) for value in column], dim=1)
            for name, column in zip(names, zip(*steps))
        }
        self.done += self._each
        self._collected = time.perf_counter()
        return {
            **batch,
            "begins": torch.zeros_like(batch["terminated"]),
        }  # read only where there is a history

    def log_update(self, figures: dict[str, float]) -> None:
        """Log what an update returned, the last episodes' means, and how long it took."""
        now = time.perf_counter()
        logged = {
            **{f"train/{name}": value for name, value in figures.items()},
            **{f"rollout/{name}": float(np.mean(values)) for name, values in self.ended.items() if values},
            "rollout/start_fraction": self.start_fraction,
            "time/fps": self._each / (now - self._begun),
            "time/learn_seconds": now - self._collected,
        }
        for name, value in logged.items():
            self.logger.log_scalar(value, name, self.done)
        if self.ended["return"]:
            self.figures["return"] = logged["rollout/return"]

    def play(self, seed: int) -> tuple[np.ndarray, dict[str, float]]:
        """Play ``num_eval_episodes`` episodes with the mean actions, or ``num_final_episodes`` at the end."""
        wanted = self.args.num_eval_episodes
        if self.done >= self.total:
            wanted = getattr(self.args, "num_final_episodes", None) or wanted
        if self._eval_env is None:
            self._eval_env = self.config["make_eval_envs"](min(wanted, EVALUATED_AT_ONCE))
        returns, ever, at_end = play_episodes(self._eval_env, self.agent, seed, wanted)
        return returns, {
            "eval/return": returns.mean(),
            "eval/return_lowest": returns.min(),
            "eval/success_at_end": at_end.mean(),
            "eval/success_ever": ever.mean(),
            "eval/episodes": wanted,
        }

    def films(self, wanted: int) -> Iterator[np.ndarray]:
        """Pictures of the first steps of episodes, with actions drawn from the policy."""
        with TwoArmVectorEnv(1, num_workers=0, **self.config["env_kwargs"]) as env:
            for number in range(wanted):
                seed = seed_of(self.args.seed, number, "film") % 2**31
                yield film_episode(env, self.agent, seed, FILM_STEPS)

    def state(self) -> dict:
        """The agent, the expert's states, and the last episodes' figures."""
        return {
            "agent": self.agent.training_state(),
            "starts": self._starts,
            "ended": {name: list(values) for name, values in self.ended.items()},
        }

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.agent.load_training_state(state["agent"])
        self._starts = None if state["starts"] is None else np.asarray(state["starts"])
        for name, values in state["ended"].items():
            self.ended[name].extend(values)

    def close(self) -> None:
        """End the environments' processes."""
        self.env.close()
        if self._eval_env is not None:
            self._eval_env.close()


def make_agent(config: dict, seed: int) -> MAPPOAgent:
    """An untrained agent, with the run's settings."""
    bound = torch.ones(len(AGENTS), ACTION_SIZE, device=config["device"])
    return MAPPOAgent(len(AGENTS), OBSERVATION_SIZE, -bound, bound, **config["agent_kwargs"], seed=seed)


def load_agent(config: dict, log_dir: str | Path) -> MAPPOAgent:
    """The trained agent of a run's directory.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
    """
    return load_trained(make_agent(config, seed=0), log_dir)


def play_episodes(
    env: TwoArmVectorEnv, agent: MAPPOAgent, seed: int, episodes: int, drawn: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Play episodes, some at once.

    Args:
        env: in state mode.
        agent: acts.
        seed: of the episodes, and of actions that are drawn.
        episodes: how many.
        drawn: draw the actions from the policy, as in training; otherwise take the mean ones, with which the peg may
            get stuck at the rim of the hole.

    Returns:
        Returns, whether there was success at some time, and in the last step, each ``(episodes,)``.
    """
    told, generator = [], torch.Generator().manual_seed(seed)
    noise = None
    for wave in range(-(-episodes // env.num_envs)):
        observation, _ = env.reset(seed=seed_of(seed, wave) % 2**31)
        returns, ever, at_end = (
            np.zeros(env.num_envs),
            np.zeros(env.num_envs, bool),
            np.zeros(env.num_envs, bool),
        )
        playing = np.ones(env.num_envs, bool)
        while playing.any():
            if drawn:
                noise = torch.randn(env.num_envs, len(AGENTS), ACTION_SIZE, generator=generator)
            action = agent.act(torch.from_numpy(observation), noise).numpy()
            observation, reward, terminated, truncated, infos = env.step(action)
            success = infos["success"]
            returns += reward * playing
            ever |= success & playing
            at_end = np.where(playing, success, at_end)
            playing &= ~(terminated | truncated)
        told.append((returns, ever, at_end))
    return tuple(np.concatenate(column)[:episodes] for column in zip(*told))


def film_episode(env: TwoArmVectorEnv, agent: MAPPOAgent, seed: int, steps: int) -> np.ndarray:
    """Pictures ``(steps, height, width, 3)`` of an episode's beginning, with actions drawn from the policy."""
    generator = torch.Generator().manual_seed(seed)
    observation, _ = env.reset(seed=seed)
    pictures = [env.camera(FRONT, *FILM_SIZE)]
    while len(pictures) < steps:
        noise = torch.randn(env.num_envs, len(AGENTS), ACTION_SIZE, generator=generator)
        observation, *_ = env.step(agent.act(torch.from_numpy(observation), noise).numpy())
        pictures.append(env.camera(FRONT, *FILM_SIZE))
    return np.array(pictures)
