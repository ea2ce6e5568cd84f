"""The MuJoCo model of the task, as robosuite builds it: two Pandas face to face, a peg, a plate with a hole.

robosuite 1.5.2 is asked for its environment once a process, and only the model is kept. Its peg has a radius drawn
anew where the whole model is built anew (``hard_reset=True``, 250 ms); ``set_peg_radius`` gives a model another radius
in place, with the mass and inertia that the compiler would have found.
"""

from __future__ import annotations

import copy
import functools
import logging
from dataclasses import dataclass

import mujoco
import numpy as np

import gcb6206.envs  # noqa: F401  (chooses what MuJoCo draws with)

ROBOSUITE = "1.5.2"
PEG_RADIUS = (0.015, 0.03)  # m, from which robosuite draws
PEG_HALF_LENGTH = 0.13  # m
PEG_DENSITY = 1000.0  # kg/m^3
PEG_COLOUR = (0.1, 0.4, 1.0, 1.0)  # of the shape that collides, which is red like the plate's in robosuite
VISUAL_GROUP = 1  # robosuite's group of geoms that only look well; those that collide are group 0
HOLE_CENTRE = np.array([0.1, 0.0, 0.0])  # m, in the frame of the plate's body: what robosuite measures to
HOME = np.array([0.0, np.pi / 16, 0.0, -5 * np.pi / 6, 0.0, np.pi - 0.2, np.pi / 4])  # rad, each arm
HOME_NOISE = 0.02  # rad, standard deviation at the start of an episode
SETUP = (
    "install the course's packages (make install; robosuite without its dependencies: pip install --no-deps "
    f"robosuite=={ROBOSUITE}) and a software OpenGL (Debian, Ubuntu: apt-get install libegl1 libgl1-mesa-dri)"
)


@dataclass(frozen=True)
class Places:
    """Where the parts are in the model's arrays."""

    hands: np.ndarray
    """Sites that the controllers move, ``(2,)``."""
    hand_bodies: np.ndarray
    """The bodies of the hands, ``(2,)``."""
    bases: np.ndarray
    """Sites of the arms' base frames, ``(2,)``."""
    peg: int
    """Body."""
    hole: int
    """Body."""
    peg_geoms: np.ndarray
    """Of collision and of looks, ``(2,)``."""
    motors: np.ndarray
    """Lowest and highest torques, ``(2, 14)``."""


def make_model(visual: bool = False) -> mujoco.MjModel:
    """A model of its own: changes to it change no other.

    Args:
        visual: with the visual meshes, 348,000 faces and 95 MB, which move nothing; without them it has 16 MB.

    Raises:
        ImportError: robosuite, or the OpenGL that it loads, is missing; the message says what to install.
    """
    return copy.copy(_built(visual))


@functools.cache
def _built(visual: bool) -> mujoco.MjModel:
    spec = mujoco.MjSpec.from_string(_xml())
    if not visual:
        for geom in list(spec.geoms):
            if geom.group == VISUAL_GROUP and geom.type == mujoco.mjtGeom.mjGEOM_MESH:
                spec.delete(geom)
        used = {geom.meshname for geom in spec.geoms}
        for mesh in list(spec.meshes):
            if mesh.name not in used:
                spec.delete(mesh)
    model = spec.compile()
    model.geom("peg_g0").rgba = PEG_COLOUR
    return model


@functools.cache
def _xml() -> str:
    """The task as robosuite writes it down."""
    task = make_robosuite(has_offscreen_renderer=False, use_camera_obs=False)
    return task.edit_model_xml(task.model.get_xml())


def make_robosuite(**changes):
    """robosuite's own environment, as the task is played: two Pandas, dense reward, horizon 500.

    Args:
        changes: to the arguments of robosuite's ``TwoArmPegInHole``.

    Raises:
        ImportError: robosuite, or the OpenGL that it loads, is missing; the message says what to install.
    """
    logging.disable(logging.WARNING)  # five lines of news otherwise
    try:
        import robosuite
        from robosuite.utils.log_utils import ROBOSUITE_DEFAULT_LOGGER
    except Exception as error:  # an OpenGL library that is missing fails in its own way
        raise ImportError(
            f"the two arms need robosuite, which does not load here ({error}): {SETUP}"
        ) from error
    finally:
        logging.disable(logging.NOTSET)
    if robosuite.__version__ != ROBOSUITE:
        raise ImportError(
            f"robosuite is {robosuite.__version__}, the two arms are those of {ROBOSUITE}: "
            f"pip install --no-deps robosuite=={ROBOSUITE}"
        )
    ROBOSUITE_DEFAULT_LOGGER.setLevel("ERROR")  # and ten for every model
    options = {"reward_shaping": True, "horizon": 500, "hard_reset": False, **changes}
    return robosuite.make(
        "TwoArmPegInHole", robots=["Panda", "Panda"], gripper_types=None, has_renderer=False, **options
    )


def places(model: mujoco.MjModel) -> Places:
    """Where the parts of a model are."""
    sites = [[f"gripper{arm}_right_grip_site", f"robot{arm}_right_center"] for arm in (0, 1)]
    hands, bases = np.array([[model.site(name).id for name in pair] for pair in sites]).T.copy()
    return Places(
        hands=hands,
        hand_bodies=np.array([model.body(f"robot{arm}_right_hand").id for arm in (0, 1)]),
        bases=bases,
        peg=model.body("peg_main").id,
        hole=model.body("hole_main").id,
        peg_geoms=np.array([model.geom("peg_g0").id, model.geom("peg_g0_vis").id]),
        motors=model.actuator_ctrlrange.T.copy(),
    )


def set_peg_radius(model: mujoco.MjModel, data: mujoco.MjData, radius: float) -> None:
    """Give the peg another radius, and what follows from it: mass, inertia, bounds.

    Args:
        model: changed in place.
        data: of that model; its state is lost.
        radius: metres.
    """
    where = places(model)
    half = PEG_HALF_LENGTH
    mass = PEG_DENSITY * np.pi * radius**2 * 2.0 * half
    across = mass * (3.0 * radius**2 + (2.0 * half) ** 2) / 12.0
    model.geom_size[where.peg_geoms, 0] = radius
    model.geom_rbound[where.peg_geoms] = np.hypot(radius, half)
    model.geom_aabb[where.peg_geoms, 3:5] = radius
    model.bvh_aabb[model.body_bvhadr[where.peg], 3:5] = radius
    model.body_mass[where.peg] = mass
    model.body_inertia[where.peg] = (across, across, mass * radius**2 / 2.0)
    mujoco.mj_setConst(model, data)
