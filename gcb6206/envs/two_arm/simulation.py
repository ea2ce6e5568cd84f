"""One pair of arms: reset, step, what can be observed, the reward, and the whole state as one vector."""

from __future__ import annotations

import mujoco
import numpy as np

from gcb6206.envs.two_arm.control import JOINTS, control_step
from gcb6206.envs.two_arm.model import (
    HOLE_CENTRE,
    HOME,
    HOME_NOISE,
    PEG_RADIUS,
    make_model,
    places,
    set_peg_radius,
)

PROPRIO_SIZE = 46  # robosuite's "proprio-state" of one arm
OBJECT_SIZE = 17  # robosuite's "object-state"
STATE_SIZE = 4 * 2 * JOINTS + 1


class Simulation:
    """Both arms in MuJoCo.

    As in robosuite, poses lag one substep (2 ms) behind the joints after a step: they are of its last substep's start.

    Attributes:
        model, data: MuJoCo's.
        places: where the parts are.
        radius: of the peg, metres.
        posture: ``(2, 7)``, the joints' positions to which the controllers lean: those of the episode's start.
    """

    def __init__(self):
        self.model = make_model()
        self.data = mujoco.MjData(self.model)
        self.places = places(self.model)
        self.radius = float(self.model.geom_size[self.places.peg_geoms[0], 0])
        self.posture = np.tile(HOME, (2, 1))
        mujoco.mj_forward(self.model, self.data)
        self.base = self.data.site_xmat[self.places.bases].reshape(2, 3, 3).copy()
        lowest, highest = self.places.motors
        d = self.data
        self._before = (self.model._address, d._address)
        self._after = (self.places.hands, self.base, lowest, highest, d.qpos, d.qvel, d.ctrl, d.qfrc_bias, d.qM,
                       d.site_xpos, d.site_xmat)  # fmt: skip

    def reset(self, rng: np.random.Generator, new_radius: bool = True) -> None:
        """Begin an episode: the arms near ``HOME``, a peg of a new radius.

        Args:
            rng: draws the radius and the joints' noise.
            new_radius: False keeps the radius (the noise drawn is the same).
        """
        radius = rng.uniform(*PEG_RADIUS)
        noise = rng.standard_normal((2, JOINTS))
        if new_radius:
            self._set_radius(radius)
        mujoco.mj_resetData(self.model, self.data)
        self.posture = HOME + HOME_NOISE * noise
        self.data.qpos[:] = self.posture.ravel()
        mujoco.mj_forward(self.model, self.data)

    def step(self, action: np.ndarray) -> None:
        """0.05 s with ``action``, ``(2, 6)`` float64: see ``control_step``."""
        control_step(*self._before, action, self.posture, *self._after)

    def state(self) -> np.ndarray:
        """All that the future depends on, ``(STATE_SIZE,)``: joints, their speeds, the solver's start, posture, radius."""
        d = self.data
        return np.concatenate([d.qpos, d.qvel, d.qacc_warmstart, self.posture.ravel(), [self.radius]])

    def set_state(self, state: np.ndarray) -> None:
        """Go on from a state that ``state`` gave.

        Raises:
            ValueError: a vector of another length.
        """
        if np.shape(state) != (STATE_SIZE,):
            raise ValueError(
                f"state has shape {np.shape(state)}: expected ({STATE_SIZE},), as state() gives it"
            )
        qpos, qvel, warmstart, posture = np.asarray(state[:-1], float).reshape(4, 2 * JOINTS)
        self._set_radius(float(state[-1]))
        mujoco.mj_resetData(self.model, self.data)
        self.posture = posture.reshape(2, JOINTS).copy()
        self.data.qpos[:], self.data.qvel[:] = qpos, qvel
        mujoco.mj_forward(self.model, self.data)
        self.data.qacc_warmstart[:] = warmstart

    def proprio(self) -> np.ndarray:
        """robosuite's ``proprio-state`` of both arms, ``(2, 46)``: what each arm feels of itself.

        Joints' positions 7, cosines 7, sines 7, speeds 7, accelerations 7; the hand's position 3, and its orientation
        twice, of body and site, 4 + 4.
        """
        d, hands = self.data, self.places.hands
        qpos = d.qpos.reshape(2, JOINTS)
        site = np.empty((2, 4))
        for arm in range(2):
            mujoco.mju_mat2Quat(site[arm], d.site_xmat[hands[arm]])
        site *= np.where(site[:, :1] < 0, -1.0, 1.0)
        return np.concatenate([
            qpos, np.cos(qpos), np.sin(qpos), d.qvel.reshape(2, JOINTS), d.qacc.reshape(2, JOINTS),
            d.site_xpos[hands], np.roll(d.xquat[self.places.hand_bodies], -1, axis=1), np.roll(site, -1, axis=1),
        ], axis=1)  # fmt: skip

    def object_state(self) -> np.ndarray:
        """robosuite's ``object-state``, ``(17,)``: hole_pos 3, hole_quat 4, peg_to_hole 3, peg_quat 4, angle, t, d."""
        d, peg, hole = self.data, self.places.peg, self.places.hole
        t, distance, cosine = self.orientation()
        return np.concatenate([
            d.xpos[hole], np.roll(d.xquat[hole], -1), d.xpos[hole] - d.xpos[peg], np.roll(d.xquat[peg], -1),
            [cosine, t, distance],
        ])  # fmt: skip

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The peg's axis, the plate's normal, and the way from the peg's centre to the hole's, ``(3,)`` each."""
        d, peg, hole = self.data, self.places.peg, self.places.hole
        axis, plate = d.xmat[peg].reshape(3, 3)[:, 2], d.xmat[hole].reshape(3, 3)
        return axis, plate[:, 2], d.xpos[hole] + plate @ HOLE_CENTRE - d.xpos[peg]

    def orientation(self) -> tuple[float, float, float]:
        """How peg and hole lie: t along the peg's axis, d across it (metres), cosine of the angle."""
        axis, normal, way = self.axes()
        t = float(way @ axis)
        return t, float(np.linalg.norm(way - t * axis)), float(abs(normal @ axis))

    def success(self) -> bool:
        """Whether the peg is in the hole."""
        t, d, cosine = self.orientation()
        return d < 0.06 and -0.12 <= t <= 0.14 and cosine > 0.95

    def reward(self, dense: bool = True) -> float:
        """robosuite's reward of this moment.

        Args:
            dense: (4 shaping terms of at most 1, and 1 for success) / 5; otherwise 1 for success.

        Returns:
            From 0 to 1.
        """
        success = float(self.success())
        if not dense:
            return success
        t, d, cosine = self.orientation()
        far = np.linalg.norm(self.data.xpos[self.places.peg] - self.data.xpos[self.places.hole])
        return float(4.0 - np.tanh(far) - np.tanh(d) - np.tanh(abs(t)) - (1.0 - cosine) + success) / 5.0

    def _set_radius(self, radius: float) -> None:
        if radius != self.radius:
            set_peg_radius(self.model, self.data, radius)
            self.radius = radius
