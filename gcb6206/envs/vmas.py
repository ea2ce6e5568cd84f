"""Teams of agents in VMAS's vectorised scenarios, as plain tensors ``(batch, time, agents, features)``.

The shapes are TorchRL's: a reward has the agents' axis and a last axis of one, ``done`` belongs to the whole
environment and has no agents' axis until ``expand_done`` gives it one.

VMAS marks no time limit of its own here: an episode that reaches ``max_steps`` is truncated, not terminated.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import re
import warnings

import numpy as np
import torch
import torch.nn.functional as F

from gcb6206.errors import ConfigError, nearest
from gcb6206.exercises import exercise

DEFAULT_N_AGENTS = 3


@exercise("hw2.num_envs")
def num_envs(frames_per_batch: int, max_steps: int) -> int:
    """How many environments side by side fill a batch when each plays one whole episode.

    Args:
        frames_per_batch: frames of one batch, all environments together; one frame is one step of one
            environment, however many agents act in it.
        max_steps: the longest episode.

    Returns:
        An int, at least 1.

    Raises:
        ValueError: ``frames_per_batch`` is no positive multiple of ``max_steps``; the message names both and
            the nearest positive multiple. A subclass of ValueError does as well.
    """


@exercise("hw2.expand_done")
def expand_done(done: torch.Tensor, n_agents: int) -> torch.Tensor:
    """Repeat an environment's flag for each of its agents, so that it has the shape of their rewards.

    Args:
        done: ``(batch, time, 1)`` bool.
        n_agents: how many agents.

    Returns:
        ``(batch, time, n_agents, 1)`` bool; every agent's entry is its environment's. ``done`` stays as it is.
    """


@exercise("hw2.episode_reward_sum")
def episode_reward_sum(reward: torch.Tensor, done: torch.Tensor) -> float:
    """The mean return of the episodes that ended in a batch: rewards summed over each, taken where it ends.

    Every environment begins its first episode with the batch, and the next one with the step after each end.
    What has not ended does not count; every ended episode counts the same, whatever its return. The arguments
    stay as they are.

    Args:
        reward: ``(batch, time, n_agents, 1)``, of any sign.
        done: ``(batch, time, n_agents, 1)`` bool, the step ended the agent's episode.

    Returns:
        The mean over all ended episodes and agents, one number; NaN where none ended.
    """


class VmasTeam:
    """Vectorised environments of one scenario.

    Observations and actions of unequal agents are filled up to the largest; what is filled up is 0 in an
    observation and never reaches the environment in an action.

    Args:
        scenario_name: a VMAS scenario, such as ``navigation`` or ``simple_spread``.
        num_envs: environments side by side.
        device: where they are simulated.
        n_agents: the team's size; None takes 3 where the scenario lets one choose, and its own elsewhere.
        scenario_kwargs: further arguments of the scenario.

    Attributes:
        n_agents, observation_size, action_size: of the team; the sizes are the largest agent's.
        low, high: bounds of the actions, ``(n_agents, action_size)``.

    Raises:
        ConfigError: an unknown scenario or argument, a number of agents that the scenario cannot have, or
            observations that are no vectors.
    """

    def __init__(
        self,
        scenario_name: str,
        num_envs: int,
        device: torch.device | str = "cpu",
        n_agents: int | None = None,
        scenario_kwargs: dict | None = None,
    ):
        kwargs = scenario_arguments(scenario_name, n_agents, scenario_kwargs or {})
        self.scenario_name, self.num_envs, self.device = scenario_name, num_envs, torch.device(device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.vmas = _vmas().make_env(scenario_name, num_envs, self.device, seed=0, **kwargs)
        self.n_agents = self.vmas.n_agents
        if n_agents is not None and self.n_agents != n_agents:
            raise ConfigError(
                f"n_agents is {n_agents}, but {scenario_name} always has {self.n_agents} agents: leave "
                "--n-agents out"
            )
        spaces = self.vmas.observation_space
        if any(len(getattr(space, "shape", None) or ()) != 1 for space in spaces):
            raise ConfigError(
                f"the observations of {scenario_name} are {spaces}: the trainer needs one vector for each agent"
            )
        self._action_sizes = [space.shape[0] for space in self.vmas.action_space]
        self.observation_size = max(space.shape[0] for space in spaces)
        self.action_size = max(self._action_sizes)
        self.low, self.high = (
            torch.stack(
                [
                    self._filled(torch.as_tensor(bound(space), device=self.device), self.action_size, value)
                    for space in self.vmas.action_space
                ]
            )
            for bound, value in ((lambda s: s.low, -1.0), (lambda s: s.high, 1.0))
        )

    def reset(self, seed: int) -> torch.Tensor:
        """Begin a new episode in every environment: observations ``(num_envs, n_agents, features)``.

        VMAS keeps one random stream for all environments of a process. It begins anew here, so nothing that
        other environments did before can be seen afterwards.
        """
        return self._stacked(self.vmas.reset(seed=seed))

    def step(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """One step of all environments; none begins anew by itself.

        Args:
            actions: ``(num_envs, n_agents, action_size)`` within the bounds.

        Returns:
            Observations ``(num_envs, n_agents, features)``, rewards ``(num_envs, n_agents, 1)`` and terminated
            ``(num_envs, 1)`` bool.
        """
        listed = [actions[:, i, :size] for i, size in enumerate(self._action_sizes)]
        observations, rewards, terminated, _ = self.vmas.step(listed)
        # some scenarios reward with (num_envs,), others with (num_envs, 1)
        reward = torch.stack([r.reshape(self.num_envs, 1) for r in rewards], dim=1)
        return self._stacked(observations), reward, terminated.reshape(self.num_envs, 1)

    def begin_anew(self, which: torch.Tensor) -> torch.Tensor:
        """Begin a new episode in some environments: the observations of all.

        Args:
            which: ``(num_envs,)`` bool.
        """
        for index in which.nonzero().flatten().tolist():
            self.vmas.reset_at(index, return_observations=False)
        (observations,) = self.vmas.get_from_scenario(
            get_observations=True, get_rewards=False, get_infos=False, get_dones=False
        )
        return self._stacked(observations)

    def picture(self) -> np.ndarray:
        """The first environment's state, ``(height, width, 3)`` uint8.

        Raises:
            ConfigError: this machine cannot draw.
        """
        try:
            return np.asarray(self.vmas.render(mode="rgb_array", env_index=0))
        except Exception as error:  # pyglet raises many kinds where there is neither EGL nor a display
            raise ConfigError(
                f"no pictures of {self.scenario_name} here ({error}): install EGL (apt-get install libegl1 "
                "libgl1) or leave --num-render out"
            ) from error

    def _stacked(self, observations: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([self._filled(o, self.observation_size, 0.0) for o in observations], dim=1)

    @staticmethod
    def _filled(values: torch.Tensor, size: int, value: float) -> torch.Tensor:
        return F.pad(values, (0, size - values.shape[-1]), value=value) if values.shape[-1] < size else values


def scenario_names() -> list[str]:
    """Every scenario that VMAS brings."""
    vmas = _vmas()
    return sorted([*vmas.scenarios, *vmas.mpe_scenarios, *vmas.debug_scenarios])


def _vmas():
    """The package, imported when it is first needed: that takes a while, and not every program has a team."""
    with contextlib.redirect_stderr(io.StringIO()):  # VMAS imports gym, which says that it is not maintained
        return importlib.import_module("vmas")


def scenario_arguments(scenario_name: str, n_agents: int | None, scenario_kwargs: dict) -> dict:
    """What the scenario is made with, after refusing what it does not take."""
    known = scenario_names()
    if scenario_name not in known:
        raise ConfigError(f"unknown scenario {scenario_name!r}: {nearest(scenario_name, known)}")
    scenario = importlib.import_module("vmas.scenarios").load(f"{scenario_name}.py").Scenario
    taken = re.findall(r"kwargs\.(?:pop|get)\(\s*[\"'](\w+)[\"']", inspect.getsource(scenario.make_world))
    for name in scenario_kwargs:
        if name not in taken or name == "n_agents":
            raise ConfigError(
                f"{scenario_name} takes no argument {name!r}: {nearest(name, sorted(set(taken)))}"
            )
    if "n_agents" in taken:
        return {"n_agents": n_agents or DEFAULT_N_AGENTS, **scenario_kwargs}
    return dict(scenario_kwargs)
