"""The RoArm-M3 robot arm: its published numbers, its MuJoCo model, forward and inverse kinematics.

Frames: x points forward, y to the left, z up; the table top is z = 0. With all joints at zero the arm stands
straight up. Shoulder, elbow and wrist lean it forward, so the angle of the tool from the vertical is their
sum.

What the model leaves out: links do not collide with each other (only with table and cube), and the split of
the published total mass over the links is an estimate.
"""

from __future__ import annotations

import atexit
import os

import mujoco
import numpy as np

# Lengths in metres.
BASE_HEIGHT = 0.0701
SHOULDER_OFFSET = 0.05196  # the shoulder axis above the top of the base
UPPER_ARM, UPPER_ARM_OFFSET = 0.2368, 0.0300  # along the link, and forward of it
FOREARM = 0.1446
WRIST, WRIST_OFFSET = 0.0537, 0.0151
TOOL = 0.1154  # from the roll joint to the tool centre point, between the jaws
SHOULDER_HEIGHT = BASE_HEIGHT + SHOULDER_OFFSET

JOINTS = ("base", "shoulder", "elbow", "wrist", "roll", "gripper")
PUBLISHED_LIMITS = np.array(  # rad, (joint, low and high)
    [
        [-np.pi, np.pi],
        [-np.pi / 2, np.pi / 2],
        [-1.0, 2.95],
        [-np.pi / 2, np.pi / 2],
        [-np.pi, np.pi],
        [0.0, 1.5],
    ]
)
JOINT_LIMITS = {  # of the five arm joints; the gripper's are always 0 to 1.5
    "published": PUBLISHED_LIMITS[:5],
    "wide": np.tile([-np.pi, np.pi], (5, 1)),
    "narrow": np.tile([-np.pi / 2, np.pi / 2], (5, 1)),
}
SERVO_TORQUE = 30 * 9.81 / 100  # N m: 30 kg cm

MASSES = {  # kg, of the parts that a joint moves; together 0.97 as published for the M3-S
    "base": 0.32, "turret": 0.14, "upper_arm": 0.21, "forearm": 0.11, "wrist": 0.07,
    "hand": 0.06, "fixed_jaw": 0.02, "jaw": 0.04,
}  # fmt: skip

FIXED_JAW, MOVING_JAW = -0.02, 0.01  # inner faces beside the tool's axis where the jaws are parallel
JAW_HALF = 0.004  # half the thickness of a jaw
JAW_PARALLEL = 0.34  # rad: the gripper's angle there; at 0 the jaws touch at their tips
CUBE_HALF = 0.015  # half the cube's edge: it fits between parallel jaws
CUBE_MASS = 0.05  # kg

STEP = 0.05  # s: one step of an environment
TIMESTEP, TIMESTEP_WITH_CUBE = 0.01, 0.005  # s: of the simulation; a grasp needs finer steps


def make_model(cube: bool) -> mujoco.MjModel:
    """The arm on its table, with or without a cube to grasp.

    ``qpos`` is the six joints, then the cube's position and quaternion. ``sensordata`` is, with a cube,
    whether the fixed and the moving jaw touch it. The mocap body ``target`` is only seen, never felt.
    """
    return mujoco.MjModel.from_xml_string(_mjcf(cube))


def forward_kinematics(joints: np.ndarray) -> np.ndarray:
    """Where the tool centre point is.

    Args:
        joints: ``(..., 5)`` or more, rad: base, shoulder, elbow, wrist (roll and gripper do not matter).

    Returns:
        ``(..., 3)``, metres.
    """
    base, upper, elbow, wrist = np.moveaxis(np.asarray(joints, float)[..., :4], -1, 0)
    fore = upper + elbow
    tool = fore + wrist
    radius = (
        UPPER_ARM * np.sin(upper)
        + UPPER_ARM_OFFSET * np.cos(upper)
        + FOREARM * np.sin(fore)
        + (WRIST + TOOL) * np.sin(tool)
        + WRIST_OFFSET * np.cos(tool)
    )
    height = (
        SHOULDER_HEIGHT
        + UPPER_ARM * np.cos(upper)
        - UPPER_ARM_OFFSET * np.sin(upper)
        + FOREARM * np.cos(fore)
        + (WRIST + TOOL) * np.cos(tool)
        - WRIST_OFFSET * np.sin(tool)
    )
    return np.stack([radius * np.cos(base), radius * np.sin(base), height], axis=-1)


class UnreachableError(ValueError):
    """No joint angles within the limits bring the tool centre point there."""


def inverse_kinematics(
    position: np.ndarray,
    pitch: float | None = None,
    roll: float = 0.0,
    limits: np.ndarray = PUBLISHED_LIMITS,
    near: np.ndarray | None = None,
) -> np.ndarray:
    """Joint angles that bring the tool centre point to a position, in closed form.

    The base turns towards the position. That leaves three joints in a plane: the pitch fixes the tool, so the
    wrist joint's place is known, and shoulder and elbow are a triangle of two sides, bent one way or the
    other.

    Args:
        position: ``(3,)``, metres.
        pitch: the tool's angle above the horizon, rad: -pi/2 points straight down. None tries a fan of 73
            angles, 5 degrees apart.
        roll: rad, passed on.
        limits: ``(5 or more, 2)``, rad.
        near: ``(5,)``: of several solutions, the one closest to these angles; None: the one that bends least.

    Returns:
        ``(5,)``: base, shoulder, elbow, wrist, roll, rad.

    Raises:
        UnreachableError: no solution within the limits; the message names the position.
    """
    x, y, z = np.asarray(position, float)
    tool = np.pi / 2 - (np.radians(np.arange(-180, 181, 5)) if pitch is None else np.atleast_1d(pitch))
    radius = np.hypot(x, y) - (WRIST + TOOL) * np.sin(tool) - WRIST_OFFSET * np.cos(tool)
    height = z - SHOULDER_HEIGHT - (WRIST + TOOL) * np.cos(tool) + WRIST_OFFSET * np.sin(tool)
    side, tilt = np.hypot(UPPER_ARM, UPPER_ARM_OFFSET), np.arctan2(UPPER_ARM_OFFSET, UPPER_ARM)
    cosine = (radius**2 + height**2 - side**2 - FOREARM**2) / (2 * side * FOREARM)
    with np.errstate(invalid="ignore"):  # a wrist out of reach has a cosine above 1: NaN, outside all limits
        bend = np.arccos(cosine) * np.array([[1.0], [-1.0]])  # (bent down or up, pitch)
    upper = np.arctan2(radius, height) - np.arctan2(FOREARM * np.sin(bend), side + FOREARM * np.cos(bend))
    shoulder, elbow = upper - tilt, bend + tilt
    wrist = tool - shoulder - elbow
    base = np.full_like(bend, np.arctan2(y, x))
    rows = np.stack([base, _wrap(shoulder), _wrap(elbow), _wrap(wrist), np.full_like(bend, roll)], axis=-1)
    rows = rows.reshape(-1, 5)
    rows = rows[np.all((rows >= limits[:5, 0]) & (rows <= limits[:5, 1]), axis=1)]
    if len(rows) == 0:
        angle = "any pitch" if pitch is None else f"pitch {pitch:.2f} rad"
        raise UnreachableError(
            f"the arm cannot reach ({x:.3f}, {y:.3f}, {z:.3f}) m with {angle}, roll {roll:.2f} rad within "
            "its joint limits: choose a place within 0.55 m of the shoulder, another pitch, or wider limits"
        )
    distances = np.abs(rows - (0.0 if near is None else near)).sum(axis=1)
    return rows[np.argmin(distances)]


def _wrap(angle: np.ndarray) -> np.ndarray:
    """The same angle in [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def make_renderer(model: mujoco.MjModel, height: int = 480, width: int = 640) -> mujoco.Renderer:
    """A renderer that needs no screen.

    Raises:
        RuntimeError: there is no OpenGL to draw with; the message says what to install.
    """
    try:
        renderer = mujoco.Renderer(model, height, width)
    except Exception as error:  # each OpenGL library fails in its own way
        raise RuntimeError(
            f"cannot draw offscreen with MUJOCO_GL={os.environ.get('MUJOCO_GL')} ({error}): install a "
            "software OpenGL (Debian, Ubuntu: apt-get install libegl1 libgl1-mesa-dri), and import "
            "gcb6206.envs before mujoco or start Python with MUJOCO_GL=egl"
        ) from error
    atexit.register(renderer.close)  # what is left open complains when Python ends
    return renderer


def _mjcf(cube: bool) -> str:
    """The model as MJCF. Only pairs of table or cube with another geom collide."""
    joints = {
        name: f'<joint name="{name}" range="{low:.6f} {high:.6f}"'
        for name, (low, high) in zip(JOINTS, PUBLISHED_LIMITS, strict=True)
    }
    torque = f'"{-SERVO_TORQUE:.4f} {SERVO_TORQUE:.4f}"'
    jaw = f'class="felt" type="box" size="0.012 {JAW_HALF} 0.045"'
    light, dark = 'rgba="0.85 0.86 0.88 1"', 'rgba="0.18 0.2 0.24 1"'
    cube_body = sensors = ""
    if cube:
        cube_body = f"""
    <body name="cube" pos="0.25 0 {CUBE_HALF}">
      <freejoint name="cube"/>
      <geom name="cube" class="felt" type="box" size="{CUBE_HALF} {CUBE_HALF} {CUBE_HALF}" mass="{CUBE_MASS}"
            contype="1" rgba="0.9 0.55 0.1 1"/>
    </body>"""
        sensors = """
  <sensor>
    <contact geom1="fixed_jaw" geom2="cube" num="1" data="found" reduce="none"/>
    <contact geom1="jaw" geom2="cube" num="1" data="found" reduce="none"/>
  </sensor>"""
    return f"""
<mujoco model="RoArm-M3">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{TIMESTEP_WITH_CUBE if cube else TIMESTEP}" integrator="implicitfast" cone="elliptic"
          impratio="10"/>
  <visual>
    <headlight ambient="0.4 0.4 0.4" diffuse="0.5 0.5 0.5"/>
    <global offwidth="1280" offheight="960"/>
    <quality shadowsize="1024" offsamples="4"/>
  </visual>
  <asset>
    <texture type="skybox" builtin="gradient" rgb1="0.95 0.97 1" rgb2="0.75 0.8 0.88" width="64"
             height="384"/>
    <texture name="table" type="2d" builtin="checker" rgb1="0.82 0.82 0.8" rgb2="0.76 0.76 0.74" width="256"
             height="256"/>
    <material name="table" texture="table" texrepeat="10 10" texuniform="true"/>
  </asset>
  <default>
    <joint armature="0.01" damping="0.1" actuatorgravcomp="true" actuatorfrcrange={torque}/>
    <geom contype="0" conaffinity="1" {dark}/>
    <default class="felt">
      <geom friction="1.5 0.02 0.0005" condim="4" solref="0.01 1"/>
    </default>
    <position kp="40" dampratio="1" forcerange={torque} ctrlrange="-3.2 3.2"/>
  </default>
  <worldbody>
    <light pos="0.6 -0.6 1.5" dir="-0.3 0.4 -1"/>
    <camera name="view" pos="1.0 -0.75 0.62" xyaxes="0.62 0.785 0 -0.32 0.253 0.913" fovy="30"/>
    <geom name="table" type="plane" size="1.5 1.5 0.1" material="table" rgba="1 1 1 1" contype="1"
          conaffinity="0"/>
    <body name="target" mocap="true">
      <geom type="sphere" size="0.02" mass="0" contype="0" conaffinity="0" rgba="0.1 0.75 0.3 0.5"/>
    </body>
    <body name="base">
      <geom type="cylinder" fromto="0 0 0 0 0 {BASE_HEIGHT}" size="0.05" mass="{MASSES["base"]}"/>
    </body>
    <body name="turret" pos="0 0 {BASE_HEIGHT}" gravcomp="1">
      {joints["base"]} axis="0 0 1"/>
      <geom type="cylinder" fromto="0 -0.03 {SHOULDER_OFFSET} 0 0.03 {SHOULDER_OFFSET}" size="0.03"
            mass="{MASSES["turret"]}"/>
      <body name="upper_arm" pos="0 0 {SHOULDER_OFFSET}" gravcomp="1">
        {joints["shoulder"]} axis="0 1 0"/>
        <geom type="capsule" fromto="0 0 0 {UPPER_ARM_OFFSET} 0 {UPPER_ARM}" size="0.02"
              mass="{MASSES["upper_arm"]}"/>
        <body name="forearm" pos="{UPPER_ARM_OFFSET} 0 {UPPER_ARM}" gravcomp="1">
          {joints["elbow"]} axis="0 1 0"/>
          <geom type="capsule" fromto="0 0 0 0 0 {FOREARM}" size="0.018" mass="{MASSES["forearm"]}" {light}/>
          <body name="wrist" pos="0 0 {FOREARM}" gravcomp="1">
            {joints["wrist"]} axis="0 1 0"/>
            <geom type="capsule" fromto="0 0 0 {WRIST_OFFSET} 0 {WRIST}" size="0.016"
                  mass="{MASSES["wrist"]}"/>
            <body name="hand" pos="{WRIST_OFFSET} 0 {WRIST}" gravcomp="1">
              {joints["roll"]} axis="0 0 1"/>
              <geom type="box" pos="0 0 0.02" size="0.014 0.026 0.015" mass="{MASSES["hand"]}" {light}/>
              <geom name="fixed_jaw" {jaw} pos="0 {FIXED_JAW - JAW_HALF} 0.08" mass="{MASSES["fixed_jaw"]}"/>
              <body name="jaw" pos="0 {MOVING_JAW + JAW_HALF} 0.035" gravcomp="1">
                {joints["gripper"]} axis="-1 0 0" ref="{JAW_PARALLEL}" armature="0.002"/>
                <geom name="jaw" {jaw} pos="0 0 0.045" mass="{MASSES["jaw"]}" rgba="0.3 0.45 0.75 1"/>
              </body>
              <site name="tool" pos="0 0 {TOOL}" size="0.004"/>
            </body>
          </body>
        </body>
      </body>
    </body>{cube_body}
  </worldbody>
  <actuator>
    {" ".join(f'<position joint="{name}"/>' for name in JOINTS[:5])}
    <position joint="gripper" kp="3"/>
  </actuator>{sensors}
</mujoco>"""
