"""PPO on CartPole: environment steps per second of one core, ours beside Stable-Baselines3.

The same settings: 4 environments, 2048 steps each, batches of 64, 10 epochs, actor and critic with 2 layers
of 64 tanh units, Adam, one thread. Ours is the real training loop with the reference solutions of homework 1.
The two take turns, so that a noisy machine hurts both, and the clock counts this process's own time; the
ratio is the median over the pairs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import solutions
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.ppo import PPORun

PEERS = Path(__file__).parent / "peers"
ROLLOUT = PPOConfig().n_steps * PPOConfig().num_envs


def ours(rollouts: int, seed: int) -> float:
    """Steps per second of our loop, over so many rollouts with their updates."""
    config = PPOConfig()
    steps = rollouts * config.n_steps * config.num_envs
    parts = PPOConfig(total_steps=steps).build()
    run = PPORun(parts, NullLogger(), argparse.Namespace(seed=seed, eval_interval=10**9, num_eval_episodes=1))
    begun = end = time.process_time()
    for progress in run.updates():
        samples = run.collect()
        run.log_update(samples, run.agent.update(samples, progress))
        end = time.process_time()  # before the evaluation at the end
    return steps / (end - begun)


def stable_baselines3(rollouts: int, seed: int) -> float:
    """Steps per second of Stable-Baselines3's PPO, over as many steps with as many updates."""
    config = PPOConfig()
    steps = rollouts * config.n_steps * config.num_envs
    model = PPO(
        "MlpPolicy",
        make_vec_env("CartPole-v1", n_envs=config.num_envs, seed=seed),
        learning_rate=config.learning_rate,
        n_steps=config.n_steps,
        batch_size=config.batch_size,
        n_epochs=config.n_epochs,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        clip_range=config.clip_range,
        policy_kwargs={"net_arch": [64, 64], "activation_fn": torch.nn.Tanh},
        device="cpu",
        seed=seed,
    )
    begun = time.process_time()
    model.learn(steps)
    return steps / (time.process_time() - begun)


def elsewhere(python: str, script: str, algorithm: str, **numbers: int) -> float:
    """Steps per second of a peer in an environment of its own, by a script of ``benchmarks/peers``."""
    words = [word for name, value in numbers.items() for word in (f"--{name}", str(value))]
    command = [python, str(PEERS / script), algorithm, *words]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed.splitlines()[-1])["rate"]


def main() -> None:
    """Measure pairs and print them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rollouts", type=int, default=3, help="rollouts of 8192 steps in each run (3)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs (5)")
    parser.add_argument("--sbx", metavar="PYTHON", help="interpreter that has SBX (left out)")
    parser.add_argument("--rllib", metavar="PYTHON", help="interpreter that has RLlib (left out)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.rollouts, args.pairs = 1, 1
    torch.set_num_threads(1)
    solutions.load("hw1")
    ours(1, seed=0), stable_baselines3(1, seed=0)  # imports and caches
    others = {"SBX": (args.sbx, "sbx_cartpole.py"), "RLlib": (args.rllib, "rllib_cartpole.py")}
    others = {peer: found for peer, found in others.items() if found[0]}
    rates, ratios = {name: [] for name in ("ours", "Stable-Baselines3", *others)}, []
    for pair in range(args.pairs):
        mine, theirs = ours(args.rollouts, seed=pair), stable_baselines3(args.rollouts, seed=pair)
        rates["ours"].append(mine), rates["Stable-Baselines3"].append(theirs)
        ratios.append(mine / theirs)
        print(
            f"pair {pair + 1}: ours {mine:.0f}, stable-baselines3 {theirs:.0f} steps/s, "
            f"ratio {ratios[-1]:.2f}"
        )
        for peer, (python, script) in others.items():
            rates[peer].append(
                elsewhere(python, script, "ppo", begin=ROLLOUT, steps=args.rollouts * ROLLOUT, seed=pair)
            )
            print(f"pair {pair + 1}: {peer} {rates[peer][-1]:.0f} steps/s")
    print(f"from {min(ratios):.2f} to {max(ratios):.2f}")
    print("measured:", json.dumps({"unit": "steps/s", "rates": rates}))
    print(f"ratio: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
