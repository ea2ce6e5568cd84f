"""DQN on CartPole: environment steps per second after learning starts, ours beside Stable-Baselines3.

The same network (2 layers of 64 tanh units), batch of 128, one update a step, Adam, one thread. Ours is the real
training loop with the reference solution of homework 3. The two take turns, so that a noisy machine hurts both;
the ratio is the median over the pairs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

import gymnasium as gym
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback

import solutions
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.exercises import filled, get
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.scripts import run_hw3

PEERS = Path(__file__).parent / "peers"
LEARNING_STARTS = 500
WARM_UP = 500  # steps with updates before the clock starts


def ours(steps: int, seed: int) -> float:
    """Steps per second of our loop, over ``steps`` steps that each update the agent."""
    begin = LEARNING_STARTS + WARM_UP
    config = DQNBasicConfig(total_steps=begin + steps, learning_starts=LEARNING_STARTS).build()
    args = argparse.Namespace(
        seed=seed, no_gpu=True, which_gpu=0, eval_interval=10**9, log_interval=1000, num_eval_trajectories=1
    )
    update = get("hw3.update").implementation
    clock = {}

    def timed(self, obs, action, reward, next_obs, done, step):
        if step == begin:
            clock["begin"] = time.perf_counter()
        return update(self, obs, action, reward, next_obs, done, step)

    with filled({"hw3.update": timed}):
        run_hw3.run_training_loop(config, NullLogger(), args)
    return steps / (time.perf_counter() - clock["begin"])


class Clock(BaseCallback):
    """Starts at one step."""

    def __init__(self, begin: int):
        super().__init__()
        self.at = begin

    def _on_step(self) -> bool:
        if self.num_timesteps == self.at:
            self.begin = time.perf_counter()
        return True


def stable_baselines3(steps: int, seed: int) -> float:
    """Steps per second of Stable-Baselines3's DQN, over as many steps with as many updates."""
    begin = LEARNING_STARTS + WARM_UP
    model = DQN(
        "MlpPolicy",
        gym.make("CartPole-v1"),
        learning_rate=1e-3,
        buffer_size=1_000_000,
        learning_starts=LEARNING_STARTS,
        batch_size=128,
        gamma=0.99,
        train_freq=1,
        gradient_steps=1,
        target_update_interval=1000,
        exploration_fraction=0.1,
        exploration_final_eps=0.02,
        policy_kwargs={"net_arch": [64, 64], "activation_fn": torch.nn.Tanh},
        device="cpu",
        seed=seed,
    )
    clock = Clock(begin)
    model.learn(begin + steps, callback=clock)
    return steps / (time.perf_counter() - clock.begin)


def elsewhere(python: str, script: str, algorithm: str, **numbers: int) -> float:
    """Steps per second of a peer in an environment of its own, by a script of ``benchmarks/peers``."""
    words = [word for name, value in numbers.items() for word in (f"--{name}", str(value))]
    command = [python, str(PEERS / script), algorithm, *words]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1])["rate"]


def main() -> None:
    """Measure pairs and print them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=5000, help="timed steps of each run (5000)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs (5)")
    parser.add_argument("--sbx", metavar="PYTHON", help="interpreter that has SBX (left out)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.steps, args.pairs = 50, 1
    torch.set_num_threads(1)
    solutions.load("hw3")
    ours(200, seed=0), stable_baselines3(200, seed=0)  # imports and caches
    others = {"SBX": (args.sbx, "sbx_cartpole.py")}
    others = {peer: found for peer, found in others.items() if found[0]}
    rates, ratios = {name: [] for name in ("ours", "Stable-Baselines3", *others)}, []
    for pair in range(args.pairs):
        mine, theirs = ours(args.steps, seed=pair), stable_baselines3(args.steps, seed=pair)
        rates["ours"].append(mine), rates["Stable-Baselines3"].append(theirs)
        ratios.append(mine / theirs)
        print(
            f"pair {pair + 1}: ours {mine:.0f}, stable-baselines3 {theirs:.0f} steps/s, ratio {ratios[-1]:.2f}"
        )
        for peer, (python, script) in others.items():
            rates[peer].append(
                elsewhere(python, script, "dqn", begin=LEARNING_STARTS + WARM_UP, steps=args.steps, seed=pair)
            )
            print(f"pair {pair + 1}: {peer} {rates[peer][-1]:.0f} steps/s")
    print("measured:", json.dumps({"unit": "steps/s", "rates": rates}))
    print(f"ratio: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
