"""TwoArmPegInHole as a parallel environment of PettingZoo: two agents, one for each arm, one reward.

    state:   each agent observes what its arm feels (46) and where peg and hole are (17), scaled
    images:  each agent observes its cameras and what its arm feels, now and before

Success does not end an episode, unless ``end_at_success`` is set. With the dense reward that option is a trap: an
episode that goes on pays 0.74 a step for holding the peg straight before the hole and up to 1 inside it; one that ends
at success pays nothing more. So the best policy stays outside, as the chapter on this task shows.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from gcb6206.envs.two_arm.cameras import FRONT, LARGEST_PICTURE, WRISTS, cameras
from gcb6206.envs.two_arm.simulation import OBJECT_SIZE, PROPRIO_SIZE, Simulation
from gcb6206.errors import ConfigError, nearest

AGENTS = ("robot0", "robot1")  # robosuite's names: peg, plate
ACTION_SIZE = 6
OBSERVATIONS = ("state", "images")
OBSERVATION_SIZE = PROPRIO_SIZE + OBJECT_SIZE
LARGEST_OBSERVATION = 10.0
# What an agent's state is divided by: accelerations by 20 rad/s^2, lengths between peg and hole by 0.2 m, else 1.
PROPRIO_SCALE = np.repeat([1.0, 20.0, 1.0], [28, 7, 11])
OBJECT_SCALE = np.repeat([1.0, 0.2, 1.0, 0.2], [7, 3, 5, 2])


class TwoArmPegInHole(ParallelEnv):
    """The task.

    Args:
        observation: ``state`` or ``images``.
        reward_shaping: robosuite's dense reward; otherwise 1 for each step in success.
        max_episode_steps: an episode is truncated then.
        end_at_success: an episode terminates at success: mind the trap above.
        new_radius: draw the peg's radius anew for each episode, as robosuite does with ``hard_reset=True``, by changing
            the model in place (1 ms, not 250); False keeps one, as robosuite with ``hard_reset=False``.
        history_length: observations that images mode shows, the newest and those before it.
        image_size: pixels of a side.
        render_mode: None or ``rgb_array``.

    Attributes:
        start_states: states ``(n, STATE_SIZE)`` of which an episode may begin with one; None for none.
        start_fraction: the probability that it does.

    Raises:
        ConfigError: an argument out of range; the message names it.
        ImportError: robosuite or OpenGL is missing; the message says what to install.
    """

    metadata = {
        "name": "two_arm_peg_in_hole_v0",
        "render_modes": ["rgb_array"],
        "render_fps": 20,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        observation: str = "state",
        reward_shaping: bool = True,
        max_episode_steps: int = 500,
        end_at_success: bool = False,
        new_radius: bool = True,
        history_length: int = 2,
        image_size: int = 64,
        render_mode: str | None = None,
    ):
        if observation not in OBSERVATIONS:
            raise ConfigError(f"observation is {observation!r}: {nearest(observation, OBSERVATIONS)}")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigError(f"render_mode is {render_mode!r}: expected None or 'rgb_array'")
        for name, value, most in (
            ("max_episode_steps", max_episode_steps, np.inf),
            ("history_length", history_length, np.inf),
            ("image_size", image_size, min(LARGEST_PICTURE)),
        ):
            if not 1 <= value <= most:
                raise ConfigError(
                    f"{name} is {value}: expected at least 1" + (f", at most {most}" if most < np.inf else "")
                )
        self.observation, self.reward_shaping, self.render_mode = observation, reward_shaping, render_mode
        self.max_episode_steps, self.end_at_success = max_episode_steps, end_at_success
        self.new_radius, self.history_length, self.image_size = new_radius, history_length, image_size
        self.possible_agents, self.agents = list(AGENTS), []
        self.simulation = Simulation()
        self.start_states: np.ndarray | None = None
        self.start_fraction = 0.0
        self.rng, _ = seeding.np_random(None)
        self.steps = 0
        self._frames: list[dict[str, np.ndarray]] = []
        pairs = [self._spaces() for _ in AGENTS]  # an own one for each agent, since each has a random stream
        self._observation_spaces, self._action_spaces = (dict(zip(AGENTS, kind)) for kind in zip(*pairs))

    def observation_space(self, agent: str) -> spaces.Space:
        """Of one agent: ``Box (63,)``, or ``Dict`` with ``images (2 * history_length, size, size, 3)`` uint8 and
        ``proprio (history_length, 46)``.

        Images come in the order front, wrist, then both of the step before; proprio is robosuite's, not scaled.
        """
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Box:
        """Of one agent: how far its hand goes, and how far it turns, in its arm's base frame."""
        return self._action_spaces[agent]

    def _spaces(self) -> tuple[spaces.Space, spaces.Box]:
        action = spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)
        if self.observation == "state":
            bound = LARGEST_OBSERVATION
            return spaces.Box(-bound, bound, (OBSERVATION_SIZE,), np.float32), action
        pictures = (2 * self.history_length, self.image_size, self.image_size, 3)
        return spaces.Dict({
            "images": spaces.Box(0, 255, pictures, np.uint8),
            "proprio": spaces.Box(-np.inf, np.inf, (self.history_length, PROPRIO_SIZE), np.float32),
        }), action  # fmt: skip

    @property
    def state_space(self) -> spaces.Box:
        """Of ``state``."""
        bound = LARGEST_OBSERVATION
        return spaces.Box(-bound, bound, (2 * PROPRIO_SIZE + OBJECT_SIZE,), np.float32)

    def state(self) -> np.ndarray:
        """The whole task for a central critic, ``(109,)`` float32: both arms' proprio and the object state, scaled."""
        return _scaled(
            self.simulation.proprio() / PROPRIO_SCALE, self.simulation.object_state() / OBJECT_SCALE
        )

    # Arrays over the agents: what the batched environments use

    def begin(self, seed: int | None = None, options: dict | None = None):
        """Begin an episode.

        Args:
            seed: begins the random stream anew; None goes on with it.
            options: ``state``, one of a ``Simulation``, to begin there.

        Returns:
            Observations of both agents, ``(2, ...)``, and info: ``success``.
        """
        if seed is not None:
            self.rng, _ = seeding.np_random(seed)
        state = (options or {}).get("state")
        if state is None and self.start_states is not None and self.rng.random() < self.start_fraction:
            state = self.start_states[self.rng.integers(len(self.start_states))]
        if state is None:
            self.simulation.reset(self.rng, self.new_radius)
        else:
            self.simulation.set_state(state)
        self.steps = 0
        self._frames = []
        return self._observe(), {"success": self.simulation.success()}

    def advance(self, action: np.ndarray):
        """One step of 0.05 s.

        Args:
            action: ``(2, 6)``; what is beyond -1 or 1 is clipped.

        Returns:
            Observations ``(2, ...)``, the team's reward, terminated, truncated, and info: ``success``.

        Raises:
            ValueError: an action of another shape, or with NaN.
        """
        action = np.asarray(action, np.float64)
        if action.shape != (len(AGENTS), ACTION_SIZE) or np.isnan(action).any():
            raise ValueError(f"action is {action}: expected numbers of shape ({len(AGENTS)}, {ACTION_SIZE})")
        self.simulation.step(np.ascontiguousarray(action))
        self.steps += 1
        success = self.simulation.success()
        terminated = self.end_at_success and success
        truncated = not terminated and self.steps >= self.max_episode_steps
        return (
            self._observe(),
            self.simulation.reward(self.reward_shaping),
            terminated,
            truncated,
            {"success": success},
        )

    def _observe(self):
        proprio = self.simulation.proprio()
        if self.observation == "state":
            shared = self.simulation.object_state() / OBJECT_SCALE
            return np.stack([_scaled(own, shared) for own in proprio / PROPRIO_SCALE])
        front, *wrists = (self.camera(name, self.image_size, self.image_size) for name in (FRONT, *WRISTS))
        pictures = np.stack([[front, wrist] for wrist in wrists])  # (agents, 2, size, size, 3)
        frame = {"images": pictures, "proprio": proprio[:, None].astype(np.float32)}
        self._frames = [frame, *(self._frames or [frame] * self.history_length)][: self.history_length]
        return {name: np.concatenate([f[name] for f in self._frames], axis=1) for name in frame}

    # PettingZoo's interface

    def reset(self, seed: int | None = None, options: dict | None = None):
        """Begin an episode: see ``begin``; observations and infos by agent."""
        observations, info = self.begin(seed, options)
        self.agents = list(AGENTS)
        return _by_agent(observations), {agent: dict(info) for agent in AGENTS}

    def step(self, actions: dict[str, np.ndarray]):
        """One step: see ``advance``; observations, rewards, terminations, truncations and infos by agent."""
        if not self.agents:
            raise ValueError("the episode is over: call reset() before step()")
        observations, *shared, info = self.advance(np.stack([actions[agent] for agent in AGENTS]))
        if any(shared[1:]):
            self.agents = []
        return (
            _by_agent(observations),
            *(dict.fromkeys(AGENTS, value) for value in shared),
            {agent: dict(info) for agent in AGENTS},
        )

    def camera(self, name: str, height: int, width: int, visual: bool = False) -> np.ndarray:
        """What a camera of the model sees now: see ``Cameras.picture``."""
        return cameras(visual).picture(self.simulation, name, height, width)

    def render(self) -> np.ndarray | None:
        """A picture for people, ``(480, 640, 3)`` uint8, with the visual meshes (seconds on a CPU)."""
        return self.camera(FRONT, 480, 640, visual=True) if self.render_mode == "rgb_array" else None


def _scaled(*parts: np.ndarray) -> np.ndarray:
    whole = np.concatenate([part.ravel() for part in parts])
    return np.clip(whole, -LARGEST_OBSERVATION, LARGEST_OBSERVATION).astype(np.float32)


def _by_agent(observations) -> dict:
    """Observations ``(2, ...)`` by agent."""
    if isinstance(observations, dict):
        return {a: {name: value[i] for name, value in observations.items()} for i, a in enumerate(AGENTS)}
    return {agent: observations[i] for i, agent in enumerate(AGENTS)}
