"""Two arms, one peg: steps per second of ours and of robosuite, from the state and with three cameras.

robosuite runs its own environment, TwoArmPegInHole with two Pandas and OSC_POSE at 20 Hz, once a process; its pictures
show the visual meshes, ours the shapes that collide, 64 x 64 pixels each. Actions are random, the same for both.
Kinds and numbers of processes take turns, so that a noisy machine hurts all; what is printed is the median over the
rounds and their range. The ratio is that of one process each from the state; with cameras it is printed above it.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import os
import statistics
import time

import numpy as np

from gcb6206.envs.two_arm.cameras import FRONT, WRISTS
from gcb6206.envs.two_arm.model import make_robosuite
from gcb6206.envs.two_arm.vector import TwoArmVectorEnv

PIXELS = 64
EACH = 2  # of our environments in a process


def actions() -> np.ndarray:
    """Actions of 64 steps, ``(64, 2, 6)``, small enough that the arms do not tangle."""
    return np.random.default_rng(0).uniform(-0.3, 0.3, (64, 2, 6))


def ours(images: bool, processes: int, seconds: float) -> float:
    """Steps per second of all processes together."""
    given = actions()
    kind = "images" if images else "state"
    workers = processes if processes > 1 else 0
    with TwoArmVectorEnv(
        EACH * processes, workers, observation=kind, image_size=PIXELS, history_length=1
    ) as envs:
        envs.reset(seed=0)
        envs.step(np.zeros((envs.num_envs, 2, 6)))
        steps, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            envs.step(np.repeat(given[steps % 64][None], envs.num_envs, axis=0))
            steps += 1
        return steps * envs.num_envs / (time.perf_counter() - begin)


def theirs(images: bool, processes: int, seconds: float) -> float:
    """The same of robosuite, an environment in each process."""
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(processes), context.Queue()
    running = [
        context.Process(target=run_robosuite, args=(images, seconds, ready, told)) for _ in range(processes)
    ]
    for process in running:
        process.start()
    rates = [told.get(timeout=600) for _ in running]
    for process in running:
        process.join()
    return sum(rates)


def run_robosuite(images: bool, seconds: float, ready, told) -> None:
    """One process of robosuite."""
    cameras = {"use_camera_obs": False, "has_offscreen_renderer": False}
    if images:
        names = [FRONT, *WRISTS]
        cameras = {"camera_names": names, "camera_heights": PIXELS, "camera_widths": PIXELS}
    env = make_robosuite(ignore_done=True, seed=0, **cameras)
    env.reset()
    env.step(np.zeros(12))
    given = actions()
    ready.wait(600)
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        env.step(given[steps % 64].ravel())
        steps += 1
    told.put(steps / (time.perf_counter() - begin))


def main() -> None:
    """Measure in turns and print a line for each kind and number of processes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement (4)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind (3)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    numbers = sorted({1, os.cpu_count() or 1})
    if args.smallest:
        args.seconds, args.rounds, numbers = 0.1, 1, [1]
    kinds = {
        (images, number, name): functools.partial(run, images, number, args.seconds)
        for images in (False, True)
        for number in numbers
        for name, run in (("ours", ours), ("robosuite", theirs))
    }
    measured = {kind: [] for kind in kinds}
    for _ in range(args.rounds):
        for kind, run in kinds.items():
            measured[kind].append(run())
    for (images, number, name), rates in measured.items():
        seen = f"three cameras of {PIXELS} pixels" if images else "state"
        plural = "process" + "es" * (number > 1)
        print(
            f"{seen}, {number} {plural}, {name}: {statistics.median(rates):.1f} steps/s "
            f"({min(rates):.1f} to {max(rates):.1f})"
        )
    middle = {kind: statistics.median(rates) for kind, rates in measured.items()}
    for number in numbers:
        state, pictures = (
            middle[images, number, "ours"] / middle[images, number, "robosuite"] for images in (False, True)
        )
        print(
            f"{number} process{'es' * (number > 1)}: {state:.2f} times from the state, {pictures:.1f} with cameras"
        )
    rates = {name: measured[False, 1, name] for name in ("ours", "robosuite")}
    print("measured:", json.dumps({"unit": "steps/s", "rates": rates}))
    print(f"ratio: {middle[False, 1, 'ours'] / middle[False, 1, 'robosuite']:.2f}")


if __name__ == "__main__":
    main()
