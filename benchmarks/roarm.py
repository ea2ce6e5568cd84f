"""The RoArm-M3 environments: steps per second, one at a time and in batches, with random actions.

The peer is Gymnasium's own vector environment: 16 single arms, one after the other. The ratio is that of our batch of
16 on one thread to it, the lower one of the two tasks. Episodes end and begin anew during the measurement, as in
training. Sizes take turns, so that a noisy machine hurts all; what is printed is the median over the rounds and their
range.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time

import gymnasium as gym

import gcb6206.envs  # noqa: F401  (registers the environments)

PEER = "SyncVectorEnv of 16"


def single(name: str, seconds: float) -> tuple[float, float]:
    """One environment made by ``gymnasium.make``: steps per second, and processor time of a step in us."""
    env = gym.make(name)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(256)]

    def step(i: int) -> int:
        _, _, terminated, truncated, _ = env.step(actions[i % 256])
        if terminated or truncated:
            env.reset()
        return 1

    rates = measure(step, seconds)
    env.close()
    return rates


def batch(name: str, num_envs: int, seconds: float, **kwargs) -> tuple[float, float]:
    """A batch made by ``gymnasium.make_vec``: the same, over all its arms."""
    envs = gym.make_vec(name, num_envs=num_envs, **kwargs)
    envs.reset(seed=0)
    envs.action_space.seed(0)
    actions = [envs.action_space.sample() for _ in range(16)]

    def step(i: int) -> int:
        envs.step(actions[i % 16])
        return num_envs

    rates = measure(step, seconds)
    envs.close()
    return rates


def measure(step, seconds: float) -> tuple[float, float]:
    """Call ``step(i)``, which says how many steps it took, for some seconds."""
    steps, i, begin, processor = 0, 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds:
        steps += step(i)
        i += 1
    return steps / (time.perf_counter() - begin), 1e6 * (time.process_time() - processor) / steps


def main() -> None:
    """Measure in turns and print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement (2)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each size (3)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.seconds, args.rounds = 0.05, 1
    ratios, kept = [], {}
    for name in ("gcb6206/RoArmReach-v0", "gcb6206/RoArmPickPlace-v0"):
        sizes = [("one environment", functools.partial(single, name, args.seconds))]
        for num_envs, threads in ((16, 1), (16, 2), (256, 1), (256, 2)):
            label = f"batch of {num_envs}, {threads} thread{'s' * (threads > 1)}"
            sizes.append((label, functools.partial(batch, name, num_envs, args.seconds, num_threads=threads)))
        sizes.append((PEER, functools.partial(batch, name, 16, args.seconds, vectorization_mode="sync")))
        measured = {label: [] for label, _ in sizes}
        for _ in range(args.rounds):
            for label, run in sizes:
                measured[label].append(run())
        for label, pairs in measured.items():
            rates, costs = zip(*pairs, strict=True)
            middle, cost = statistics.median(rates), statistics.median(costs)
            print(
                f"{name}, {label}: {middle:.0f} steps/s ({min(rates):.0f} to {max(rates):.0f}), "
                f"{cost:.0f} us of processor time a step"
            )
        rates = {label: statistics.median(rate for rate, _ in pairs) for label, pairs in measured.items()}
        ratios.append(rates["batch of 16, 1 thread"] / rates[PEER])
        labels = {"ours": "batch of 16, 1 thread", "Gymnasium": PEER}
        kept[name] = {title: [rate for rate, _ in measured[label]] for title, label in labels.items()}
    print("measured:", json.dumps({"unit": "steps/s", "rates": kept["gcb6206/RoArmPickPlace-v0"]}))
    print(f"ratio: {min(ratios):.2f}")


if __name__ == "__main__":
    main()
