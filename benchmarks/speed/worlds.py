"""What the worlds cost alone, in seconds: what an agent that thinks in no time would still wait for.

Physics are MuJoCo's own calls without our code around them; other worlds are the ones that both sides step.
"""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import mujoco
import numpy as np
import torch

import solutions
from autograder.check import check
from benchmarks.speed.machine import fastest
from gcb6206 import exercises
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.envs.roarm import STEP
from gcb6206.envs.two_arm.control import SUBSTEPS
from gcb6206.envs.two_arm.simulation import Simulation
from gcb6206.infrastructure.atari_wrappers import make_atari_games

GAME, GAMES = "BankHeistNoFrameskip-v4", 8


def cartpole(seconds: float) -> float:
    """A step of Gymnasium's CartPole, with its resets."""
    env = gym.make("CartPole-v1", disable_env_checker=True)
    env.reset(seed=0)
    turn = iter(range(10**9))

    def step():
        _, _, terminated, truncated, _ = env.step(next(turn) % 2)
        if terminated or truncated:
            env.reset()

    return fastest(step, seconds)


def cartpole_batch(seconds: float) -> float:
    """A step of one of the four CartPoles that PPO steps at once."""
    config = PPOConfig()
    envs = config.build()["make_envs"](num_envs=config.num_envs)
    envs.reset(seed=0)
    actions = np.arange(config.num_envs) % 2
    return fastest(lambda: envs.step(actions), seconds) / config.num_envs


def atari(seconds: float) -> float:
    """An agent step of BankHeist, which is 4 frames, with 8 games on all cores."""
    games = make_atari_games(GAME, GAMES)
    games.reset(seed=0)
    actions = np.zeros(GAMES, np.int64)
    return fastest(lambda: games.step(actions), seconds) / GAMES


def vmas(num_envs: int) -> Callable[[float], float]:
    """A frame of so many navigation environments side by side."""

    def measure(seconds: float) -> float:
        solutions.load("hw2", "hw4")
        team = MAPPOConfig(n_agents=3).build()["make_team"](num_envs=num_envs)
        team.reset(0)
        actions = torch.zeros(num_envs, team.n_agents, team.action_size)
        with torch.no_grad():
            return fastest(lambda: team.step(actions), seconds) / num_envs

    return measure


def roarm(name: str) -> Callable[[float], float]:
    """The physics of a step of one RoArm, on one thread."""

    def measure(seconds: float) -> float:
        env = gym.make_vec(name, num_envs=1, num_threads=1)
        env.reset(seed=0)
        return _physics(env.unwrapped.model, round(STEP / env.unwrapped.model.opt.timestep), seconds)

    return measure


def two_arm(seconds: float) -> float:
    """The physics of a step of two Pandas, on one core, without their controllers."""
    simulation = Simulation()
    simulation.reset(np.random.default_rng(0))
    return _physics(simulation.model, SUBSTEPS, seconds, simulation.data)


def _physics(
    model: mujoco.MjModel, substeps: int, seconds: float, data: mujoco.MjData | None = None
) -> float:
    data = mujoco.MjData(model) if data is None else data
    begin = np.empty(mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION))
    mujoco.mj_getState(model, data, begin, mujoco.mjtState.mjSTATE_INTEGRATION)

    def step():  # from the same state each time: without a controller the arms would fall
        mujoco.mj_setState(model, data, begin, mujoco.mjtState.mjSTATE_INTEGRATION)
        mujoco.mj_step(model, data, substeps)

    return fastest(step, seconds)


def judging(seconds: float) -> float:
    """All judges of homework 3 but its training, on the reference, in this process."""
    solutions.load("hw3")
    names = [name for name in exercises.ids("hw3") if name != "hw3.convergence"]
    return fastest(lambda: [check(name) for name in names], seconds)


WORLDS = {
    "cartpole": cartpole,
    "cartpole, 4 at once": cartpole_batch,
    "atari, 8 at once": atari,
    "navigation, 60 at once": vmas(60),
    "navigation, 6000 at once": vmas(6000),
    "reach": roarm("gcb6206/RoArmReach-v0"),
    "pick and place": roarm("gcb6206/RoArmPickPlace-v0"),
    "two arms": two_arm,
    "judges": judging,
}
MANY = ("atari, 8 at once", "navigation, 60 at once", "navigation, 6000 at once")  # these use all cores
