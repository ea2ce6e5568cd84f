"""Scripted policies for the RoArm-M3 that know the arm's geometry: what a learned policy is measured against.

They read nothing but the observation, one arm at a time, and keep no memory.
"""

from __future__ import annotations

import numpy as np

from gcb6206.envs.roarm import (
    LIFTED,
    MAX_INCREMENT,
    MAX_LEAD,
    MAX_LENGTH,
    NEAR,
    RoArmPickPlaceVectorEnv,
    RoArmReachVectorEnv,
)
from gcb6206.envs.roarm_model import (
    CUBE_HALF,
    JAW_PARALLEL,
    JOINT_LIMITS,
    PUBLISHED_LIMITS,
    UnreachableError,
    inverse_kinematics,
)

HOVER = 0.09  # m: the height at which the cube is approached and carried
OPEN, CLOSED = 0.9, 0.0  # rad
DOWN = -np.pi / 2


def reach(observation: np.ndarray, joint_limits: str = "published") -> np.ndarray:
    """Straight to the joint angles that inverse kinematics gives for the target: an action ``(5,)``."""
    limits = np.vstack([JOINT_LIMITS[joint_limits], PUBLISHED_LIMITS[5:]])
    parts = _split(observation, RoArmReachVectorEnv.FIELDS)
    joints, setpoint = _joints(parts, limits)
    goal = (parts["tool"] + parts["to_goal"]) * MAX_LENGTH
    return _towards(inverse_kinematics(goal, limits=limits, near=joints), setpoint)


def pick_and_place(observation: np.ndarray, joint_limits: str = "published") -> np.ndarray:
    """Hover, descend, close, lift, carry, lower, open, leave, as the state says: an action ``(6,)``."""
    limits = np.vstack([JOINT_LIMITS[joint_limits], PUBLISHED_LIMITS[5:]])
    parts = _split(observation, RoArmPickPlaceVectorEnv.FIELDS)
    joints, setpoint = _joints(parts, limits)
    tool, cube = parts["tool"] * MAX_LENGTH, parts["cube"] * MAX_LENGTH
    goal = cube + parts["to_goal"] * MAX_LENGTH
    to_goal, beside = np.linalg.norm((goal - cube)[:2]), np.linalg.norm((cube - tool)[:2])
    yaw = np.arctan2(parts["cube_axes"][1], parts["cube_axes"][0])
    roll = (joints[0] - yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4  # jaws along the cube's faces
    put_down = parts["reached"][2] and to_goal < NEAR / 2 and cube[2] < CUBE_HALF + 0.004

    if put_down:  # open, then leave
        opened = joints[5] > JAW_PARALLEL + 0.2
        place, gripper = tool + [0.0, 0.0, 0.05 * opened], OPEN
    elif parts["touch"].all():
        place, gripper, roll = tool + goal - cube, CLOSED, joints[4]
        if to_goal > NEAR / 3:
            place[2] = HOVER
        if to_goal > NEAR and cube[2] < CUBE_HALF + LIFTED:
            place[:2] = tool[:2]
    elif beside < 0.008 and tool[2] < cube[2] + 0.006:
        place, gripper = tool, CLOSED
    else:  # a funnel: the further beside the cube, the higher above it
        place, gripper = cube + [0.0, 0.0, np.clip(8 * (beside - 0.004), 0.0, HOVER)], OPEN
    try:
        arm = inverse_kinematics(place, DOWN, roll, limits, near=joints[:5])
    except UnreachableError:  # narrow limits: it cannot get there from straight above, and stands still
        return np.zeros(6, np.float32)
    return _towards(np.append(arm, gripper), setpoint)


def _split(observation: np.ndarray, fields: dict[str, int]) -> dict[str, np.ndarray]:
    """The parts of an observation by name."""
    ends = np.cumsum(list(fields.values()))[:-1]
    return dict(zip(fields, np.split(np.asarray(observation, float), ends), strict=True))


def _joints(parts: dict[str, np.ndarray], limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joint angles and set-points, rad."""
    limits = limits[: len(parts["joints"])]
    joints = limits.mean(axis=1) + parts["joints"] * np.ptp(limits, axis=1) / 2
    return joints, joints + parts["leads"] * MAX_LEAD


def _towards(wanted: np.ndarray, setpoint: np.ndarray) -> np.ndarray:
    """The action that moves the set-points towards the wanted angles, the arm's five in step."""
    action = (wanted - setpoint) / MAX_INCREMENT[: len(wanted)]
    action[:5] /= max(1.0, np.abs(action[:5]).max())
    return action.clip(-1, 1).astype(np.float32)
