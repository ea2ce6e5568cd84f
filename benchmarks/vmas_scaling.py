"""Multi-agent PPO on VMAS: frames a second for more and more environments side by side.

For each number of environments one warm-up and then the fastest of a few repetitions: collecting a batch of
``--steps`` steps with the policy, and one epoch of learning from it in minibatches of ``--minibatch-size`` frames.
There is no peer: the ratio is that of collecting with the most environments to collecting with the fewest.
Networks and task are those of the original notes' navigation.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import torch

import solutions
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.runs.team import make_agent
from gcb6206.runs.team_rollout import collect_batch


def measure(num_envs: int, args: argparse.Namespace) -> tuple[float, float]:
    """Frames a second of collecting, and of one epoch of learning."""
    config = MAPPOConfig(
        scenario_name=args.scenario_name,
        frames_per_batch=num_envs * args.steps,
        max_steps=args.steps,
        num_epochs=1,
        minibatch_size=min(args.minibatch_size, num_envs * args.steps),
        device=args.device,
    ).build()
    team = config["make_team"](num_envs=num_envs)
    agent = make_agent(config, team, seed=1)
    collecting, learning = [], []
    for repetition in range(args.repetitions + 1):
        begun = _now()
        batch = collect_batch(team, agent, repetition, args.steps)
        collected = _now()
        agent.update(agent.prepare(batch), 0.0)
        if repetition:
            collecting.append(collected - begun)
            learning.append(_now() - collected)
    frames = num_envs * args.steps
    return frames / min(collecting), frames / min(learning)


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenario-name", default="navigation", help="VMAS scenario (navigation)")
    parser.add_argument(
        "--envs", type=int, nargs="+", default=[60, 200, 600, 2000, 6000], help="environments side by side"
    )
    parser.add_argument("--steps", type=int, default=20, help="steps of a batch (20)")
    parser.add_argument("--minibatch-size", type=int, default=4000, help="frames (4000)")
    parser.add_argument("--repetitions", type=int, default=3, help="after the warm-up (3)")
    parser.add_argument("--threads", type=int, default=2, help="threads (2)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:0 (cpu)")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.envs, args.steps, args.repetitions = [2, 4], 2, 1
    torch.set_num_threads(args.threads)
    solutions.load("hw2", "hw4")
    print(f"{args.scenario_name}, {args.device}, {args.threads} threads, batches of {args.steps} steps")
    print(f"{'environments':>12} {'collect, frames/s':>18} {'learn, frames/s':>16} {'peak memory, MiB':>17}")
    rates = {}
    for num_envs in args.envs:
        collect, learn = measure(num_envs, args)
        rates[num_envs] = collect
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{num_envs:>12} {collect:>18,.0f} {learn:>16,.0f} {peak:>17,.0f}", flush=True)
    told = {"unit": "frames/s", "rates": {"ours": [rates[max(rates)]]}, "by environments": rates}
    print("measured:", json.dumps(told))
    print(f"ratio: {rates[max(rates)] / rates[min(rates)]:.2f}")


if __name__ == "__main__":
    main()
