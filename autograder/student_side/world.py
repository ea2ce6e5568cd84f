"""The environments of a graded training, which are played where the judge is: this side sees what they show, no more.

A training that could look into its environment could tell how it is disguised without learning anything. So questions
and answers pass as JSON between the probe and the judge's world (`autograder/trusted/judges/worlds.py`).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Callable, Iterator

import gymnasium as gym
import numpy as np

NAME = (
    b"gcb6206-world"  # of the judge's end of the kernel's stdin channel, which carries questions and answers
)
_POLL = 20  # milliseconds, between which an interrupt is heeded
_numbers = itertools.count()
_here: Callable[[str], str] | None = None  # the judge's world, where it lives in this very process


@contextlib.contextmanager
def hosted(world: Callable[[str], str] | None) -> Iterator[None]:
    """While it holds, questions are answered in this process."""
    global _here
    before, _here = _here, world
    try:
        yield
    finally:
        _here = before


def ask(**question: object) -> dict:
    """One question to the world, such as what a step shows.

    Raises:
        RuntimeError: the world refuses it; the message says why.
    """
    question["number"] = number = next(_numbers)
    text = json.dumps(question)
    answer = {}
    while answer.get("number") != number:  # an interrupted question may have left its answer
        answer = json.loads(_here(text) if _here else _asked_outside(text))
    if "refused" in answer:
        raise RuntimeError(answer["refused"])
    return answer


def _asked_outside(text: str) -> bytes:
    from IPython import get_ipython

    socket = get_ipython().kernel.stdin_socket
    socket.send_multipart([NAME, text.encode()])
    while not socket.poll(_POLL):
        pass
    return socket.recv_multipart()[-1]


class PlayedElsewhere(gym.Wrapper):
    """An environment with a vector of observations and numbered actions, played by the judge."""

    def __init__(self, env: gym.Env):
        super().__init__(env)
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, env.observation_space.shape, np.float32)
        self._id = ask(do="make", num_envs=1)["id"]

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """A new episode; the judge draws where it begins."""
        return _floats(ask(do="reset", id=self._id)["observation"]), {}

    def step(self, action: object) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step."""
        told = ask(do="step", id=self._id, actions=np.asarray(action).tolist())
        return _floats(told["observation"]), told["reward"], told["terminated"], told["truncated"], {}


class PicturesPlayedElsewhere(gym.Wrapper):
    """An environment with pictures of zeros and ones and numbered actions, played by the judge."""

    def __init__(self, env: gym.Env):
        super().__init__(env)
        self._id = ask(do="make", num_envs=1)["id"]

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """A new episode; the judge draws where it begins."""
        return self._picture(ask(do="reset", id=self._id)), {}

    def step(self, action: object) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step."""
        told = ask(do="step", id=self._id, actions=np.asarray(action).tolist())
        return self._picture(told), told["reward"], told["terminated"], told["truncated"], {}

    def _picture(self, told: dict) -> np.ndarray:
        """A picture out of the hexadecimal digits of its bits."""
        shape = self.observation_space.shape
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(told["observation"]), np.uint8))
        return bits[: math.prod(shape)].reshape(shape)


class VectorPlayedElsewhere(gym.vector.VectorWrapper):
    """Several such environments, which begin anew in the step that ends an episode."""

    def __init__(self, env: gym.vector.VectorEnv):
        super().__init__(env)
        self._id = ask(do="make", num_envs=env.num_envs)["id"]

    def reset(self, *, seed: object = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """New episodes; the judge draws where they begin."""
        return _floats(ask(do="reset", id=self._id)["observation"]), {}

    def step(self, actions: object) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:
        """One step of each."""
        told = ask(do="step", id=self._id, actions=np.asarray(actions).tolist())
        over = np.array(told["terminated"]) | np.array(told["truncated"])
        info = {"final_obs": _floats(told["final_obs"]), "_final_obs": over} if over.any() else {}
        return (
            _floats(told["observation"]),
            _floats(told["reward"]),
            np.array(told["terminated"]),
            np.array(told["truncated"]),
            info,
        )


def _floats(values: object) -> np.ndarray:
    return np.array(values, dtype=np.float32)
