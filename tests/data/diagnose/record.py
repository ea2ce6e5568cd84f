"""Record the runs that ``tests/test_diagnose.py`` reads: healthy ones, and ones broken on purpose.

    python tests/data/diagnose/record.py                       # all of them with seed 1
    python tests/data/diagnose/record.py lr_high lr_low --seed 2 --to DIR

Each becomes a CSV file: one row for each logged step, one column for each tag, empty where the step has none.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import functools
import tempfile
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from gymnasium.wrappers import TransformReward
from gymnasium.wrappers import vector as vector_wrappers

import solutions
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.envs.vector import make_vector_env
from gcb6206.exercises import filled
from gcb6206.infrastructure.logger import Logger
from gcb6206.scripts import run_ppo
from gcb6206.scripts.parse_tensorboard import read_scalars
from solutions import hw1

HERE = Path(__file__).parent
SHORT = {"total_steps": 40_960, "n_steps": 256}  # 40 updates of 4 * 256 samples
PENDULUM = {"env_name": "Pendulum-v1", "n_steps": 1024, "gamma": 0.9, "learning_rate": 1e-3}
ROARM = {  # as experiments/ppo/roarm_reach.yaml has it
    "env_name": "gcb6206/RoArmReach-v0", "num_envs": 16, "n_steps": 128, "batch_size": 128, "n_epochs": 5,
    "learning_rate": 5e-4, "learning_rate_final": 5e-5, "log_std_init": -0.5,
}  # fmt: skip


class Later:
    """Calls ``before`` on its argument for so many calls, and ``after`` from then on."""

    def __init__(self, calls: int, before, after):
        self.left, self.before, self.after = calls, before, after

    def __call__(self, value):
        self.left -= 1
        return self.before(value) if self.left >= 0 else self.after(value)


def same(value):
    return value


def scaled_rewards(name, num_envs):
    return vector_wrappers.TransformReward(make_vector_env(name, num_envs), lambda reward: 1e6 * reward)


def swapped_actions(name, num_envs):
    """Left becomes right after 6144 steps of each environment: 60% of the run."""
    env = make_vector_env(name, num_envs)
    return vector_wrappers.TransformAction(env, Later(6144, same, lambda action: 1 - action))


class NanObservations(gym.vector.VectorWrapper):
    """A sensor that fails after 6144 steps of each environment."""

    steps = 0

    def step(self, actions):
        observations, *rest = super().step(actions)
        self.steps += 1
        return observations * (np.nan if self.steps > 6144 else 1.0), *rest


def nan_observations(name, num_envs):
    return NanObservations(make_vector_env(name, num_envs))


def constant_rewards(name, num_envs):
    return vector_wrappers.TransformReward(make_vector_env(name, num_envs), lambda reward: 0.0 * reward)


def flipped_advantage(log_prob, old_log_prob, advantage, clip_range):
    return hw1.policy_loss(log_prob, old_log_prob, -advantage, clip_range)


def spent_after_a_tenth(start, end, progress):
    return hw1.linear_schedule(start, end, 10.0 * progress)


# name: (fields of PPOConfig, what else is planted: environments, agent arguments, exercises filled wrongly)
OURS = {
    "healthy_cartpole_default": ({"total_steps": 100_000}, {}),
    "healthy_cartpole_annealed": ({**SHORT, "learning_rate": 1e-3, "learning_rate_final": 0.0}, {}),
    "healthy_cartpole_short_rollouts": (SHORT, {}),
    "healthy_cartpole_100_epochs": ({**SHORT, "n_epochs": 100}, {}),  # does it no harm
    "healthy_pendulum": ({**PENDULUM, "total_steps": 122_880}, {}),
    "healthy_pendulum_60_epochs": ({**PENDULUM, "total_steps": 32_768, "n_epochs": 60}, {}),  # nor this
    "healthy_roarm": ({**ROARM, "total_steps": 131_072}, {}),
    "lr_high": ({**SHORT, "learning_rate": 0.03}, {}),
    "lr_low": ({**SHORT, "learning_rate": 3e-7}, {}),
    "lr_rises": ({**SHORT, "learning_rate_final": 0.03}, {}),
    "lr_spent": (
        {**SHORT, "learning_rate_final": 0.0},
        {"exercises": {"hw1.linear_schedule": spent_after_a_tenth}},
    ),
    "clip_wide": ({**SHORT, "clip_range": 1.0, "n_epochs": 30}, {}),
    "clip_tight": ({**SHORT, "clip_range": 0.001}, {}),
    "kl_zero": ({**SHORT, "learning_rate": 3e-5, "n_epochs": 1}, {}),
    "entropy_high": ({**SHORT, "ent_coef": 1.0}, {}),
    "entropy_sign": (SHORT, {"agent": {"ent_coef": (-1.0, -1.0)}}),
    "gamma_zero": ({**SHORT, "gamma": 0.0}, {}),
    "reward_scale": (SHORT, {"envs": scaled_rewards}),
    "reward_constant": (SHORT, {"envs": constant_rewards}),
    "nan_observation": (SHORT, {"envs": nan_observations}),
    "no_critic": ({**SHORT, "vf_coef": 0.0}, {}),
    "advantage_sign": (SHORT, {"exercises": {"hw1.policy_loss": flipped_advantage}}),
    "actions_swapped": (SHORT, {"envs": swapped_actions}),
    "pendulum_lr_high": ({**PENDULUM, "total_steps": 81_920, "learning_rate": 0.1}, {}),
    "pendulum_lr_low": ({**PENDULUM, "total_steps": 81_920, "learning_rate": 1e-6}, {}),
    "pendulum_advantage_sign": (
        {**PENDULUM, "total_steps": 81_920},
        {"exercises": {"hw1.policy_loss": flipped_advantage}},
    ),
    "pendulum_gamma_low": ({**PENDULUM, "total_steps": 81_920, "gamma": 0.5}, {}),
}


def sb3_nan_reward(env):
    return TransformReward(env, Later(6144, same, lambda reward: float("nan")))


# name: (environment, steps, arguments of stable_baselines3.PPO, wrapper of each environment)
SB3 = {
    "sb3_healthy_cartpole": ("CartPole-v1", 100_000, {"n_steps": 2048}, same),
    "sb3_healthy_pendulum": (
        "Pendulum-v1",
        81_920,
        {"n_steps": 1024, "gamma": 0.9, "learning_rate": 1e-3},
        None,
    ),
    "sb3_lr_high": ("CartPole-v1", 40_960, {"learning_rate": 0.03}, same),
    "sb3_lr_low": ("CartPole-v1", 40_960, {"learning_rate": 3e-7}, same),
    "sb3_nan_reward": ("CartPole-v1", 40_960, {}, sb3_nan_reward),
    "sb3_entropy_high": ("Pendulum-v1", 40_960, {"gamma": 0.9, "learning_rate": 1e-3, "ent_coef": 1.0}, same),
}


def run_ours(name: str, seed: int, log_dir: Path) -> None:
    """A run as ``run_ppo`` does it, with its fault planted, and no evaluations."""
    fields, planted = OURS[name]
    config = PPOConfig(**fields)
    parts = {**config.build(), "settings": dataclasses.asdict(config)}
    if "envs" in planted:
        parts["make_envs"] = functools.partial(planted["envs"], config.env_name)
    parts["agent_kwargs"] = {**parts["agent_kwargs"], **planted.get("agent", {})}
    args = argparse.Namespace(seed=seed, eval_interval=10**9, num_eval_episodes=1, checkpoint_interval=0)
    logger = Logger(log_dir)
    with filled(planted.get("exercises", {})):
        run_ppo.run_training(parts, logger, args)
    logger.close()


def run_sb3(name: str, seed: int, log_dir: Path) -> None:
    """A run of Stable-Baselines3 with its TensorBoard log; one that NaN ends leaves the log it has."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.logger import configure

    env_name, steps, arguments, wrapper = SB3[name]
    env = make_vec_env(lambda: wrapper(gym.make(env_name)), n_envs=4, seed=seed)  # Monitor comes outside
    model = PPO("MlpPolicy", env, seed=seed, device="cpu", **{"n_steps": 256, **arguments})
    model.set_logger(configure(str(log_dir), ["tensorboard"]))
    try:
        model.learn(steps)
    except ValueError as error:
        print(f"{name} ended with ValueError: {str(error).splitlines()[0]}")
    model.logger.close()


def write_csv(path: Path, command: str, log_dir: Path) -> None:
    """A run's rollout and train scalars as a table; a comment in the first line tells where they are from."""
    scalars = {
        tag: curve for tag, curve in read_scalars(log_dir).items() if not tag.startswith(("time/", "eval/"))
    }
    table = {tag: dict(zip(*curve, strict=True)) for tag, curve in scalars.items()}
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(f"# {command}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", *sorted(table)])
        for step in sorted(set().union(*table.values())):
            cells = (table[tag].get(step) for tag in sorted(table))
            writer.writerow([step, *("" if cell is None else f"{cell:.4g}" for cell in cells)])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join([*OURS, *SB3])} (all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=Path, default=HERE, metavar="DIR", help="where the CSV files go (here)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    solutions.load("hw1")
    args.to.mkdir(parents=True, exist_ok=True)
    for name in args.names or [*OURS, *SB3]:
        with tempfile.TemporaryDirectory() as log_dir:
            (run_ours if name in OURS else run_sb3)(name, args.seed, Path(log_dir))
            command = f"python tests/data/diagnose/record.py {name} --seed {args.seed}"
            write_csv(args.to / f"{name}_seed{args.seed}.csv", command, Path(log_dir))


if __name__ == "__main__":
    main()
