"""Return to the Realm behind Gymnasium's interfaces: many games in step, and a single one as a batch of one."""

from __future__ import annotations

import numbers

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from gcb6206.envs.realm import rewards as reward_terms
from gcb6206.envs.realm.game import ACTIONS, Layout, RealmGames
from gcb6206.envs.realm.maps import make_map
from gcb6206.envs.realm.observation import REACH, Observer, observation_space
from gcb6206.envs.realm.options import RealmOptions, check_whole
from gcb6206.errors import ConfigError

MAX_RETRIES = 10  # a step without an answer is tried so often again; then the episode is given up
NEW_MAPS = 2**31  # seeds from here on belong to maps that nobody named


class RealmVectorEnv(gym.vector.VectorEnv):
    """Many games in step. Autoreset is ``SAME_STEP``, as in ``envs/vector.py``.

    The reward is the score, which comes with the end point, so that an episode's return is its score; or, with
    ``rewards``, a weighted sum of terms. Infos hold, for every game: ``action_mask``, ``score`` (0 until the end is
    reached), ``treasures`` and ``missed`` so far, ``steps``, ``failed_steps``, ``lost`` and ``is_success``.

    A step to which the game gives no answer (``failure_rate``) is tried again, and counted in ``failed_steps``. Where
    no answer comes at all, the episode is truncated, with ``lost`` set; nothing is ever raised.

    Args:
        num_envs: how many games.
        render_mode: None or ``rgb_array``.
        maps: whether observations hold the map of the surroundings.
        rewards: weights of terms, see ``rewards.py``; None for the score.
        choices: fields of ``RealmOptions``.

    Raises:
        ConfigError: an argument that does not fit; the message names it.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30, "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(
        self,
        num_envs: int = 1,
        render_mode: str | None = None,
        maps: bool = True,
        rewards: dict[str, float] | None = None,
        **choices,
    ):
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigError(f"render_mode is {render_mode!r}: expected None or 'rgb_array'")
        check_whole("num_envs", num_envs, 1, 10**6)
        if not isinstance(maps, (bool, np.bool_)):
            raise ConfigError(f"maps is {maps!r}: expected True or False")
        self.options = RealmOptions().changed(choices)
        rewards = reward_terms.SCORE if rewards is None else rewards
        reward_terms.check_weights(rewards)
        self.rewards = dict(rewards)
        self.num_envs, self.render_mode = int(num_envs), render_mode
        slots = self.options.num_maps or self.num_envs
        try:
            self.games = RealmGames(
                self.num_envs, self.options, self.options.size, slots, REACH if maps else 0
            )
            self._observer = Observer(self.games, maps)
        except MemoryError as error:
            raise ConfigError(
                f"num_envs is {num_envs}, num_maps {self.options.num_maps}, size {self.options.size}: that does not "
                f"fit into memory ({error}); lower one of them"
            ) from None
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self.failed_steps = np.zeros(num_envs, int)
        self.paths: list[list[np.ndarray]] = [[] for _ in range(num_envs)]  # for pictures
        self.single_observation_space = observation_space(maps)
        self.single_action_space = gym.spaces.Discrete(ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def change(self, **choices) -> None:
        """Change options, such as ``treasure_num`` or ``start``.

        What an episode begins with (``treasure_num``, ``treasure_random``, ``treasure_id``, ``start``, ``end``) holds
        from each game's next episode on, everything else at once.

        Raises:
            ConfigError: an unknown option, a value that does not fit, or one that is settled when the environment is
                made.
        """
        settled = {"size", "map_seed", "num_maps"} & set(choices)
        if settled:
            raise ConfigError(
                f"{min(settled)} cannot be changed later: give it to the environment when you make it"
            )
        self.options = self.options.changed(choices)
        self.games.options = self.options

    def reset(self, *, seed: int | list[int] | None = None, options: dict | None = None):
        """Start all episodes anew; game ``i`` draws from ``seed + i``. ``options`` go to ``change``."""
        if seed is None or np.ndim(seed):
            seeds = np.asarray(seed).tolist() if seed is not None else [None] * self.num_envs
        elif isinstance(seed, numbers.Integral):
            seeds = [int(seed) + i for i in range(self.num_envs)]
        else:
            raise ValueError(f"seed is {seed!r}: expected a whole number, or one for each environment")
        if len(seeds) != self.num_envs:
            raise ValueError(f"got {len(seeds)} seeds for {self.num_envs} environments")
        for i, single in enumerate(seeds):
            if single is not None or self._generators[i] is None:
                self._generators[i], _ = seeding.np_random(single)
        return self.begin(options)

    def begin(self, options: dict | None = None):
        """``reset`` without a seed."""
        self.change(**(options or {}))
        self._restart(np.arange(self.num_envs))
        return self._observer.observe(), self._info(*np.zeros((3, self.num_envs)))

    def step(self, actions: np.ndarray):
        """One step of every game; games whose episode ends begin the next one at once."""
        observations, rewards, terminated, truncated, infos = self.advance(actions)
        ended = terminated | truncated
        if ended.any():
            rows = np.flatnonzero(ended)
            last = {
                "final_obs": np.full(self.num_envs, None),
                "_final_obs": ended,
                "final_info": _at_rows({k: v for k, v in infos.items() if not k.startswith("_")}, rows),
                "_final_info": ended,
            }
            for i in rows:
                last["final_obs"][i] = {name: values[i].copy() for name, values in observations.items()}
            self._restart(rows)
            for name, values in self._observer.observe().items():
                observations[name][rows] = values[rows]
            infos = {**self._info(*np.zeros((3, self.num_envs))), **last}
        return observations, rewards, terminated, truncated, infos

    def advance(self, actions: np.ndarray):
        """``step`` without a new beginning.

        Raises:
            ValueError: actions of another shape, or none of the 16.
        gymnasium.error.ResetNeeded: before the first ``reset``.
        """
        self._check_begun()
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or not np.issubdtype(actions.dtype, np.integer):
            raise ValueError(
                f"actions have shape {actions.shape} and dtype {actions.dtype}: expected whole numbers "
                f"({self.num_envs},)"
            )
        if actions.min() < 0 or actions.max() >= ACTIONS:
            raise ValueError(f"actions hold {actions.min()} to {actions.max()}: expected 0 to {ACTIONS - 1}")
        lost = self._fail() > MAX_RETRIES if self.options.failure_rate else np.zeros(self.num_envs, bool)
        events = self.games.advance(actions, ~lost)
        terminated = events.ended
        truncated = ~terminated & (lost | (self.games.steps >= self.options.max_step))
        if self.render_mode:
            for path, position in zip(self.paths, self.games.position, strict=True):
                path.append(position.copy())
        info = self._info(terminated, events.score, lost)
        return (
            self._observer.observe(),
            reward_terms.reward(events, self.rewards),
            terminated,
            truncated,
            info,
        )

    def _fail(self) -> np.ndarray:
        """How many times in a row each game gives no answer to this step, ``(N,)``; counted."""
        failures = np.zeros(self.num_envs, int)
        for i, generator in enumerate(self._generators):
            while failures[i] <= MAX_RETRIES and generator.random() < self.options.failure_rate:
                failures[i] += 1
        self.failed_steps += failures
        return failures

    def render(self) -> tuple[np.ndarray, ...]:
        """A picture ``(512, 512, 3)`` uint8 of every game."""
        if self.render_mode is None:
            raise RuntimeError("render_mode is None: make the environment with render_mode='rgb_array'")
        self._check_begun()
        from gcb6206.envs.realm.render import picture

        return tuple(picture(self.games, i, np.array(self.paths[i])) for i in range(self.num_envs))

    def _check_begun(self) -> None:
        if self._generators[0] is None:
            raise gym.error.ResetNeeded("no episode has begun: call reset first")

    def _restart(self, rows: np.ndarray) -> None:
        """Put these games at the start of an episode."""
        for i in rows:
            generator, options = self._generators[i], self.options
            if options.num_maps is None:
                slot, seed = i, NEW_MAPS + int(generator.integers(2**31))
            else:
                slot = int(generator.integers(options.num_maps))
                seed = options.map_seed + slot
            start, end, treasures = options.draw_sites(generator)
            layout = Layout(make_map(seed, options.size), start, end, tuple(treasures.tolist()))
            known = self.games.maps[slot]
            self.games.begin(i, layout, slot)
            if layout.map is not known:
                self._observer.load(slot)
            self.failed_steps[i] = 0
            self.paths[i] = [self.games.position[i].copy()]

    def _info(self, ended: np.ndarray, score: np.ndarray, lost: np.ndarray) -> dict[str, np.ndarray]:
        """Every game's info, with the masks that Gymnasium gives along."""
        info = {
            "action_mask": self.games.action_mask,
            "score": np.asarray(score, float),
            "treasures": self.games.taken.copy(),
            "missed": self.games.present.sum(axis=1),
            "steps": self.games.steps.copy(),
            "failed_steps": self.failed_steps.copy(),
            "lost": np.asarray(lost, bool),
            "is_success": np.asarray(ended, bool),
        }
        everywhere = np.ones(self.num_envs, bool)
        return info | {f"_{name}": everywhere for name in info}


class RealmEnv(gym.Env):
    """One game: a batch of one behind Gymnasium's interface for single environments.

    Args:
        render_mode, maps, rewards, choices: see ``RealmVectorEnv``.
    """

    metadata = {key: RealmVectorEnv.metadata[key] for key in ("render_modes", "render_fps")}

    def __init__(
        self,
        render_mode: str | None = None,
        maps: bool = True,
        rewards: dict[str, float] | None = None,
        **choices,
    ):
        self.batch = RealmVectorEnv(1, render_mode, maps, rewards, **choices)
        self.render_mode = render_mode
        self.observation_space = self.batch.single_observation_space
        self.action_space = self.batch.single_action_space

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """Start an episode; ``options`` are changes of ``RealmOptions``, which stay."""
        super().reset(seed=seed)
        self.batch._generators = [self.np_random]
        observations, infos = self.batch.begin(options)
        return _first(observations), _first(infos)

    def step(self, action: int):
        """Walk or flash."""
        observations, rewards, terminated, truncated, infos = self.batch.advance(np.asarray(action)[None])
        reward, over, cut = float(rewards[0]), bool(terminated[0]), bool(truncated[0])
        return _first(observations), reward, over, cut, _first(infos)

    def render(self) -> np.ndarray:
        """A picture ``(512, 512, 3)`` uint8."""
        return self.batch.render()[0]


def draw_layouts(number: int, seed: int, **choices) -> list[Layout]:
    """The first episodes of an environment of ``number`` games with this seed and these options."""
    envs = RealmVectorEnv(number, maps=False, **choices)
    envs.reset(seed=seed)
    return [envs.games.layout(i) for i in range(number)]


def _at_rows(values: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Each array with 0 outside the rows, and its mask, as Gymnasium nests dicts of infos."""
    result = {}
    for name, array in values.items():
        result[name], mask = np.zeros_like(array), np.zeros(len(array), bool)
        result[name][rows], mask[rows] = array[rows], True
        result[f"_{name}"] = mask
    return result


def _first(values: dict[str, np.ndarray]) -> dict:
    """The part of a batch of one, without masks."""
    first = {name: value[0] for name, value in values.items() if not name.startswith("_")}
    return {name: value.item() if np.ndim(value) == 0 else value for name, value in first.items()}
