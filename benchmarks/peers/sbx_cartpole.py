"""SBX (Stable-Baselines3 in JAX) on CartPole, for ``--sbx`` of ``dqn_cartpole.py`` and ``ppo_cartpole.py``.

JAX does not belong to this course's packages, so SBX needs an environment of its own:

    python -m venv build/sbx
    build/sbx/bin/pip install sbx-rl==0.28.0 gymnasium==1.4.0

Same settings as Stable-Baselines3's side there; one thread. Prints one line of JSON: steps per second after the
functions are compiled, by the clock for DQN, and of the process's own time for PPO, as those programs count.
"""

from __future__ import annotations

import argparse
import json
import os
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import gymnasium as gym
import jax.numpy as jnp
import torch
from sbx import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

NETWORK = {"net_arch": [64, 64], "activation_fn": jnp.tanh}


class Clock(BaseCallback):
    """Starts at the first step from ``at`` on; both clocks."""

    def __init__(self, at: int):
        super().__init__()
        self.at, self.begun = at, None

    def _on_step(self) -> bool:
        if self.begun is None and self.num_timesteps >= self.at:
            self.begun, self.first = (time.perf_counter(), time.process_time()), self.num_timesteps
        return True


def dqn(begin: int, steps: int, seed: int) -> float:
    """Steps per second by the clock, each with an update."""
    model = DQN(
        "MlpPolicy", gym.make("CartPole-v1"), learning_rate=1e-3, buffer_size=1_000_000, learning_starts=begin // 2,
        batch_size=128, gamma=0.99, train_freq=1, gradient_steps=1, target_update_interval=1000,
        exploration_fraction=0.1, exploration_final_eps=0.02, policy_kwargs=NETWORK, seed=seed,
    )  # fmt: skip
    clock = Clock(begin)
    model.learn(begin + steps, callback=clock)
    return (model.num_timesteps - clock.first) / (time.perf_counter() - clock.begun[0])


def ppo(rollout: int, steps: int, seed: int) -> float:
    """Steps per second of the process's time, after a rollout with its update."""
    model = PPO(
        "MlpPolicy", make_vec_env("CartPole-v1", n_envs=4, seed=seed), learning_rate=3e-4, n_steps=rollout // 4,
        batch_size=64, n_epochs=10, gamma=0.99, gae_lambda=0.95, clip_range=0.2, policy_kwargs=NETWORK, seed=seed,
    )  # fmt: skip
    clock = Clock(rollout + 4)
    model.learn(rollout + steps, callback=clock)
    return steps / (time.process_time() - clock.begun[1])


def main() -> None:
    """Run once and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("algorithm", choices=("dqn", "ppo"))
    parser.add_argument("--begin", type=int, default=1000, help="steps before the clock starts (1000)")
    parser.add_argument("--steps", type=int, default=5000, help="timed steps (5000)")
    parser.add_argument("--seed", type=int, default=0, help="seed (0)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    run = {"dqn": dqn, "ppo": ppo}[args.algorithm]
    print(json.dumps({"rate": run(args.begin, args.steps, args.seed)}))


if __name__ == "__main__":
    main()
