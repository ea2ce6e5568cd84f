"""Where the time of a step goes: a short run of our side with a clock around named parts.

A part's time is its own, without that of other parts inside it. What belongs to no part is called the rest: the
loop, and Python between the parts. The clocks cost time themselves, about half a microsecond a call, which counts
for the rest.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
import warnings
from collections.abc import Callable

import gymnasium as gym
import torch
from mujoco import rollout
from torch.utils._python_dispatch import TorchDispatchMode

import solutions
from benchmarks import dqn_cartpole, ppo_cartpole, realm, realm_roles, roarm, two_arm, vla
from benchmarks.speed import growth
from benchmarks.speed.machine import use_threads
from benchmarks.speed.needs import CORES
from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.agents.ppo_agent import PPOAgent
from gcb6206.agents.vla_agent import VLAMAPPOAgent
from gcb6206.env_configs.dqn_atari_config import DQNAtariConfig
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.envs.realm.env import RealmVectorEnv
from gcb6206.envs.realm.game import RealmGames
from gcb6206.envs.realm.observation import Observer
from gcb6206.envs.roarm import RoArmVectorEnv
from gcb6206.envs.two_arm.simulation import Simulation
from gcb6206.envs.vmas import VmasTeam
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.infrastructure.replay_buffer import ReplayBuffer
from gcb6206.networks import small_mlp
from gcb6206.networks.critics import AtariCritic
from gcb6206.networks.optimizers import LeanAdam
from gcb6206.networks.team import MLP
from gcb6206.networks.vla import LlamaAttention
from gcb6206.runs.ppo import PPORun
from gcb6206.runs.rollout import RolloutCollector
from gcb6206.runs.team import MultiAgentRun, make_agent
from gcb6206.runs.team_rollout import collect_batch

Places = dict[str, list[tuple[object, str]]]  # a part's name, and the functions that are its own


class Clock:
    """Puts clocks around functions; ``seconds`` and ``calls`` by part.

    Args:
        places: of each part, pairs of an owner and a function's name.
    """

    def __init__(self, places: Places):
        self.places = places
        self.seconds = dict.fromkeys(places, 0.0)
        self.calls = dict.fromkeys(places, 0)
        self._inside: list[float] = []  # of each part that is running: seconds in parts inside it

    def __enter__(self) -> Clock:
        self._before = []
        for part, functions in self.places.items():
            for owner, name in functions:
                own = owner.__dict__.get(name)  # None: inherited
                self._before.append((owner, name, own))
                setattr(owner, name, self._around(part, getattr(owner, name) if own is None else own))
        return self

    def __exit__(self, *_) -> None:
        for owner, name, own in self._before:
            if own is None:
                delattr(owner, name)
            else:
                setattr(owner, name, own)

    def _around(self, part: str, kept):
        inner = kept.__func__ if isinstance(kept, staticmethod) else kept

        @functools.wraps(inner)
        def clocked(*args, **kwargs):
            self._inside.append(0.0)
            begun = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                spent = time.perf_counter() - begun
                self.seconds[part] += spent - self._inside.pop()
                self.calls[part] += 1
                if self._inside:
                    self._inside[-1] += spent

        return staticmethod(clocked) if isinstance(kept, staticmethod) else clocked


def shares(run: Callable[[], object], places: Places) -> dict[str, float]:
    """The part of a run's time that each part takes, and the rest."""
    with Clock(places) as clock:
        begun = time.perf_counter()
        run()
        whole = time.perf_counter() - begun
    found = {part: seconds / whole for part, seconds in clock.seconds.items()}
    return {**found, "the rest": 1.0 - sum(found.values())}


LEARNING: Places = {
    "optimiser": [(LeanAdam, "step"), (LeanAdam, "zero_grad"), (ptu, "clip_grad_norm")],
    "single numbers for the log": [(torch.Tensor, "item")],
}


def _dqn_cartpole(small: bool) -> dict[str, float]:
    use_threads(1)
    steps = 200 if small else 3000
    return shares(lambda: dqn_cartpole.ours(steps, seed=0), {
        "products and tanh": [(small_mlp, "_forward"), (small_mlp._Single, "backward")],
        "backward, without products": [(torch.Tensor, "backward")],
        **LEARNING,
        "replay buffer": [(ReplayBuffer, "sample"), (ReplayBuffer, "insert")],
        "world": [(gym.wrappers.RecordEpisodeStatistics, "step")],
    })  # fmt: skip


def _ppo_cartpole(small: bool) -> dict[str, float]:
    use_threads(1)
    return shares(lambda: ppo_cartpole.ours(1 if small else 2, seed=0), {
        "products and tanh": [(small_mlp._Twin, "forward"), (small_mlp._Twin, "backward")],
        "backward, without products": [(torch.Tensor, "backward")],
        **LEARNING,
        "acting": [(PPOAgent, "act")],
        "worlds": [(RolloutCollector, "collect")],
    })  # fmt: skip


def _vmas_navigation(small: bool) -> dict[str, float]:
    use_threads(CORES)
    config = MAPPOConfig(n_agents=3, n_iters=1 if small else 3, num_epochs=1 if small else 30)
    return shares(lambda: train_team(config), {
        "networks, forward": [(MLP, "forward")],
        "backward": [(torch.Tensor, "backward")],
        "clipping": [(ptu, "clip_grad_norm")],
        "optimiser": [(LeanAdam, "step"), (LeanAdam, "zero_grad")],
        "world": [(VmasTeam, "step"), (VmasTeam, "reset")],
        "losses and minibatches": [(MAPPOAgent, "update")],
    })  # fmt: skip


def train_team(config: MAPPOConfig) -> None:
    """A training without its evaluation."""
    flags = argparse.Namespace(seed=0, eval_interval=0, num_eval_episodes=1)
    run = MultiAgentRun(config.build(), NullLogger(), flags)
    for progress in itertools.islice(run.iterations(), config.n_iters):
        run.agent.update(run.agent.prepare(run.collect()), progress)


def _vmas_scaling(small: bool) -> dict[str, float]:
    use_threads(CORES)
    envs, steps = (600, 2) if small else (6000, 20)
    config = MAPPOConfig(frames_per_batch=envs * steps, max_steps=steps).build()
    team = config["make_team"](num_envs=envs)
    agent = make_agent(config, team, seed=0)
    collect_batch(team, agent, 0, steps)
    return shares(lambda: collect_batch(team, agent, 1, steps), {
        "network": [(MLP, "forward")],
        "noise, densities and bounds": [(MAPPOAgent, "noise"), (MAPPOAgent, "act")],
        "world": [(VmasTeam, "step"), (VmasTeam, "reset")],
    })  # fmt: skip


def _dqn_atari(small: bool) -> dict[str, float]:
    """Of an update alone: the games step beside it."""
    use_threads(1)
    config = DQNAtariConfig().build()
    agent = DQNAgent((4, 84, 84), 18, **config["agent_kwargs"])
    pictures = torch.randint(0, 256, (2, 32, 4, 84, 84), dtype=torch.uint8)
    others = torch.randint(0, 18, (32,)), torch.rand(32), torch.rand(32) < 0.1
    batch = (pictures[0], others[0], others[1], pictures[1], others[2])

    def updates():
        for step in range(1, 3 if small else 60):
            agent.update(*batch, step=step)

    updates()
    return shares(updates, {
        "network, forward": [(AtariCritic, "forward")],
        "backward": [(torch.Tensor, "backward")],
        **LEARNING,
    })  # fmt: skip


def _vla(small: bool) -> dict[str, float]:
    """On one rank, with one epoch to one encoding."""
    use_threads(1)
    batch = 4 if small else 64
    agent = vla.make_agent()
    rollout = vla.Rollout(agent, batch)
    order = torch.arange(batch)

    def learn():
        features = vla.encoded(agent, rollout.pictures)
        for _ in range(vla.EPOCHS):
            vla.at_once(agent, rollout, features, order)

    learn()
    return shares(learn, {
        "encoding pictures": [(vla, "encoded")],
        "attention, forward": [(LlamaAttention, "forward")],
        "backward": [(torch.Tensor, "backward")],
        "losses": [(VLAMAPPOAgent, "losses")],
    })  # fmt: skip


def _realm(small: bool) -> dict[str, float]:
    use_threads(1)
    return shares(lambda: realm.rates(128, 1024, True, 0.1 if small else 2.0), {
        "map of the surroundings": [(Observer, "surroundings")],
        "numbers": [(Observer, "numbers")],
        "rules": [(RealmGames, "advance")],
        "new episodes": [(RealmVectorEnv, "_restart")],
    })  # fmt: skip


def _realm_roles(small: bool) -> dict[str, float]:
    """Of the modelled cost of a step with one sample, processor time."""
    use_threads(1)
    costs = realm_roles.costs(1 if small else 3)
    costs["packing"] = 2 * costs.pop("byte") * costs.pop("bytes_a_step")
    return {name: cost / sum(costs.values()) for name, cost in costs.items()}


def _roarm(small: bool) -> dict[str, float]:
    name, seconds = "gcb6206/RoArmPickPlace-v0", 0.1 if small else 2.0
    return shares(lambda: roarm.batch(name, 16, seconds, num_threads=1), {
        "physics": [(rollout.Rollout, "rollout")],
        "new episodes": [(RoArmVectorEnv, "_restart")],
        "observations and rewards": [(RoArmVectorEnv, "advance")],
    })  # fmt: skip


def _two_arm(small: bool) -> dict[str, float]:
    return shares(lambda: two_arm.ours(False, 1, 0.1 if small else 2.0), {
        "physics and controllers": [(Simulation, "step")],
        "observations": [(Simulation, "proprio"), (Simulation, "object_state")],
        "reward": [(Simulation, "reward"), (Simulation, "success")],
    })  # fmt: skip


PARTS: dict[str, Callable[[bool], dict[str, float]]] = {
    "dqn_atari": _dqn_atari,
    "dqn_cartpole": _dqn_cartpole,
    "ppo_cartpole": _ppo_cartpole,
    "realm": _realm,
    "realm_roles": _realm_roles,
    "roarm": _roarm,
    "two_arm": _two_arm,
    "vla": _vla,
    "vmas_navigation": _vmas_navigation,
    "vmas_scaling": _vmas_scaling,
}


class Operations(TorchDispatchMode):
    """Counts PyTorch's operations, those of the backward pass too."""

    def __init__(self):
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.number += 1
        return function(*args, **(kwargs or {}))


def operations(name: str) -> float | None:
    """PyTorch's operations that learning takes for one unit of a benchmark's rate; None where they are not counted."""
    solutions.load()
    flags = argparse.Namespace(seed=0, eval_interval=10**9, num_eval_episodes=1)
    if name == "dqn_cartpole":
        update = growth.update(128, 64)
        update()
        units = 1.0
    elif name == "ppo_cartpole":
        config = PPOConfig(total_steps=1024, n_steps=256)
        run = PPORun(config.build(), NullLogger(), flags)
        progress = next(run.updates())
        update = functools.partial(run.agent.update, run.collect(), progress)
        units = config.total_steps
    elif name == "vmas_navigation":
        config = MAPPOConfig(n_agents=3)
        run = MultiAgentRun(config.build(), NullLogger(), flags)
        progress = next(run.iterations())
        samples = run.agent.prepare(run.collect())
        run.agent.num_epochs = 1
        update = functools.partial(run.agent.update, samples, progress)
        units = config.frames_per_batch / config.num_epochs
    else:
        return None
    with Operations() as counted:
        update()
    return counted.number / units


def measure(name: str, small: bool) -> dict[str, float]:
    """A benchmark's parts by size, each a part of 1; empty where none are told apart."""
    if name not in PARTS:
        return {}
    solutions.load()
    warnings.filterwarnings("ignore")
    found = PARTS[name](small)
    return dict(sorted(found.items(), key=lambda pair: (pair[0] == "the rest", -pair[1])))
