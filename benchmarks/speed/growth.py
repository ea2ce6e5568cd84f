"""How the cost of a step grows with the batch, with the environments side by side, and with the network's width.

Each point is ours, measured, beside its limit, which ``needs.py`` computes from the same machine's products.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

import solutions
from benchmarks.speed import needs
from benchmarks.speed.machine import fastest, use_threads
from benchmarks.speed.needs import CORES, Need
from benchmarks.speed.worlds import vmas
from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.runs.team import make_agent

BATCHES, WIDTHS, ENVIRONMENTS = (32, 128, 512, 2048), (16, 64, 256, 1024), (6, 60, 600, 6000)


def update(batch: int, width: int) -> Callable[[], object]:
    """An update of homework 3's agent on CartPole's shapes."""
    config = DQNBasicConfig(hidden_size=width, batch_size=batch).build()
    agent = DQNAgent((4,), 2, **config["agent_kwargs"])
    parts = (torch.randn(batch, 4), torch.randint(0, 2, (batch,)), torch.randn(batch), torch.randn(batch, 4))
    return functools.partial(agent.update, *parts, torch.rand(batch) < 0.1, step=1)


def collect(num_envs: int) -> Callable[[], object]:
    """A step of navigation with the team's actions, in so many environments."""
    config = MAPPOConfig(n_agents=3).build()
    team = config["make_team"](num_envs=num_envs)
    agent = make_agent(config, team, seed=0)
    kept = {"seen": team.reset(0)}

    @torch.no_grad()
    def step():
        kept["seen"], _, _ = team.step(agent.act(kept["seen"], agent.noise(num_envs)))

    return step


def points() -> dict[str, list[tuple[int, Callable[[], object], Need, int]]]:
    """Of each series: its number, what is measured, what it needs, and its threads."""
    return {
        "batch": [(n, lambda n=n: update(n, 64), needs.dqn_update(n, 64), 1) for n in BATCHES],
        "width": [(n, lambda n=n: update(128, n), needs.dqn_update(128, n), 1) for n in WIDTHS],
        "environments": [
            (n, lambda n=n: collect(n), needs.team_actor(n, MAPPOConfig()), CORES) for n in ENVIRONMENTS
        ],
    }


def measure(machine_at: Callable[[Need, int], dict], seconds: float) -> dict[str, list[dict]]:
    """Each series' points: ``number``, seconds of ``ours``, and ``limit``; of environments also the ``world`` alone.

    Args:
        machine_at: what the machine can do for a need on so many threads.
        seconds: for each measurement.
    """
    solutions.load()
    found: dict[str, list[dict]] = {}
    for series, rows in points().items():
        found[series] = []
        for number, make, need, threads in rows:
            use_threads(threads)
            point = {"number": number, "ours": fastest(make(), seconds)}
            point["limit"] = needs.seconds_of(need, machine_at(need, threads))["total"]
            if series == "environments":
                point["world"] = vmas(number)(seconds) * number
                point["limit"] += point["world"]
            found[series].append(point)
    return found
