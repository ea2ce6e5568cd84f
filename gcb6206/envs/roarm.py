"""Two tasks for the RoArm-M3: reach a point, and pick up a cube and place it elsewhere.

Everything is written for a batch of arms, whose physics run in threads; a single environment is a batch of
one, so the two cannot differ. A step is 0.05 s. An action moves each joint's set-point by up to
``MAX_INCREMENT``.

Reward (the same rule for both tasks), with the potential ``phi`` <= 0 of a state (Ng, Harada, Russell 1999):

    r = shaping_discount * phi(next state) - phi(state) + milestones reached for the first time + bonus on
    success

The shaping telescopes, so no behaviour collects it twice; ``phi`` of the terminal state is 0. With the
agent's own discount it provably leaves the best policy as it was. We take 1: an episode's shaping is then
``phi`` at the end minus ``phi`` at the start, an idle arm's return is 0, and a discounting agent only gains a
reason to hurry. Success ends the episode (``terminated``): a time limit only truncates it. Milestones and
bonus are those of the original project (+5, +10, +15, +20, +100), divided by ten.
"""

from __future__ import annotations

import os

import gymnasium as gym
import mujoco
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from mujoco import rollout

from gcb6206.envs.roarm_model import (
    CUBE_HALF,
    JOINT_LIMITS,
    PUBLISHED_LIMITS,
    STEP,
    UnreachableError,
    forward_kinematics,
    inverse_kinematics,
    make_model,
    make_renderer,
)

HOME = np.array([0.0, 0.2, 1.4, 1.2, 0.0, 0.8])  # rad: folded before the base, tool pointing down, jaws open
MAX_INCREMENT = np.array([0.12, 0.12, 0.12, 0.12, 0.12, 0.25])  # rad a step, of each joint's set-point
MAX_LEAD = 0.5  # rad: the set-point stays this near to the joint, however long the joint is held back
MAX_SPEED = 5.0  # rad/s, and m/s for the cube: what observations are divided by
MAX_LENGTH = 0.6  # m: the same for lengths
NEAR = 0.05  # m: "at the target"
FRAMES = 5  # steps in a row that count as success
SHAPING = 10.0  # reward a metre
LIFTED = 0.05  # m above the table
MAX_FAR = 0.5  # m: the way to the goal counts as this long until the cube was lifted, and never as longer
_LOWEST, _HIGHEST = np.moveaxis(np.stack(list(JOINT_LIMITS.values())), -1, 0)
STRICTEST_LIMITS = np.stack([_LOWEST.max(axis=0), _HIGHEST.min(axis=0)], axis=1)  # what all choices allow


class RoArmVectorEnv(gym.vector.VectorEnv):
    """What both tasks share: the arms, their physics, reward, milestones and time limits.

    Autoreset is ``SAME_STEP``: where an episode ends, the observation returned is the next episode's first;
    the last one is in ``infos["final_obs"]``, its info in ``infos["final_info"]``.

    Args:
        num_envs: how many arms.
        render_mode: None or ``rgb_array``.
        max_episode_steps: steps until an episode is truncated; None: never.
        difficulty: 0 (starts next to its goal) to 1 (the whole task), for curricula. It can also be set as an
            attribute, or with ``reset(options={"difficulty": ...})``; it holds from the next start of an
            episode.
        joint_limits: ``published``, ``wide`` (each arm joint +-180 degrees) or ``narrow`` (+-90).
        shaping_discount: see the head of this file.
        num_threads: for the physics; None: as many as there are processors.

    Raises:
        ValueError: an argument out of range; the message names it.
    """

    metadata = {
        "render_modes": ["rgb_array"],
        "render_fps": round(1 / STEP),
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }
    MILESTONES: dict[str, float]  # name to reward, in the order in which they are reached
    BONUS = 10.0  # on success
    FIELDS: dict[str, int]  # parts of an observation and their lengths
    JOINTS: int  # how many joints the actions move
    CUBE: bool

    def __init__(
        self,
        num_envs: int = 1,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        difficulty: float = 1.0,
        joint_limits: str = "published",
        shaping_discount: float = 1.0,
        num_threads: int | None = None,
    ):
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode is {render_mode!r}: expected None or 'rgb_array'")
        if joint_limits not in JOINT_LIMITS:
            raise ValueError(f"joint_limits is {joint_limits!r}: expected one of {', '.join(JOINT_LIMITS)}")
        if not 0.0 <= shaping_discount <= 1.0:
            raise ValueError(f"shaping_discount is {shaping_discount}: expected 0 to 1")
        if num_envs < 1:
            raise ValueError(f"num_envs is {num_envs}: expected at least 1")
        self.num_envs, self.render_mode, self.max_episode_steps = num_envs, render_mode, max_episode_steps
        self.difficulty, self.shaping_discount = difficulty, shaping_discount

        self.limits = np.vstack([JOINT_LIMITS[joint_limits], PUBLISHED_LIMITS[5:]])
        self.model = make_model(self.CUBE)
        self.model.jnt_range[:6] = self.limits
        self._substeps = round(STEP / self.model.opt.timestep)
        threads = min(num_threads or os.cpu_count() or 1, num_envs)
        self._datas = [mujoco.MjData(self.model) for _ in range(threads)]
        self._pool = rollout.Rollout(nthread=threads if threads > 1 else 0)
        self._models = [self.model] * num_envs
        self._control = np.zeros((num_envs, self._substeps, self.model.nu))
        self._states = np.zeros((num_envs, self._substeps, 1 + self.model.nq + self.model.nv))
        self._sensors = np.zeros((num_envs, self._substeps, self.model.nsensordata))
        self._renderer = None

        self._state = np.zeros((num_envs, 1 + self.model.nq + self.model.nv))  # time, qpos, qvel
        self.qpos = self._state[:, 1 : 1 + self.model.nq]
        self.qvel = self._state[:, 1 + self.model.nq :]
        self.touch = np.zeros((num_envs, self.model.nsensordata), bool)  # fixed and moving jaw at the cube
        self.setpoint = np.tile(HOME, (num_envs, 1))
        self.goal = np.zeros((num_envs, 3))
        self.reached = np.zeros((num_envs, len(self.MILESTONES)), bool)
        self.frames = np.zeros(num_envs, int)  # steps in a row at the goal
        self._steps = np.zeros(num_envs, int)
        self._potential = np.zeros(num_envs)
        self._generators = [None] * num_envs

        self.single_observation_space = gym.spaces.Box(-1.0, 1.0, (sum(self.FIELDS.values()),), np.float32)
        self.single_action_space = gym.spaces.Box(-1.0, 1.0, (self.JOINTS,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property
    def difficulty(self) -> float:
        """0 to 1; holds from the next start of an episode."""
        return self._difficulty

    @difficulty.setter
    def difficulty(self, value: float) -> None:
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"difficulty is {value}: expected 0 to 1")
        self._difficulty = float(value)

    def reset(self, *, seed: int | list[int] | None = None, options: dict | None = None):
        """Start all episodes anew; arm ``i`` draws from ``seed + i``, as in Gymnasium's own batches."""
        if seed is None or np.ndim(seed):
            seeds = seed if seed is not None else [None] * self.num_envs
        else:
            seeds = [int(seed) + i for i in range(self.num_envs)]
        if len(seeds) != self.num_envs:
            raise ValueError(f"got {len(seeds)} seeds for {self.num_envs} environments")
        for i, single in enumerate(seeds):
            if single is not None or self._generators[i] is None:
                self._generators[i], _ = seeding.np_random(single)
        return self.begin(options)

    def begin(self, options: dict | None = None):
        """``reset`` without a seed."""
        unknown = set(options or {}) - {"difficulty"}
        if unknown:
            raise ValueError(f"unknown reset option {sorted(unknown)[0]!r}: expected 'difficulty'")
        self.difficulty = (options or {}).get("difficulty", self.difficulty)
        self._restart(np.arange(self.num_envs))
        return self._observe(), self._info(np.zeros(self.num_envs, bool))

    def step(self, actions: np.ndarray):
        """Move every arm for 0.05 s; arms whose episode ends begin the next one at once."""
        observations, rewards, terminated, truncated, infos = self.advance(actions)
        ended = np.flatnonzero(terminated | truncated)
        if len(ended):
            last = {}
            for i in ended:
                final = {key: value[i].item() for key, value in infos.items() if not key.startswith("_")}
                last = self._add_info(last, {"final_obs": observations[i].copy(), "final_info": final}, i)
            self._restart(ended)
            observations[ended] = self._observe()[ended]
            infos = {**self._info(np.zeros(self.num_envs, bool)), **last}
        return observations, rewards, terminated, truncated, infos

    def advance(self, actions: np.ndarray):
        """``step`` without a new beginning.

        Raises:
            ValueError: actions of another shape, or not finite.
        """
        actions = np.asarray(actions, float)
        if actions.shape != (self.num_envs, self.JOINTS):
            raise ValueError(f"actions have shape {actions.shape}: expected {(self.num_envs, self.JOINTS)}")
        if not np.isfinite(actions).all():
            raise ValueError(f"actions hold {actions[~np.isfinite(actions)][0]}: expected numbers in [-1, 1]")
        joints = self.qpos[:, : self.JOINTS]
        wanted = self.setpoint[:, : self.JOINTS] + np.clip(actions, -1, 1) * MAX_INCREMENT[: self.JOINTS]
        wanted = np.clip(wanted, joints - MAX_LEAD, joints + MAX_LEAD)
        self.setpoint[:, : self.JOINTS] = np.clip(wanted, *self.limits[: self.JOINTS].T)

        self._control[:] = self.setpoint[:, None]
        self._pool.rollout(
            self._models,
            self._datas,
            self._state,
            self._control,
            skip_checks=True,
            nstep=self._substeps,
            state=self._states,
            sensordata=self._sensors,
        )
        self._state[:] = self._states[:, -1]
        self.touch[:] = self._sensors[:, -1] > 0
        self._steps += 1

        self._look()
        now = self._milestones()
        rewards = (now & ~self.reached) @ np.array(list(self.MILESTONES.values()))
        self.reached |= now
        self.frames = np.where(self._in_place(), self.frames + 1, 0)
        terminated = self.frames >= FRAMES
        potential = np.where(terminated, 0.0, self.potential())
        rewards += self.shaping_discount * potential - self._potential + self.BONUS * terminated
        self._potential = potential
        limit = self.max_episode_steps
        truncated = self._steps >= limit if limit is not None else np.zeros(self.num_envs, bool)
        return self._observe(), rewards, terminated, truncated, self._info(terminated)

    def render(self) -> tuple[np.ndarray, ...]:
        """A picture ``(480, 640, 3)`` uint8 of every arm."""
        if self.render_mode is None:
            raise RuntimeError("render_mode is None: make the environment with render_mode='rgb_array'")
        self._renderer = self._renderer or make_renderer(self.model)
        data, pictures = self._datas[0], []
        for i in range(self.num_envs):
            data.qpos[:], data.qvel[:], data.mocap_pos[0] = self.qpos[i], self.qvel[i], self.goal[i]
            mujoco.mj_forward(self.model, data)
            self._renderer.update_scene(data, camera="view")
            pictures.append(self._renderer.render())
        return tuple(pictures)

    def close_extras(self) -> None:
        """Stop the threads and free the picture memory."""
        self._pool.close()
        if self._renderer is not None:
            self._renderer.close()

    def potential(self) -> np.ndarray:
        """The potential of every arm's state, ``(num_envs,)``, at most 0."""
        raise NotImplementedError

    def _draw(self, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A start of the task at the present difficulty: ``qpos``, and the goal ``(3,)``."""
        raise NotImplementedError

    def _look(self) -> None:
        """Work out of the state what observation, potential and milestones need."""
        raise NotImplementedError

    def _milestones(self) -> np.ndarray:
        """Which milestones hold now, ``(num_envs, milestones)``."""
        raise NotImplementedError

    def _in_place(self) -> np.ndarray:
        """Whether this step counts towards success, ``(num_envs,)``."""
        raise NotImplementedError

    def _fields(self) -> dict[str, np.ndarray]:
        """The parts of the observation that are the task's own, each ``(num_envs, length)``."""
        raise NotImplementedError

    def _restart(self, rows: np.ndarray) -> None:
        """Put these arms at the start of an episode."""
        for i in rows:
            self._state[i] = 0.0
            self.qpos[i], self.goal[i] = self._draw(self._generators[i])
            self.setpoint[i] = self.qpos[i, :6]
        for array in (self.touch, self.reached, self.frames, self._steps):
            array[rows] = 0
        self._look()
        self._potential[rows] = self.potential()[rows]

    def _observe(self) -> np.ndarray:
        """Observations ``(num_envs, sum of FIELDS)``, float32, all in [-1, 1]."""
        joints, limits = self.qpos[:, : self.JOINTS], self.limits[: self.JOINTS]
        fields = {
            "joints": (joints - limits.mean(axis=1)) * 2 / np.ptp(limits, axis=1),
            "speeds": self.qvel[:, : self.JOINTS] / MAX_SPEED,
            "leads": (self.setpoint[:, : self.JOINTS] - joints) / MAX_LEAD,
            "tool": self.tool / MAX_LENGTH,
            **self._fields(),
            "reached": self.reached,
            "frames": self.frames[:, None] / FRAMES,
        }
        return np.concatenate([fields[name] for name in self.FIELDS], axis=1).clip(-1, 1).astype(np.float32)

    def _info(self, success: np.ndarray) -> dict[str, np.ndarray]:
        """Every arm's info, with the masks that Gymnasium gives along."""
        info = {"is_success": success, "distance": self.distance, "milestones": self.reached.sum(axis=1)}
        everywhere = np.ones(self.num_envs, bool)
        return info | {f"_{key}": everywhere for key in info}


class RoArmReachVectorEnv(RoArmVectorEnv):
    """Bring the tool centre point within 5 cm of a target and hold it there for 5 steps.

    Targets lie before the arm, 0.12 to 0.40 m from its axis and 0.02 to 0.40 m above the table, all within
    reach under every choice of ``joint_limits``, which therefore share one distribution.

    Actions ``(5,)``: base, shoulder, elbow, wrist, roll. Potential: -10 times the distance in metres.
    """

    MILESTONES = {"near": 0.5}
    FIELDS = {"joints": 5, "speeds": 5, "leads": 5, "tool": 3, "to_goal": 3, "reached": 1, "frames": 1}
    JOINTS = 5
    CUBE = False

    def _draw(self, generator):
        joints = HOME.copy()
        joints[:5] += generator.uniform(-0.05, 0.05, 5)
        home = forward_kinematics(HOME)
        home = np.array([np.arctan2(home[1], home[0]), np.hypot(*home[:2]), home[2]])
        while True:
            place = generator.uniform([-np.pi / 2, 0.12, 0.02], [np.pi / 2, 0.40, 0.40])
            angle, radius, height = home + self.difficulty * (place - home)
            goal = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
            if _reachable(goal, limits=STRICTEST_LIMITS):
                return joints, goal

    def _look(self):
        self.tool = forward_kinematics(self.qpos)
        self.distance = np.linalg.norm(self.goal - self.tool, axis=1)

    def _milestones(self):
        return self._in_place()[:, None]

    def _in_place(self):
        return self.distance < NEAR

    def potential(self):
        return -SHAPING * self.distance

    def _fields(self):
        return {"to_goal": (self.goal - self.tool) / MAX_LENGTH}


class RoArmPickPlaceVectorEnv(RoArmVectorEnv):
    """Grip a cube of 3 cm, lift it by 5 cm, and put it down within 5 cm of a goal on the table.

    Success: after a lift, the cube lies near the goal with no jaw touching it, for 5 steps. Cube and goal are
    drawn at 0.16 to 0.30 m from the arm's axis, up to 60 degrees to either side, at least 0.10 m apart. With
    less difficulty the goal is nearer (0.10 m at 0), the cube less turned, and the tool begins nearer to it:
    straight above it at 0.3, with the cube between the open jaws at 0.

    The published and the wide joint limits let the tool grasp from straight above everywhere; the narrow ones
    nearly nowhere, so that most of its episodes cannot succeed.

    Actions ``(6,)``: the five arm joints and the gripper. The potential counts what is left to do: distance
    to the cube, grip, lift, way to the goal; near the goal only the height and the release.
    """

    MILESTONES = {"near": 0.5, "gripped": 1.0, "lifted": 1.5, "at_goal": 2.0}
    FIELDS = {
        "joints": 6, "speeds": 6, "leads": 6, "tool": 3, "to_cube": 3, "cube": 3, "cube_axes": 6,
        "cube_speed": 3, "to_goal": 3, "touch": 2, "reached": 4, "frames": 1,
    }  # fmt: skip
    JOINTS = 6
    CUBE = True

    def _draw(self, generator):
        while True:
            angles = generator.uniform(-np.pi / 3, np.pi / 3, 2)
            radii = generator.uniform(0.16, 0.30, 2)
            cube, goal = np.stack([radii * np.cos(angles), radii * np.sin(angles), [CUBE_HALF] * 2], axis=1)
            turn = self.difficulty * generator.uniform(-np.pi / 4, np.pi / 4)
            noise = generator.uniform(-0.05, 0.05, 5)
            way = goal - cube
            length = np.linalg.norm(way)
            goal = cube + way / length * (0.10 + self.difficulty * (length - 0.10))
            if length >= 0.10 and _reachable(goal, pitch=-np.pi / 2):
                break
        lift, aside = min(self.difficulty / 0.3, 1.0), max((self.difficulty - 0.3) / 0.7, 0.0)
        above = inverse_kinematics(cube + [0.0, 0.0, 0.09 * lift], pitch=-np.pi / 2, roll=-turn)
        joints = HOME.copy()
        joints[:5] = above + aside * (HOME[:5] + noise - above)
        yaw = angles[0] + turn
        quaternion = [np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)]
        return np.concatenate([joints, cube, quaternion]), goal

    def _look(self):
        self.tool = forward_kinematics(self.qpos)
        self.cube = self.qpos[:, 6:9]
        self.height = self.cube[:, 2] - CUBE_HALF
        self.to_cube = np.linalg.norm(self.cube - self.tool, axis=1)
        self.distance = np.linalg.norm((self.goal - self.cube)[:, :2], axis=1)
        self.gripped = self.touch.all(axis=1) & (self.to_cube < 0.03)

    def _milestones(self):
        lifted = self.gripped & (self.height >= LIFTED)
        at_goal = (self.reached[:, 2] | lifted) & self.gripped & (self.distance < NEAR)
        return np.stack([self.to_cube < NEAR, self.gripped, lifted, at_goal], axis=1)

    def _in_place(self):
        put_down = (self.height < 0.005) & ~self.touch.any(axis=1)
        return self.reached[:, 2] & (self.distance < NEAR) & put_down

    def potential(self):
        lifted = self.reached[:, 2]
        way = np.where(lifted, np.minimum(self.distance, MAX_FAR), MAX_FAR)
        lift = np.clip(self.height / LIFTED, 0, 1)
        far = SHAPING * (self.to_cube + way) + 1.0 * ~self.gripped + 1.5 * (1 - lift) + 1.5
        near = SHAPING * self.height + 0.5 * self.touch.any(axis=1)
        return -np.where(lifted & (self.distance < NEAR), near, far)

    def _fields(self):
        w, x, y, z = self.qpos[:, 9:13].T
        axes = [
            1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y),
            2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x),
        ]  # fmt: skip
        return {
            "to_cube": (self.cube - self.tool) / MAX_LENGTH,
            "cube": self.cube / MAX_LENGTH,
            "cube_axes": np.stack(axes, axis=1),
            "cube_speed": self.qvel[:, 6:9] / MAX_SPEED,
            "to_goal": (self.goal - self.cube) / MAX_LENGTH,
            "touch": self.touch,
        }


class RoArmEnv(gym.Env):
    """A batch of one arm behind Gymnasium's interface for single environments.

    Args:
        render_mode, difficulty, joint_limits, shaping_discount: see ``RoArmVectorEnv``.
    """

    metadata = {key: RoArmVectorEnv.metadata[key] for key in ("render_modes", "render_fps")}
    BATCH: type[RoArmVectorEnv]

    def __init__(
        self,
        render_mode: str | None = None,
        difficulty: float = 1.0,
        joint_limits: str = "published",
        shaping_discount: float = 1.0,
    ):
        self.batch = self.BATCH(
            render_mode=render_mode,
            difficulty=difficulty,
            joint_limits=joint_limits,
            shaping_discount=shaping_discount,
        )
        self.render_mode = render_mode
        self.observation_space = self.batch.single_observation_space
        self.action_space = self.batch.single_action_space

    @property
    def difficulty(self) -> float:
        """0 to 1; holds from the next ``reset``."""
        return self.batch.difficulty

    @difficulty.setter
    def difficulty(self, value: float) -> None:
        self.batch.difficulty = value

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """Start an episode; ``options`` may hold ``difficulty``."""
        super().reset(seed=seed)
        self.batch._generators = [self.np_random]
        observations, infos = self.batch.begin(options)
        return observations[0], _first(infos)

    def step(self, action: np.ndarray):
        """Move the arm for 0.05 s."""
        observations, rewards, terminated, truncated, infos = self.batch.advance(np.asarray(action)[None])
        return observations[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), _first(infos)

    def render(self) -> np.ndarray:
        """A picture ``(480, 640, 3)`` uint8."""
        return self.batch.render()[0]

    def close(self) -> None:
        """Free the picture memory."""
        self.batch.close()


class RoArmReachEnv(RoArmEnv):
    """One arm of ``RoArmReachVectorEnv``."""

    BATCH = RoArmReachVectorEnv


class RoArmPickPlaceEnv(RoArmEnv):
    """One arm of ``RoArmPickPlaceVectorEnv``."""

    BATCH = RoArmPickPlaceVectorEnv


def _reachable(position: np.ndarray, **choices) -> bool:
    """Whether ``inverse_kinematics`` finds an answer."""
    try:
        inverse_kinematics(position, **choices)
    except UnreachableError:
        return False
    return True


def _first(infos: dict[str, np.ndarray]) -> dict:
    """The info of a batch of one."""
    return {key: value[0].item() for key, value in infos.items() if not key.startswith("_")}
