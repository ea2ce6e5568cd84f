"""What each role of a distributed training costs, and what one process and 1, 2, 4 workers on Ray make of two cores.

Costs are processor time of one core: a step of the games with its observation, a prediction, a sample in one pass of a
training, and a byte that is packed for another process. ``predicted`` turns them into steps per second for any number of
cores and machines. With ``--ray``, runs of one process and of several workers follow, by the clock; the last line
compares two workers with one process.
"""

from __future__ import annotations

import argparse
import functools
import json
import pickle
import time
from pathlib import Path

import numpy as np
import torch

import solutions
from gcb6206.env_configs.realm_config import RealmDistributedConfig
from gcb6206.infrastructure.distributed.throughput import predicted
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.realm import RealmCollector, make_agent, make_games
from gcb6206.runs.realm_distributed import RealmDistributedRun
from gcb6206.runs.realm_ray import RealmRayRun


def settings(workers: int, steps: int, games: int = 32, n_steps: int = 32) -> RealmDistributedConfig:
    """The run that is measured: small maps, new ones in every episode, the network of ``fresh.yaml``."""
    return RealmDistributedConfig(
        size=64, num_maps=None, num_envs=games, n_steps=n_steps, batch_size=128, total_steps=steps,
        share_backbone=True, normalize_advantages=True, num_workers=workers, replay_buffer_capacity=2 * workers,
        train_batch_size=workers, dump_model_freq=1, model_sync_interval=workers, preload_ratio=2.0,
    )  # fmt: skip


def costs(rounds: int) -> dict[str, float]:
    """Processor seconds: of a step, a prediction, a sample in one pass, a byte."""
    config = settings(1, 10**6).build()
    agent, env = make_agent(config), make_games(config, config["num_envs"])
    collector = RealmCollector(env, config["n_steps"])
    collector.restart(0)
    best = dict.fromkeys(("step", "prediction", "sample", "byte"), np.inf)
    number = config["num_envs"] * config["n_steps"]
    for _ in range(rounds):
        begin = time.process_time()
        rollout = collector.collect(agent)
        middle = time.process_time()
        for observations in rollout["observations"]:
            agent.act(observations)
        predicted = time.process_time()
        samples = agent.prepare(rollout)
        update = time.process_time()
        agent.update(samples, 0.0)
        end = time.process_time()
        data = pickle.dumps(rollout, protocol=5)
        packed = time.process_time()
        found = {
            "step": (middle - begin - (predicted - middle)) / number,
            "prediction": (predicted - middle) / number,
            "sample": (end - update) / number,
            "byte": (packed - end) / len(data),
        }
        best = {name: min(best[name], value) for name, value in found.items()}
    return {**best, "bytes_a_step": len(data) / number}


def make_run(kind: type, workers: int, flags: dict, steps: int) -> RealmDistributedRun:
    """A run of so many steps."""
    return kind(settings(workers, steps).build(), NullLogger(), argparse.Namespace(**flags))


def clocked(make, steps: int) -> float:
    """Steps per second of a run by the clock, after its first training."""
    run = make(steps)
    begin = None
    for progress in run.updates():
        run.round(progress)
        if begin is None and run.learner.version:
            begin, done = time.perf_counter(), run.done
    seconds = time.perf_counter() - begin
    run._temporary.close()
    return (run.done - done) / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="rollouts whose lowest costs count (10)")
    parser.add_argument("--steps", type=int, default=65_536, help="of each run with --ray (65536)")
    parser.add_argument("--ray", default="none", help="none, local, or an address (none)")
    parser.add_argument("--output", type=Path, help="a JSON file for what was measured")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.rounds, args.steps = 1, 8192
    torch.set_num_threads(1)
    solutions.load()
    measured = {"costs": costs(args.rounds), "clocked": {}}
    for name, value in measured["costs"].items():
        print(f"{name}: {value * 1e6:.4g} {'bytes * 1e6' if name == 'bytes_a_step' else 'microseconds'}")
    for cores in (1, 2, 16, 64 * 16):
        model = predicted(measured["costs"], cores)
        print(f"model, {cores} cores: {model['steps']:,.0f} steps/s, {model['workers']:.1f} of them play")
    flags = {"seed": 1, "num_eval_episodes": 1, "eval_interval": 10**9, "ray": args.ray}
    kinds = {"one process": (RealmDistributedRun, 1)}
    if args.ray != "none":
        kinds |= {f"{workers} on Ray": (RealmRayRun, workers) for workers in (1, 2, 4)}
        for name, (kind, workers) in kinds.items():
            measured["clocked"][name] = clocked(
                functools.partial(make_run, kind, workers, flags),
                args.steps,
            )
            print(f"{name}: {measured['clocked'][name]:,.0f} steps/s")
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    clock = measured["clocked"]
    one, two = (clock["one process"], clock["2 on Ray"]) if clock else (
        predicted(measured["costs"], 1)["steps"], predicted(measured["costs"], 2)["steps"])  # fmt: skip
    rates = {"ours": [predicted(measured["costs"], 1)["steps"]]}
    told = {"unit": "steps/s of a core", "rates": rates, "bytes_a_step": measured["costs"]["bytes_a_step"]}
    print("measured:", json.dumps(told))
    print(f"two workers on two cores over one process{'' if clock else ', by the model'}:")
    print(f"ratio: {two / one:.2f}")


if __name__ == "__main__":
    main()
