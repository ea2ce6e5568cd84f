"""Return to the Realm: steps per second of the batched environment, by batch and size of the map, and the planner's cost.

Each measurement steps one process's games with random legal walks and flashes; episodes end and begin anew, as in
training. Sizes take turns, so that a noisy machine hurts all; what is printed is the median over the rounds, and beside
it the steps per second of processor time, which other programs disturb less. The last line compares full maps with the
aim of 100,000 steps per second on two cores, at the largest batch and size, by processor time of one core.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np

from gcb6206.envs.realm import heuristics, planner
from gcb6206.envs.realm.env import RealmVectorEnv, draw_layouts
from gcb6206.envs.realm.options import RealmOptions

BATCHES = (16, 128, 1024)
SIZES = (64, 128)
AIM = 100_000 / 2  # steps per second and core, with full maps


def rates(size: int, num_envs: int, maps: bool, seconds: float) -> tuple[float, float]:
    """Steps per second of wall time and of processor time, over all games."""
    envs = RealmVectorEnv(num_envs, maps=maps, size=size)
    envs.reset(seed=0)
    player = heuristics.random_player(np.random.default_rng(0))
    actions = []
    for _ in range(16):
        actions.append(player(envs.games))
        envs.step(actions[-1])
    steps, begin, processor = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds:
        envs.step(actions[steps // num_envs % 16])
        steps += num_envs
    return steps / (time.perf_counter() - begin), steps / (time.process_time() - processor)


def planning(size: int, number: int) -> None:
    """Print what plan and bound of an episode cost, and how good the heuristics are beside them."""
    options = RealmOptions(size=size, num_maps=None)
    layouts = draw_layouts(number, 0, size=size, num_maps=None)
    begin = time.process_time()
    planned = np.mean([planner.plan(layout, options).score for layout in layouts])
    middle = time.process_time()
    bound = np.mean([planner.upper_bound(layout, options) for layout in layouts])
    end = time.process_time()
    scores = {
        name: heuristics.play(heuristics.deal(layouts, options), player, options.max_step).mean()
        for name, player in (("nearest", heuristics.nearest), ("tour", heuristics.Tour()))
    }
    beside = ", ".join(f"{name} {value / planned:.2%}" for name, value in scores.items())
    print(
        f"{number} layouts of size {size}: plan {(middle - begin) / number:.2f} s, {planned / bound:.2%} of the bound "
        f"({(end - middle) / number:.2f} s); of the plan's score: {beside}"
    )


def main() -> None:
    """Measure in turns and print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement (1)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind (3)")
    parser.add_argument("--layouts", type=int, default=5, help="episodes to plan for each size (5)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.seconds, args.rounds, args.layouts = 0.02, 1, 1
    kinds = [(maps, size, batch) for maps in (False, True) for size in SIZES for batch in BATCHES]
    measured = {kind: [] for kind in kinds}
    for _ in range(args.rounds):
        for maps, size, batch in kinds:
            measured[maps, size, batch].append(rates(size, batch, maps, args.seconds))
    for (maps, size, batch), pairs in measured.items():
        wall, processor = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(
            f"{'full maps' if maps else 'numbers only'}, map of {size}, batch of {batch}: {wall:,.0f} steps/s, "
            f"{processor:,.0f} per second of processor time"
        )
    for size in SIZES:
        planning(size, args.layouts)
    best = statistics.median(processor for _, processor in measured[True, SIZES[-1], BATCHES[-1]])
    kept = {"ours": [processor for _, processor in measured[True, SIZES[-1], BATCHES[-1]]]}
    print("measured:", json.dumps({"unit": "steps/s of a core", "rates": kept}))
    print("full maps of the largest size and batch, per core, over the aim of 50,000 steps/s:")
    print(f"ratio: {best / AIM:.2f}")


if __name__ == "__main__":
    main()
