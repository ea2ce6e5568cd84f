"""The environments of a graded training, played here: the student's side sees what they show and chooses what is done.

What disguises them stays here as well, so it can only be learned by playing.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

from autograder.student_side.text import clean

MOST_TEAMS, MOST_ENVS = 4, 512
SPARE = 3  # times as many steps as the training has may be played: evaluations are steps too


class Refusal(ValueError):
    """A question that makes no sense; the message tells the student's side."""


def _numbers(value: object) -> np.ndarray:
    """The array of nested lists of numbers.

    Raises:
        Refusal: something else stands there. One long text among many would become an array of gigabytes.
    """
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, list):
            left += item
        elif not isinstance(item, (bool, int, float)):
            raise Refusal(f"{clean(repr(item), 50)}: expected numbers")
    return np.asarray(value)


class World(ABC):
    """Answers the questions of `autograder.student_side.world`.

    Args:
        rng: decides where episodes begin.
        steps: of the whole training, all environments together.

    Attributes:
        steps: of the whole training.
        played: steps so far, all environments together.
        failure: what went wrong here, which is not the student's fault, or None.
    """

    def __init__(self, rng: np.random.Generator, steps: int):
        self._rng, self.steps = rng, steps
        self.played, self.failure = 0, None
        self._made: list = []

    def __call__(self, text: str) -> str:
        """The answer to one question; no exception leaves."""
        number = None
        try:
            question = json.loads(text)
            if not isinstance(question, dict):
                raise Refusal("a question is no dictionary")
            number = question.get("number")
            answer = self._answer(question)
        except (Refusal, ValueError, TypeError, RecursionError, OverflowError) as error:
            answer = {"refused": f"the environment refused this: {clean(str(error), 300)}"}
        except Exception as error:
            self.failure, answer = error, {"refused": "the environment broke"}
        return json.dumps({**answer, "number": number if isinstance(number, int) else None})

    def _answer(self, question: dict) -> dict:
        do, number = question.get("do"), question.get("id")
        if do == "make":
            count = question.get("num_envs")
            if len(self._made) >= MOST_TEAMS or type(count) is not int or not 1 <= count <= MOST_ENVS:
                raise Refusal(f"{count} environments, or more than {MOST_TEAMS} sets of them")
            self._made.append(self.make(count))
            return {"id": len(self._made) - 1}
        if type(number) is not int or not 0 <= number < len(self._made):
            raise Refusal(f"there is no environment {number}")
        env = self._made[number]
        if do == "reset":
            return self.reset(env)
        if do == "step":
            if self.played >= SPARE * self.steps:
                raise Refusal(f"more than {SPARE * self.steps} steps were played")
            told = self.step(env, question.get("actions"))
            self.played += self.size(env)  # what was refused is not played
            return told
        return self.other(env, do, question)

    @abstractmethod
    def make(self, num_envs: int) -> object:
        """So many environments."""

    @abstractmethod
    def size(self, env: object) -> int:
        """How many they are."""

    @abstractmethod
    def reset(self, env: object) -> dict:
        """What new episodes begin with."""

    @abstractmethod
    def step(self, env: object, actions: object) -> dict:
        """What a step of all shows."""

    def other(self, env: object, do: object, question: dict) -> dict:
        """What else can be asked."""
        raise Refusal(f"unknown request {str(do)[:50]!r}")


class CartPoleWorld(World):
    """CartPole in disguise: one for a training that steps one, or several with new episodes in the same step.

    Args:
        disguise: `mix` and `actions`, as `convergence.draw_disguise` gives them.
        single: whether the training steps one.
    """

    def __init__(self, rng: np.random.Generator, steps: int, disguise: dict, single: bool):
        super().__init__(rng, steps)
        self._mix, self._actions, self._single = disguise["mix"], disguise["actions"], single

    def make(self, num_envs: int) -> gym.Env | gym.vector.VectorEnv:
        """One environment, or a vector of them."""
        from gcb6206.envs.vector import SameStepCartPole

        seed = int(self._rng.integers(2**31))
        if self._single:
            env = gym.wrappers.TimeLimit(CartPoleEnv(), 500)
        else:
            env = SameStepCartPole(num_envs, max_episode_steps=500)
        env.reset(seed=seed)
        return env

    def size(self, env: gym.Env | gym.vector.VectorEnv) -> int:
        """How many they are."""
        return 1 if self._single else env.num_envs

    def reset(self, env: gym.Env | gym.vector.VectorEnv) -> dict:
        """What new episodes begin with."""
        return {"observation": self._shown(env.reset()[0])}

    def step(self, env: gym.Env | gym.vector.VectorEnv, actions: object) -> dict:
        """One step of each."""
        chosen = _numbers(actions)
        shape = () if self._single else (env.num_envs,)
        if chosen.shape != shape or chosen.dtype.kind not in "iu" or not ((chosen >= 0) & (chosen < 2)).all():
            raise Refusal(f"actions {str(actions)[:100]}: expected 0 or 1, shape {shape}")
        done = self._actions[chosen]
        observation, reward, terminated, truncated, info = env.step(int(done) if self._single else done)
        told = {
            "observation": self._shown(observation),
            "reward": np.asarray(reward, float).tolist(),
            "terminated": np.asarray(terminated).tolist(),
            "truncated": np.asarray(truncated).tolist(),
        }
        return told | ({"final_obs": self._shown(info["final_obs"])} if "final_obs" in info else {})

    def _shown(self, observation: np.ndarray) -> list:
        return (np.asarray(observation, np.float32) @ self._mix).tolist()


class BreakoutWorld(World):
    """The course's small Breakout in disguise.

    Args:
        disguise: as `breakout.draw_disguise` gives it.
    """

    def __init__(self, rng: np.random.Generator, steps: int, disguise: dict):
        super().__init__(rng, steps)
        self._disguise = disguise

    def make(self, num_envs: int) -> gym.Env:
        """One game."""
        from gcb6206.envs.small_breakout import SmallBreakoutEnv

        env = gym.wrappers.TimeLimit(SmallBreakoutEnv(), 1000)
        env.reset(seed=int(self._rng.integers(2**31)))
        return env

    def size(self, env: gym.Env) -> int:
        """How many they are."""
        return 1

    def reset(self, env: gym.Env) -> dict:
        """What a new episode begins with."""
        return {"observation": self._shown(env.reset()[0])}

    def step(self, env: gym.Env, actions: object) -> dict:
        """One step."""
        chosen, count = _numbers(actions), len(self._disguise["actions"])
        if chosen.shape != () or chosen.dtype.kind not in "iu" or not 0 <= chosen < count:
            raise Refusal(f"action {str(actions)[:100]}: expected a whole number from 0 to {count - 1}")
        observation, reward, terminated, truncated, _ = env.step(int(self._disguise["actions"][chosen]))
        return {
            "observation": self._shown(observation),
            "reward": reward,
            "terminated": terminated,
            "truncated": truncated,
        }

    def _shown(self, picture: np.ndarray) -> str:
        return np.packbits(disguised(picture, self._disguise)).tobytes().hex()


def disguised(pictures: np.ndarray, disguise: dict) -> np.ndarray:
    """Pictures `(..., height, width, layers)` turned by quarters, mirrored, and with their layers in another order."""
    turned = np.rot90(pictures[..., disguise["layers"]], disguise["quarters"], axes=(-3, -2))
    return turned[..., ::-1, :] if disguise["mirrored"] else turned


class NavigationWorld(World):
    """VMAS's navigation in disguise, as the training of homework 4 plays it.

    Args:
        disguise: `mix` and `actions`, as `navigation.draw_disguise` gives them.
        training: fields of MAPPOConfig.
    """

    def __init__(self, rng: np.random.Generator, steps: int, disguise: dict, training: dict):
        super().__init__(rng, steps)
        import torch

        self._torch, self._training = torch, training
        self._mix, self._actions = (torch.from_numpy(disguise[name].copy()) for name in ("mix", "actions"))

    def make(self, num_envs: int) -> object:
        """A team."""
        from gcb6206.envs.vmas import VmasTeam

        names = ("scenario_name", "n_agents", "scenario_kwargs")
        return VmasTeam(num_envs=num_envs, **{name: self._training[name] for name in names})

    def size(self, env: object) -> int:
        """How many environments the team has."""
        return env.num_envs

    def reset(self, env: object) -> dict:
        """What new episodes begin with."""
        return {"observation": self._shown(env.reset(int(self._rng.integers(2**31))))}

    def step(self, env: object, actions: object) -> dict:
        """One step of all environments."""
        chosen, shape = _numbers(actions), (env.num_envs, env.n_agents, env.action_size)
        if chosen.shape != shape or chosen.dtype.kind not in "iuf" or not np.isfinite(chosen).all():
            raise Refusal(
                f"actions of shape {chosen.shape}, {chosen.dtype}: expected finite numbers, {shape}"
            )
        done = self._torch.from_numpy(chosen.astype(np.float32)).clamp(-1.0, 1.0) @ self._actions
        observation, reward, terminated = env.step(done)
        return {
            "observation": self._shown(observation),
            "reward": reward.tolist(),
            "terminated": terminated.tolist(),
        }

    def other(self, env: object, do: object, question: dict) -> dict:
        """New episodes in some environments."""
        which = _numbers(question.get("which"))
        if do != "begin_anew" or which.shape != (env.num_envs,) or which.dtype.kind != "b":
            raise Refusal(f"unknown request {str(do)[:50]!r}, or not one truth value for each environment")
        return {"observation": self._shown(env.begin_anew(self._torch.from_numpy(which)))}

    def _shown(self, observation: object) -> list:
        return (observation @ self._mix).tolist()
