"""Multi-agent PPO on VMAS navigation: seconds an iteration, ours beside TorchRL's multi-agent tutorial.

The original notes' setting: 3 agents, 60 environments of 100 steps, 30 epochs of minibatches of 400 frames, actor
and central critic with 2 layers of 256 tanh units. TorchRL's side is ``TorchRLRun`` as in TorchRL's tutorial:
Collector, MultiAgentMLP, TanhNormal, ClipPPOLoss with its GAE, ReplayBuffer, Adam. Both evaluate 200 episodes with
the mean actions at the end, in the same environments. The two take turns, so that a noisy machine hurts both; the
ratio is TorchRL's time to ours by the clock, the median over the pairs.

``--benchmarl build/benchmarl/bin/python`` adds BenchMARL, in a process of its own environment, which
``benchmarks/peers/benchmarl_navigation.py`` says how to make.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
import warnings
from functools import partial
from pathlib import Path

import torch

import solutions
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.team import MultiAgentRun
from gcb6206.runs.torchrl import TorchRLRun

EPISODES = 200  # played at the end
PEER = Path(__file__).parent / "peers" / "benchmarl_navigation.py"


def ours(config: MAPPOConfig, seed: int) -> tuple[list[float], list[float], float]:
    """Wall and processor seconds of every iteration of our loop, and the mean return of the trained team."""
    run = MultiAgentRun(
        config.build(),
        NullLogger(),
        argparse.Namespace(seed=seed, eval_interval=0, num_eval_episodes=EPISODES),
    )
    clock = Clock()
    for progress in run.iterations():
        clock.begin()
        batch = run.collect()
        run.log_iteration(batch, run.agent.update(run.agent.prepare(batch), progress))
        clock.end()
    return clock.wall, clock.processor, run.evaluate().mean().item()


def torchrl_tutorial(config: MAPPOConfig, seed: int) -> tuple[list[float], list[float], float]:
    """The same of TorchRL's tutorial."""
    run, clock = TorchRLRun(config, seed, tutorial=True), Clock()
    clock.begin()
    for _ in run.iterations():
        clock.end()
        clock.begin()
    return clock.wall, clock.processor, run.evaluate(EPISODES, seed).mean().item()


def benchmarl(
    python: str, threads: int, config: MAPPOConfig, seed: int
) -> tuple[list[float], list[float], float]:
    """The same of BenchMARL, run by another interpreter."""
    numbers = {"iterations": config.n_iters, "epochs": config.num_epochs, "threads": threads, "seed": seed}
    words = [word for name, value in numbers.items() for word in (f"--{name}", str(value))]
    printed = subprocess.run(
        [python, str(PEER), *words], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    measured = json.loads(printed.splitlines()[-1])
    return measured["wall"], measured["processor"], measured["return"]


class Clock:
    """Collects wall and processor seconds."""

    def __init__(self):
        self.wall, self.processor = [], []

    def begin(self) -> None:
        """Begin an iteration."""
        self._begun = time.perf_counter(), time.process_time()

    def end(self) -> None:
        """End it."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.wall.append(time.perf_counter() - self._begun[0])
        self.processor.append(time.process_time() - self._begun[1])


def main() -> None:
    """Measure pairs and print them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--iterations", type=int, default=10, help="iterations of each run (10)")
    parser.add_argument("--epochs", type=int, default=30, help="epochs of each iteration (30)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs (5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of both (2)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:0 (cpu)")
    parser.add_argument("--benchmarl", metavar="PYTHON", help="interpreter that has BenchMARL (left out)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.iterations, args.epochs, args.pairs, args.threads = 1, 1, 1, 1
    if args.benchmarl and args.device != "cpu":
        parser.error("--benchmarl is measured on the CPU only: leave --device or --benchmarl out")
    warnings.filterwarnings("ignore")
    torch.set_num_threads(args.threads)
    solutions.load("hw2", "hw4")
    config = MAPPOConfig(n_agents=3, n_iters=args.iterations, num_epochs=args.epochs, device=args.device)
    programs = {"ours": ours, "TorchRL": torchrl_tutorial}
    if args.benchmarl:
        programs["BenchMARL"] = partial(benchmarl, args.benchmarl, args.threads)
    medians = {name: [] for name in programs}
    for pair in range(args.pairs):
        for name, program in programs.items():
            wall, processor, result = program(config, seed=pair)
            medians[name].append((statistics.median(wall), statistics.median(processor)))
            print("pair {}: {} {:.2f} s an iteration ({:.2f} s of processor time), return {:.2f}".format(
                pair + 1, name, *medians[name][-1], result), flush=True)  # fmt: skip
    found = {}
    for name in list(programs)[1:]:
        ratios = [
            [theirs / mine for mine, theirs in zip(*pair)] for pair in zip(medians["ours"], medians[name])
        ]
        wall, processor = zip(*ratios)
        found[name] = statistics.median(wall)
        print(f"{name} / ours: {found[name]:.2f} by the clock (from {min(wall):.2f} to "
              f"{max(wall):.2f}), {statistics.median(processor):.2f} in processor time")  # fmt: skip
    frames = config.frames_per_batch
    rates = {name: [frames / wall for wall, _ in measured] for name, measured in medians.items()}
    print("measured:", json.dumps({"unit": "frames/s", "rates": rates}))
    print(f"ratio: {found['TorchRL']:.2f}")


if __name__ == "__main__":
    main()
