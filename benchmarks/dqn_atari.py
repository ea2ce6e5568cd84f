"""DQN on BankHeist: agent steps per second after learning starts, our fast loop beside Stable-Baselines3.

The same network, batch of 32, one update for every 4 agent steps, Adam, the same wrappers' settings and as many games
at once, all cores of the CPU. Ours is the fast loop with the reference solution of homework 3. The two take turns, so
that a noisy machine hurts both; the ratio is the median over the pairs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

import solutions
from gcb6206.env_configs.dqn_atari_config import DQNAtariConfig
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.dqn_fast import FastRun

GAME = "BankHeistNoFrameskip-v4"
UPDATE_PERIOD = 4
CAPACITY = 10_000


def ours(steps: int, games: int, starts: int, precision: str, seed: int) -> float:
    """Agent steps per second of our fast loop, over ``steps`` steps."""
    config = DQNAtariConfig(
        env_name=GAME, fast=True, num_envs=games, update_period=UPDATE_PERIOD, replay_buffer_capacity=CAPACITY,
        total_steps=2 * starts + steps, learning_starts=starts, precision=precision, longest_episode=1,
    ).build()  # fmt: skip
    args = argparse.Namespace(
        seed=seed, no_gpu=True, which_gpu=0, eval_interval=0, log_interval=1000, num_eval_trajectories=1
    )
    run, begin = FastRun(config, NullLogger(), args), None
    run.evaluates = False
    for _ in run.rounds():
        if (
            begin is None and run.done >= 2 * starts
        ):  # as many steps with updates as before learning, to warm up
            begin, first = time.perf_counter(), run.done
        run.collect()
        run.learn()
    run.learner.shutdown()
    return (run.done - first) / (time.perf_counter() - begin)


class Clock(BaseCallback):
    """Starts at one step."""

    def __init__(self, begin: int):
        super().__init__()
        self.at, self.begin = begin, None

    def _on_step(self) -> bool:
        if self.begin is None and self.num_timesteps >= self.at:
            self.begin, self.first = time.perf_counter(), self.num_timesteps
        return True


def stable_baselines3(steps: int, games: int, starts: int, seed: int) -> float:
    """Agent steps per second of Stable-Baselines3's DQN, over as many steps with as many updates."""
    wrappers = {"noop_max": 30, "frame_skip": 4, "terminal_on_life_loss": False, "clip_reward": True}
    model = DQN(
        "CnnPolicy",
        VecFrameStack(make_atari_env(GAME, games, seed, wrapper_kwargs=wrappers), 4),
        learning_rate=1e-4,
        buffer_size=CAPACITY,
        learning_starts=starts,
        batch_size=32,
        gamma=0.99,
        train_freq=max(1, UPDATE_PERIOD // games),
        gradient_steps=max(1, games // UPDATE_PERIOD),
        target_update_interval=2000,
        exploration_fraction=0.5,
        exploration_final_eps=0.01,
        device="cpu",
        seed=seed,
    )
    clock = Clock(2 * starts)
    model.learn(2 * starts + steps, callback=clock)
    return (model.num_timesteps - clock.first) / (time.perf_counter() - clock.begin)


def main() -> None:
    """Measure pairs and print them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=2000, help="timed agent steps of each run (2000)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs (5)")
    parser.add_argument("--games", type=int, default=8, choices=(1, 2, 4, 8, 16), help="games at once (8)")
    parser.add_argument("--precision", default="auto", help="ours: float32, bfloat16 or auto (auto)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    starts = 400
    if args.smallest:
        args.steps, args.pairs, starts = 32, 1, 32
    solutions.load("hw3")
    rates, ratios = {"ours": [], "Stable-Baselines3": []}, []
    for pair in range(args.pairs):
        mine = ours(args.steps, args.games, starts, args.precision, seed=pair)
        theirs = stable_baselines3(args.steps, args.games, starts, seed=pair)
        rates["ours"].append(mine), rates["Stable-Baselines3"].append(theirs)
        ratios.append(mine / theirs)
        print(
            f"pair {pair + 1}: ours {mine:.0f}, stable-baselines3 {theirs:.0f} steps/s, ratio {ratios[-1]:.2f}"
        )
    print("measured:", json.dumps({"unit": "steps/s", "rates": rates}))
    print(f"ratio: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
