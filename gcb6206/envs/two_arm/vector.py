"""Many pairs of arms in a few processes, stepped as one; each begins a new episode in the very step that ends one.

The physics of one step take about 1.2 ms of a core, so every processor gets a process, and each process several arms.
What comes back depends on the seed alone, not on the number of processes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import traceback
import weakref

import numpy as np

from gcb6206.envs.two_arm.env import ACTION_SIZE, AGENTS, TwoArmPegInHole
from gcb6206.errors import ConfigError


class TwoArmVectorEnv:
    """``num_envs`` environments, with the agents' axis second: ``(num_envs, 2, ...)``.

    Autoreset is Gymnasium's ``SAME_STEP``: where an episode ends, the observation returned is the next episode's first,
    and its own last one is in ``infos["final_obs"]``, its last success in ``infos["final_info"]``.

    Args:
        num_envs: how many.
        num_workers: processes; 0 steps all in this one; None takes one for each processor, at most ``num_envs``.
        env_kwargs: of each ``TwoArmPegInHole``.

    Attributes:
        observation_space, action_space: of one agent.
        max_episode_steps: of each environment.

    Raises:
        ConfigError: an argument out of range; the message names it.
    """

    def __init__(self, num_envs: int, num_workers: int | None = None, **env_kwargs):
        if num_envs < 1:
            raise ConfigError(f"num_envs is {num_envs}: expected at least 1")
        if num_workers is None:
            num_workers = os.cpu_count() or 1
        if num_workers < 0:
            raise ConfigError(f"num_workers is {num_workers}: expected at least 0")
        self.num_envs, self.num_agents = num_envs, len(AGENTS)
        self.num_workers = min(num_workers, num_envs)
        trial = _Group(range(1), env_kwargs)  # raises here what would fail there
        env = trial.envs[0]
        self.observation_space, self.action_space = (
            env.observation_space(AGENTS[0]),
            env.action_space(AGENTS[0]),
        )
        self.max_episode_steps = env.max_episode_steps
        parts = np.array_split(np.arange(num_envs), max(1, self.num_workers))
        self._slices = [slice(part[0], part[-1] + 1) for part in parts]
        if self.num_workers == 0:
            self._workers = [_Here(range(num_envs), env_kwargs)]
        else:
            context = multiprocessing.get_context(
                "spawn"
            )  # a fork would inherit threads and a rendering context
            self._workers = [_Worker(context, part.tolist(), env_kwargs) for part in parts]
        self._finalizer = weakref.finalize(self, _close, self._workers)

    def reset(self, seed: int | None = None):
        """Begin new episodes everywhere; environment i takes seed + i.

        Returns:
            Observations ``(num_envs, 2, ...)``: float32, or in images mode a dictionary; and infos: ``success``
            ``(num_envs,)`` bool and ``state`` ``(num_envs, 109)`` float32, the global state.
        """
        observation, infos = _joined(self._all("reset", seed))
        return observation, infos

    def step(self, action: np.ndarray):
        """One step everywhere.

        Args:
            action: ``(num_envs, 2, 6)``.

        Returns:
            Observations; rewards ``(num_envs,)`` float64, the teams'; terminated and truncated ``(num_envs,)`` bool;
            infos: ``success`` and ``state`` as from ``reset`` (success of the step taken, state of the observation
            returned), and where an episode ended ``final_obs``, ``final_info`` (``success``, ``state``, each with one
            row for every environment) and the mask ``_final_obs``.
        """
        action = np.asarray(action, np.float64)
        if action.shape != (self.num_envs, self.num_agents, ACTION_SIZE):
            expected = (self.num_envs, self.num_agents, ACTION_SIZE)
            raise ValueError(f"actions have shape {action.shape}: expected {expected}")
        observation, reward, terminated, truncated, infos = _joined(
            self._all("step", *([action[part] for part in self._slices],), each=True)
        )
        if not infos["_final_obs"].any():
            for name in ("final_obs", "final_info", "_final_obs"):
                del infos[name]
        return observation, reward, terminated, truncated, infos

    def set_starts(self, states: np.ndarray | None, fraction: float) -> None:
        """Let a fraction of the episodes that begin from now on begin at one of these states ``(n, STATE_SIZE)``."""
        if not 0.0 <= fraction <= 1.0:
            raise ConfigError(f"fraction is {fraction}: expected a number from 0 to 1")
        self._all("set_starts", states, fraction)

    def states(self) -> np.ndarray:
        """Each simulation's whole state, ``(num_envs, STATE_SIZE)`` float64."""
        return np.concatenate(self._all("states"))

    def camera(self, name: str, height: int, width: int, visual: bool = True) -> np.ndarray:
        """What a camera of the first environment sees now, ``(height, width, 3)`` uint8."""
        worker = self._workers[0]
        worker.send("camera", (name, height, width, visual))
        return worker.receive()

    def close(self) -> None:
        """End the processes; again does nothing."""
        self._finalizer()

    def __enter__(self) -> TwoArmVectorEnv:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _all(self, command: str, *arguments, each: bool = False) -> list:
        """What every worker answers; with ``each`` the one argument is a list with an entry for each worker."""
        if not self._finalizer.alive:
            raise ValueError("these environments are closed: make others")
        for i, worker in enumerate(self._workers):
            worker.send(command, (arguments[0][i],) if each else arguments)
        return [worker.receive() for worker in self._workers]


class _Group:
    """Some of the environments, in this process."""

    def __init__(self, numbers, env_kwargs: dict):
        self.numbers = list(numbers)
        self.envs = [TwoArmPegInHole(**env_kwargs) for _ in self.numbers]

    def reset(self, seed: int | None):
        seeds = [None if seed is None else seed + number for number in self.numbers]
        observations, infos = zip(*(env.begin(s) for env, s in zip(self.envs, seeds)))
        return _stacked(observations), self._infos(infos)

    def step(self, action: np.ndarray):
        taken = [env.advance(a) for env, a in zip(self.envs, action)]
        observations, rewards, terminated, truncated, infos = map(list, zip(*taken))
        ended = np.array(terminated) | np.array(truncated)
        final_obs = _stacked(observations)
        final_info = self._infos(infos)
        for i in np.flatnonzero(ended):
            observations[i], _ = self.envs[i].begin()
        state = np.stack([env.state() for env in self.envs]) if ended.any() else final_info["state"]
        infos = {
            "success": final_info["success"],
            "state": state,
            "final_obs": final_obs,
            "final_info": final_info,
            "_final_obs": ended,
        }
        return _stacked(observations), np.array(rewards), np.array(terminated), np.array(truncated), infos

    def set_starts(self, states: np.ndarray | None, fraction: float) -> None:
        for env in self.envs:
            env.start_states, env.start_fraction = states, fraction

    def states(self) -> np.ndarray:
        return np.stack([env.simulation.state() for env in self.envs])

    def camera(self, *arguments) -> np.ndarray:
        return np.ascontiguousarray(self.envs[0].camera(*arguments))

    def _infos(self, infos) -> dict:
        state = np.stack([env.state() for env in self.envs])
        return {"success": np.array([info["success"] for info in infos]), "state": state}


class _Here:
    """A group behind the interface of a worker."""

    def __init__(self, numbers, env_kwargs: dict):
        self._group = _Group(numbers, env_kwargs)

    def send(self, command: str, arguments: tuple) -> None:
        self._answer = getattr(self._group, command)(*arguments)

    def receive(self):
        return self._answer

    def close(self) -> None:
        pass


class _Worker:
    """A group in a process of its own."""

    def __init__(self, context, numbers: list[int], env_kwargs: dict):
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, numbers, env_kwargs), daemon=True)
        self._process.start()
        other.close()

    def send(self, command: str, arguments: tuple) -> None:
        with contextlib.suppress(OSError):  # a process that died is met by receive
            self._pipe.send((command, arguments))

    def receive(self):
        try:
            failed, answer = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(5)
            raise RuntimeError(
                f"a process of the environments ended with status {self._process.exitcode}: memory may have run out, "
                "so take fewer environments or workers"
            ) from None
        if failed:
            raise RuntimeError(f"in a process of the environments:\n{answer}")
        return answer

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe, numbers: list[int], env_kwargs: dict) -> None:
    """A worker's life: answer commands until told to stop, or until who asked is gone."""
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        try:
            group = _Group(numbers, env_kwargs)
        except BaseException:
            pipe.recv()
            pipe.send((True, traceback.format_exc()))
            return
        while (message := pipe.recv()) is not None:
            command, arguments = message
            try:
                answer = (False, getattr(group, command)(*arguments))
            except Exception:
                answer = (True, traceback.format_exc())
            pipe.send(answer)


def _close(workers: list) -> None:
    for worker in workers:
        worker.close()


def _stacked(values):
    """A batch of arrays, or of dictionaries of arrays."""
    if isinstance(values[0], dict):
        return {name: np.stack([value[name] for value in values]) for name in values[0]}
    return np.stack(values)


def _joined(answers: list):
    """Workers' answers, tuples and dictionaries of arrays, joined along the first axis."""
    first = answers[0]
    if isinstance(first, tuple):
        return tuple(_joined([answer[i] for answer in answers]) for i in range(len(first)))
    if isinstance(first, dict):
        return {name: _joined([answer[name] for answer in answers]) for name in first}
    return np.concatenate(answers)
