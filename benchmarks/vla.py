"""MAPPO's update of the small vision-language-action policy: training samples per second, ours and one at a time.

The peer is the layout of the original notes' loop: for each sample its four pictures are encoded, and the policy's
log-probability, the losses and their gradients are computed alone; the gradients of a minibatch are added up. Ours
encodes every picture once, when it is seen, since the vision transformers are frozen: the front camera for both arms,
each picture for the step after too. An update then looks features up and passes a minibatch through the language model
at once, on one rank for each core, whose gradients are averaged.

A sample is what both arms saw and did at one step. Both take the same samples, with the same weights; before anything
is measured the gradients are compared, and a difference above 1e-4 of the largest stops the program. The time for
encoding a rollout once counts, spread over the epochs. Sizes take turns, so that a noisy machine hurts all; what is
printed is the median over the rounds and their range.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from pathlib import Path

import numpy as np
import torch

import solutions
from gcb6206.agents.vla_agent import VLAMAPPOAgent
from gcb6206.infrastructure.data_parallel import Ranks
from gcb6206.networks.value_network import GlobalState, LightweightCentralizedCritic, TeamCritic
from gcb6206.networks.vla import VLAConfig
from gcb6206.networks.vla_checkpoint import load_vla
from gcb6206.networks.vla_policy import MultiAgentVLAPolicy

INSTRUCTIONS = ["insert the peg into the hole", "hold the hole towards the peg"]
EPOCHS, PROPRIO, ACTIONS, SIZE = 4, 46, 6, 64
VIEWS = torch.tensor([[0, 1], [0, 2]])


def make_agent() -> VLAMAPPOAgent:
    """The agent of the book's runs, with random weights."""
    torch.manual_seed(0)
    limits = {
        "min": [-1.0] * ACTIONS,
        "max": [1.0] * ACTIONS,
        "mean": [0.0] * ACTIONS,
        "std": [1.0] * ACTIONS,
    }
    statistics_ = {"action": limits, "proprio": {"mean": [0.0] * PROPRIO, "std": [1.0] * PROPRIO}}
    loaded = load_vla(VLAConfig(), statistics_, INSTRUCTIONS)
    policy = MultiAgentVLAPolicy(loaded, INSTRUCTIONS, -torch.ones(ACTIONS), torch.ones(ACTIONS))
    critic = TeamCritic([LightweightCentralizedCritic(2, 2 * PROPRIO, [256, 256])], 2, central=True)
    return VLAMAPPOAgent(
        policy, critic, actor_lr=1e-4, critic_lr=5e-4, gamma=0.99, gae_lambda=0.95, clip_epsilon=0.2,
        entropy_coef=0.01, value_coef=1.0, num_epochs=EPOCHS, num_minibatches=1, max_grad_norm=None, target_kl=None,
        reward_scale=0.1,
    )  # fmt: skip


class Rollout:
    """Made-up samples: consecutive steps of one environment."""

    def __init__(self, agent: VLAMAPPOAgent, steps: int):
        rng = torch.Generator().manual_seed(1)
        self.steps = steps
        self.pictures = torch.randint(0, 256, (steps + 1, 3, SIZE, SIZE, 3), generator=rng, dtype=torch.uint8)
        proprio = torch.randn(steps, 2, PROPRIO, generator=rng)
        self.rows = {
            "proprio": proprio,
            "state": torch.randn(steps, 2, 2 * PROPRIO, generator=rng),
            "advantage": torch.randn(steps, 2, 1, generator=rng),
            "value_target": torch.randn(steps, 2, 1, generator=rng),
        }
        actions, log_prob = agent.policy.get_actions(self.seen(self.pictures), proprio, generator=rng)
        self.rows |= {"action": actions, "log_prob": log_prob - 0.05}  # as after some steps

    def seen(self, kept: torch.Tensor, steps: torch.Tensor | None = None) -> torch.Tensor:
        """What both agents saw, from pictures or from features: now, and the step before."""
        steps = torch.arange(self.steps) if steps is None else steps
        now = torch.stack(
            [kept[steps + 1][:, VIEWS], kept[steps][:, VIEWS]], dim=2
        )  # batch, agents, history, views
        return now.flatten(2, 3)

    def minibatch(self, kept: torch.Tensor, steps: torch.Tensor) -> dict:
        """Samples as ``VLAMAPPOAgent.losses`` takes them."""
        rows = {name: tensor[steps] for name, tensor in self.rows.items()}
        return {**rows, "inputs": self.seen(kept, steps), "global_state": GlobalState(rows.pop("state"))}


def one_by_one(agent: VLAMAPPOAgent, rollout: Rollout, steps: torch.Tensor) -> None:
    """A minibatch's gradients, sample by sample, every picture encoded each time."""
    agent.optimizer.zero_grad(set_to_none=True)
    for step in steps.split(1):
        losses, *_ = agent.losses(rollout.minibatch(rollout.pictures, step))
        (sum(losses.values()) / len(steps)).backward()


def at_once(agent: VLAMAPPOAgent, rollout: Rollout, features: torch.Tensor, steps: torch.Tensor) -> None:
    """The same gradients, in one pass over features; averaged over the ranks."""
    agent.optimizer.zero_grad(set_to_none=True)
    losses, *_ = agent.losses(rollout.minibatch(features, steps))
    sum(losses.values()).backward()
    agent.ranks.average_gradients(agent.parameters())


@torch.no_grad()
def encoded(agent: VLAMAPPOAgent, pictures: torch.Tensor) -> torch.Tensor:
    """Every picture's features, once."""
    return torch.cat([agent.policy.vlas[0].vision_backbone(part) for part in pictures.split(16)])


def gradients(agent: VLAMAPPOAgent) -> torch.Tensor:
    """All gradients in one row."""
    return torch.cat([p.grad.flatten() for p in agent.parameters() if p.grad is not None])


def serve(rank: int, size: int, port: int, batch: int, pipe) -> None:
    """One rank: measures when it is told to, until it is told nothing."""
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    torch.set_num_threads(1)
    solutions.load("hw2", "hw4")
    agent = make_agent()
    agent.ranks = Ranks.join(torch.device("cpu"))
    rollout = Rollout(agent, batch)
    parts = torch.arange(batch).split(batch // size)  # together the ranks learn from the whole minibatch
    while pipe.recv() is not None:
        begun = time.perf_counter(), time.process_time()
        features = encoded(agent, rollout.pictures[: batch // size + 1])
        encoding = time.perf_counter() - begun[0], time.process_time() - begun[1]
        features = encoded(
            agent, rollout.pictures
        )  # not timed: another rank's part stands for the rest of a rollout
        begun = time.perf_counter(), time.process_time()
        for _ in range(EPOCHS):
            at_once(agent, rollout, features, parts[rank])
        wall = encoding[0] + time.perf_counter() - begun[0]
        pipe.send((wall, encoding[1] + time.process_time() - begun[1], gradients(agent).numpy()))
    agent.ranks.leave()


class Team:
    """Ranks in processes of their own."""

    def __init__(self, size: int, batch: int, port: int):
        context = multiprocessing.get_context("spawn")
        self.pipes, self.processes, self.batch = [], [], batch
        for rank in range(size):
            mine, theirs = context.Pipe()
            self.pipes.append(mine)
            self.processes.append(
                context.Process(target=serve, args=(rank, size, port, batch, theirs), daemon=True)
            )
            self.processes[-1].start()

    def measure(self) -> tuple[tuple[float, float], np.ndarray]:
        """Samples per second, by the clock and of processor time, over a rollout's epochs; the last gradients."""
        for pipe in self.pipes:
            pipe.send(True)
        told = [pipe.recv() for pipe in self.pipes]
        wall, processor, gradients_ = zip(*told)
        return (EPOCHS * self.batch / max(wall), EPOCHS * self.batch / sum(processor)), gradients_[0]

    def close(self) -> None:
        """End the ranks."""
        for pipe, process in zip(self.pipes, self.processes):
            pipe.send(None)
            process.join()


def main() -> None:
    """Measure in turns and print a line for each layout."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--batch", type=int, default=64, help="samples of a minibatch, all ranks together (64)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each layout (5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the peer, and ranks of ours (2)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="keep the figures as JSON")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.batch, args.rounds, args.threads = 4, 1, 1
    solutions.load("hw2", "hw4")
    torch.set_num_threads(args.threads)
    agent = make_agent()
    rollout = Rollout(agent, args.batch)
    steps = torch.arange(args.batch)
    layouts = {f"ours, {ranks} rank{'s' * (ranks > 1)}": ranks for ranks in dict.fromkeys((1, args.threads))}
    teams = {name: Team(ranks, args.batch, 29610 + ranks) for name, ranks in layouts.items()}
    rates = {name: [] for name in ("one sample at a time", *teams)}
    one_by_one(agent, rollout, steps)
    expected = gradients(agent)
    for name, team in teams.items():
        difference = (torch.from_numpy(team.measure()[1]) - expected).abs().max() / expected.abs().max()
        print(
            f"{name}: gradients differ from those of one sample at a time by {difference:.1e} of the largest"
        )
        if difference > 1e-4:
            raise SystemExit("the gradients are not the same")
    for _ in range(args.rounds):
        begun = time.perf_counter(), time.process_time()
        one_by_one(agent, rollout, steps)
        spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
        rates["one sample at a time"].append(tuple(args.batch / seconds for seconds in spent))
        for name, team in teams.items():
            rates[name].append(team.measure()[0])
    for team in teams.values():
        team.close()
    medians = {}
    for name, found in rates.items():
        wall, processor = zip(*found)
        medians[name] = statistics.median(wall), statistics.median(processor)
        print(
            f"{name}: {medians[name][0]:.0f} samples/s ({min(wall):.0f} to {max(wall):.0f}), "
            f"{medians[name][1]:.0f} for each second of processor time"
        )
    peer, *_, ours = medians.values()
    ratio, of_processor = (mine / theirs for mine, theirs in zip(ours, peer))
    if args.output:
        content = {
            "command": f"python benchmarks/vla.py --rounds {args.rounds}",
            "samples_per_second": {name: round(wall, 1) for name, (wall, _) in medians.items()},
            "samples_per_processor_second": {name: round(cpu, 1) for name, (_, cpu) in medians.items()},
            "ratio": round(ratio, 2),
            "ratio_of_processor_time": round(of_processor, 2),
            "hardware": f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}",
        }
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    last = {"ours": list(rates)[-1], "one at a time": "one sample at a time"}
    kept = {name: [wall for wall, _ in rates[label]] for name, label in last.items()}
    print("measured:", json.dumps({"unit": "samples/s", "rates": kept}))
    print(f"ratio in processor time: {of_processor:.2f}")
    print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
