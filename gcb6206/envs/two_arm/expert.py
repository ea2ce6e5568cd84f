"""A scripted expert: it knows the geometry of the task, and is in the hole after about 40 steps.

    align:   turn the peg's axis and the plate's normal to each other, and back off along the axis
    centre:  0.25 m before the plate, bring the axis into the hole's middle
    push:    along the axis, until the peg's middle is in the plate; both errors are still corrected

Each arm does half of what is left. The expert looks at the simulation, which no agent does.
"""

from __future__ import annotations

import numpy as np

from gcb6206.envs.two_arm.control import LARGEST_MOVE, LARGEST_TURN
from gcb6206.envs.two_arm.env import TwoArmPegInHole
from gcb6206.envs.two_arm.simulation import Simulation

STAND_OFF = 0.25  # m from the peg's middle to the plate, where it is centred
CLEAR = 0.07  # m: so much nearer the peg's tip does not touch the plate yet
ANGLE, ANGLE_PUSHING = 0.15, 0.3  # rad: a push begins within the first, and goes on within the second
OFF, OFF_PUSHING = 0.015, 0.03  # m, likewise, of the axis from the hole's middle
LARGEST_RETREAT, LARGEST_PUSH = 0.2, 0.05  # m along the axis asked for at once: a slow push stays straight
GAIN = 1.2  # how much of the error is asked for at once


def expert_action(simulation: Simulation, push: bool = True) -> np.ndarray:
    """What the expert does now.

    Args:
        simulation: the arms.
        push: False stays before the plate, aligned and centred.

    Returns:
        ``(2, 6)`` from -1 to 1: arm 0 with the peg, arm 1 with the plate.
    """
    axis, normal, way = simulation.axes()
    normal = normal if normal @ axis >= 0 else -normal  # the plate may be entered from either side
    turn = np.cross(axis, normal)
    sine = np.linalg.norm(turn)
    angle = np.arctan2(sine, normal @ axis)
    turn = turn * (angle / sine) if sine > 1e-9 else turn
    along = way @ axis
    across = way - along * axis
    off = np.linalg.norm(across)
    begins = angle < ANGLE and off < OFF
    goes_on = along < STAND_OFF - 0.03 and angle < ANGLE_PUSHING and off < OFF_PUSHING
    pushing = push and (begins or goes_on)
    forward = np.clip(along - (0.0 if pushing else STAND_OFF), -LARGEST_RETREAT, LARGEST_PUSH)
    move = forward * axis + (across if pushing or along > STAND_OFF - CLEAR else 0.0)
    action = np.empty((2, 6))
    for arm, share in ((0, 0.5), (1, -0.5)):
        to_base = simulation.base[arm].T
        action[arm, :3] = to_base @ move * share * GAIN / LARGEST_MOVE
        action[arm, 3:] = to_base @ turn * share * GAIN / LARGEST_TURN
    return np.clip(action, -1.0, 1.0)


def expert_episode(
    env: TwoArmPegInHole, seed: int | None, steps: int, noise: float = 0.0
) -> dict[str, np.ndarray]:
    """Play an episode with the expert.

    Args:
        env: in images mode, if pictures are wanted.
        seed: of the episode, its noise too; None goes on with the environment's random stream.
        steps: how many.
        noise: standard deviation of what is added to the expert's actions: it then visits places from which it has to
            recover, and what it wants there is told (Laskey et al. 2017, DART).

    Returns:
        Arrays ``(steps, ...)``: ``action`` and ``executed`` ``(2, 6)`` float32, what the expert wanted, and what was
        done; before each step ``proprio (2, 46)`` float32 and in images mode ``pictures (3, size, size, 3)`` uint8
        (front, wrists); after it ``state (STATE_SIZE,)``, ``reward`` and ``success``.
    """
    observation, _ = env.begin(seed)
    kept = []
    for _ in range(steps):
        action = expert_action(env.simulation)
        executed = np.clip(action + noise * env.rng.standard_normal(action.shape), -1.0, 1.0)
        step = {"action": action.astype(np.float32), "executed": executed.astype(np.float32)}
        step["proprio"] = env.simulation.proprio().astype(np.float32)
        if env.observation == "images":
            images = observation["images"]
            step["pictures"] = np.stack([images[0, 0], images[0, 1], images[1, 1]])
        observation, step["reward"], _, _, info = env.advance(executed)
        kept.append({**step, "state": env.simulation.state(), "success": info["success"]})
    return {name: np.array([step[name] for step in kept]) for name in kept[0]}


def expert_states(episodes: int, steps: int, seed: int, env_kwargs: dict | None = None) -> np.ndarray:
    """Where the expert comes along: states for other episodes to begin at.

    Args:
        episodes, steps: how many, and how long.
        seed: of the episodes.
        env_kwargs: of ``TwoArmPegInHole``.

    Returns:
        ``(episodes * steps, STATE_SIZE)``.
    """
    env = TwoArmPegInHole(**(env_kwargs or {}))
    seeds = [seed, *[None] * (episodes - 1)]
    return np.concatenate([expert_episode(env, s, steps)["state"] for s in seeds])
