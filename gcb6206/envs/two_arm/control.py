"""Operational-space control of both arms (Khatib 1987), compiled: what robosuite's ``OSC_POSE`` does in Python.

    goal:     x* = x + R_base dx,   R* = R_base exp(dw) R_base^T R         once a step, from where the hand is
    force:    f = kp (x* - x) - kd v,   m = kp e(R*, R) - kd w             every 2 ms, as all that follows
    joints:   tau = J^T (L_x f, L_w m) + bias + (1 - J^T L J M^-1) M (10 (q0 - q) - 2 sqrt(10) qd)
              with L = (J M^-1 J^T)^-1 of position, orientation, or both; q0: the posture that the episode began with
    physics:  mj_step1, the torques of both arms, mj_step2

The matrices that robosuite inverts are not inverted here: Cholesky factors solve the equations, which differs by
rounding. MuJoCo's functions are called from the compiled loop by their addresses in its shared library.
"""

from __future__ import annotations

import ctypes
import math
from pathlib import Path

import llvmlite.binding
import mujoco
import numpy as np
from numba import njit, types

SUBSTEPS = 25  # of 2 ms: control at 20 Hz
JOINTS = 7
LARGEST_MOVE = 0.05  # m, of a goal from the hand: action 1
LARGEST_TURN = 0.5  # rad
KP, KD = 150.0, 2.0 * math.sqrt(150.0)
POSTURE_KP, POSTURE_KD = 10.0, 2.0 * math.sqrt(10.0)


def _library() -> str:
    """MuJoCo's shared library, which the package ``mujoco`` has loaded already."""
    folder = Path(mujoco.__file__).parent
    found = [p for p in folder.glob("*mujoco*") if p.suffix in (".so", ".dylib", ".dll") or ".so." in p.name]
    for path in sorted(found):
        if hasattr(ctypes.CDLL(str(path)), "mj_step1"):
            return str(path)
    raise ImportError(f"no MuJoCo library in {folder}: install mujoco=={mujoco.__version__} again")


llvmlite.binding.load_library_permanently(_library())
_pointer = types.uintp
_mj_step1 = types.ExternalFunction("mj_step1", types.void(_pointer, _pointer))
_mj_step2 = types.ExternalFunction("mj_step2", types.void(_pointer, _pointer))
_mj_full_m = types.ExternalFunction("mj_fullM", types.void(_pointer, _pointer, _pointer))
_mj_jac_site = types.ExternalFunction(
    "mj_jacSite", types.void(_pointer, _pointer, _pointer, _pointer, types.intc)
)


@njit(cache=True)
def _factor(a: np.ndarray) -> None:
    """Overwrite a positive definite matrix's lower triangle with its Cholesky factor."""
    for j in range(a.shape[0]):
        for i in range(j, a.shape[0]):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            a[i, j] = math.sqrt(total) if i == j else total / a[j, j]


@njit(cache=True)
def _solve(factor: np.ndarray, b: np.ndarray) -> None:
    """Overwrite b with what the matrix of this factor takes to b."""
    n = factor.shape[0]
    for i in range(n):
        for k in range(i):
            b[i] -= factor[i, k] * b[k]
        b[i] /= factor[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            b[i] -= factor[k, i] * b[k]
        b[i] /= factor[i, i]


@njit(cache=True)
def _rotation(turn: np.ndarray) -> np.ndarray:
    """The rotation matrix of an axis times an angle, ``(3,)``."""
    angle = math.sqrt(turn[0] ** 2 + turn[1] ** 2 + turn[2] ** 2)
    rotation = np.eye(3)
    if angle > 0.0:
        x, y, z = turn / angle
        cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        rotation += math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)
    return rotation


@njit(cache=True)
def _turn_left(goal: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Half the sum of the cross products of the columns of two rotations: the turn from one to the other."""
    error = np.zeros(3)
    for c in range(3):
        error[0] += 0.5 * (now[1, c] * goal[2, c] - now[2, c] * goal[1, c])
        error[1] += 0.5 * (now[2, c] * goal[0, c] - now[0, c] * goal[2, c])
        error[2] += 0.5 * (now[0, c] * goal[1, c] - now[1, c] * goal[0, c])
    return error


@njit(cache=True)
def _torques(mass, jacobian, force, posture, bias) -> np.ndarray:
    """Torques of one arm.

    Args:
        mass: ``(7, 7)``; overwritten.
        jacobian: ``(6, 7)``, of the hand: position, then orientation.
        force: ``(6,)``, the wanted acceleration of the hand.
        posture: ``(7,)``, the wanted acceleration of the joints where it does not move the hand.
        bias: ``(7,)``, gravity and the like.

    Returns:
        ``(7,)``.
    """
    torques = bias + mass @ posture
    _factor(mass)
    half = np.empty((6, JOINTS))  # inverse of the factor, times J^T, row by row
    for row in range(6):
        for i in range(JOINTS):
            total = jacobian[row, i]
            for k in range(i):
                total -= mass[i, k] * half[row, k]
            half[row, i] = total / mass[i, i]
    mobility = half @ half.T  # J M^-1 J^T
    position, orientation = mobility[:3, :3].copy(), mobility[3:, 3:].copy()
    _factor(position)
    _factor(orientation)
    _factor(mobility)
    wrench = force.copy()
    _solve(position, wrench[:3])
    _solve(orientation, wrench[3:])
    hindered = jacobian @ posture
    _solve(mobility, hindered)
    return torques + jacobian.T @ (wrench - hindered)


@njit(cache=True)
def control_step(
    model,
    data,
    action,
    posture,
    hands,
    base,
    lowest,
    highest,
    qpos,
    qvel,
    ctrl,
    bias,
    inertia,
    position,
    matrix,
):
    """One step of both arms, ``SUBSTEPS`` of physics.

    Args:
        model, data: addresses of MuJoCo's structures.
        action: ``(2, 6)``: move and turn in the arm's base frame, each from -1 to 1; what is beyond is clipped.
        posture: ``(2, 7)``, the joints' positions to which the arms lean.
        hands: ``(2,)``, the sites that are controlled.
        base: ``(2, 3, 3)``, orientations of the arms' base frames.
        lowest, highest: ``(14,)``, the motors' limits.
        qpos, qvel, ctrl, bias, inertia, position, matrix: views of MuJoCo's ``qpos``, ``qvel``, ``ctrl``,
            ``qfrc_bias``, ``qM``, ``site_xpos``, ``site_xmat``.
    """
    joints = qvel.shape[0]
    full, jacobian = np.empty((joints, joints)), np.empty((6, joints))
    goal_position, goal_matrix = np.empty((2, 3)), np.empty((2, 3, 3))
    force = np.empty(6)
    for substep in range(SUBSTEPS):
        _mj_step1(model, data)
        _mj_full_m(model, full.ctypes.data, inertia.ctypes.data)
        for arm in range(2):
            site, first = hands[arm], arm * JOINTS
            own = slice(first, first + JOINTS)
            now = matrix[site].copy().reshape(3, 3)
            if substep == 0:
                asked = np.minimum(1.0, np.maximum(-1.0, action[arm]))
                goal_position[arm] = position[site] + base[arm] @ (LARGEST_MOVE * asked[:3])
                local = base[arm].T @ now
                goal_matrix[arm] = base[arm] @ (_rotation(LARGEST_TURN * asked[3:]) @ local)
            start = jacobian.ctypes.data
            _mj_jac_site(model, data, start, start + 3 * joints * 8, site)
            reach = jacobian[:, own].copy()
            speed = reach @ qvel[own]
            force[:3] = KP * (goal_position[arm] - position[site]) - KD * speed[:3]
            force[3:] = KP * _turn_left(goal_matrix[arm], now) - KD * speed[3:]
            lean = POSTURE_KP * (posture[arm] - qpos[own]) - POSTURE_KD * qvel[own]
            torques = _torques(full[own, own].copy(), reach, force, lean, bias[own])
            ctrl[own] = np.minimum(highest[own], np.maximum(lowest[own], torques))
        _mj_step2(model, data)
