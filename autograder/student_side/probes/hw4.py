"""Probes of homework 4 (multi-agent PPO): what the judges can do with a student's functions."""

from __future__ import annotations

import argparse
import functools
from collections import deque
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from autograder.student_side.probes import kind, plain, probe
from autograder.student_side.probes.tensors import (
    gradient_of,
    leaf,
    pair_of,
    seed_everything,
    side_effects,
    stand_ins,
    stream_sums,
)
from autograder.student_side.world import ask
from gcb6206.agents import mappo_agent
from gcb6206.envs.vmas import VmasTeam
from gcb6206.networks import team
from gcb6206.networks.team import TeamActor


@probe("hw4.observation_history")
def observation_history(observation: np.ndarray, begins: np.ndarray, length: int) -> dict:
    """One call; what came back, and what it changed beside that."""
    given = {"observation": torch.from_numpy(observation), "begins": torch.from_numpy(begins)}
    with side_effects(given) as changed:
        result = team.observation_history(*given.values(), length)
    return {"type": kind(result), "value": plain(result), "changed": changed}


@probe("hw4.global_state")
def global_state(observation: np.ndarray, strided: bool = False) -> dict:
    """One call.

    Args:
        strided: whether the tensor is a transposed view of another one.
    """
    tensor = torch.from_numpy(observation)
    given = {"observation": tensor.mT.contiguous().mT if strided else tensor}
    with side_effects(given) as changed:
        result = team.global_state(*given.values())
    return {"type": kind(result), "value": plain(result), "changed": changed}


@probe("hw4.centralized_value")
def centralized_value(observation: np.ndarray, weights: np.ndarray, scale: float = 1.0) -> dict:
    """The values, and the gradient of their sum with regard to the critic's weights.

    The critic gives scale * tanh(x @ weights) for whatever x it is shown; weights are cut, or begin anew, where x has
    another length. global_state is replaced by a stand-in that puts the agents side by side.
    """
    leaf_weights = leaf(weights)

    def critic(state: torch.Tensor) -> torch.Tensor:
        used = torch.arange(state.shape[-1]) % len(leaf_weights)
        return scale * torch.tanh(state @ leaf_weights[used]).unsqueeze(-1)

    def side_by_side(observation: torch.Tensor) -> torch.Tensor:
        return torch.cat(observation.unbind(-2), dim=-1)

    given = {"observation": torch.from_numpy(observation)}
    with (
        side_effects(given) as changed,
        stand_ins("hw4.centralized_value", {"hw4.global_state": side_by_side}),
    ):
        result = team.centralized_value(critic, *given.values())
    total = result.sum() if isinstance(result, torch.Tensor) else result
    (slope,) = gradient_of(total, leaf_weights)
    return {"type": kind(result), "value": plain(result), "gradient": slope, "changed": changed}


@probe("hw4.policy_parameters")
def policy_parameters(n_agents: int, share: bool, inputs: int, seed: int) -> dict:
    """One call with networks of two layers.

    Returns:
        For every agent the first weights of its network as they begin, and the first agent with the very same
        parameters; how many numbers can be learned in all, and in one network; how many networks are not as
        make_network made them; and the state of the random streams afterwards.
    """
    made: list[tuple[nn.Module, list[np.ndarray]]] = []

    def make_network() -> nn.Module:
        network = nn.Sequential(nn.Linear(inputs, 3), nn.Tanh(), nn.Linear(3, 2))
        made.append((network, weights_of_network(network)))
        return network

    def as_made(network: nn.Module) -> bool:
        if not network.training or not all(weight.requires_grad for weight in network.parameters()):
            return False
        now = weights_of_network(network)
        return any(list(map(_content, now)) == list(map(_content, first)) for _, first in made)

    seed_everything(seed)
    result = team.policy_parameters(make_network, n_agents, share)
    after = stream_sums()
    networks = list(result) if isinstance(result, (nn.ModuleList, list, tuple)) else []
    networks = [network for network in networks if isinstance(network, nn.Module)]
    own = [frozenset(map(id, network.parameters())) for network in networks]
    return {
        "type": kind(result),
        "length": len(networks),
        "weights": [weights_of_network(network)[0] for network in networks],
        "same_as": np.array([own.index(ids) for ids in own]),
        "parameters": sum(parameter.numel() for parameter in nn.ModuleList(networks).parameters()),
        "of_one": sum(parameter.numel() for parameter in make_network().parameters()),
        "altered": sum(not as_made(network) for network in networks),
        "streams": after,
    }


def _content(array: np.ndarray) -> tuple:
    return array.shape, array.dtype, array.tobytes()


def weights_of_network(network: nn.Module) -> list[np.ndarray]:
    """Copies of its parameters."""
    return [parameter.detach().numpy().copy() for parameter in network.parameters()]


@probe("hw4.multi_agent_gae")
def multi_agent_gae(
    reward: np.ndarray,
    value: np.ndarray,
    next_value: np.ndarray,
    terminated: np.ndarray,
    done: np.ndarray,
    gamma: float,
    lmbda: float,
) -> dict:
    """One call with values that carry gradients; what came back, and what it changed beside that."""
    given = {
        "reward": torch.from_numpy(reward),
        "value": leaf(value),
        "next_value": leaf(next_value),
        "terminated": torch.from_numpy(terminated),
        "done": torch.from_numpy(done),
    }
    with side_effects(given) as changed:
        result = mappo_agent.multi_agent_gae(*given.values(), gamma, lmbda)
    answer = pair_of(result)
    pair = result if answer["is_pair"] else (None, None)
    return {
        **answer,
        "types": [kind(part) for part in pair],
        "carry_gradient": [bool(getattr(part, "requires_grad", False)) for part in pair],
        "changed": changed,
    }


@probe("hw4.mappo_loss")
def mappo_loss(
    log_prob: np.ndarray,
    old_log_prob: np.ndarray,
    advantage: np.ndarray,
    entropy: float,
    value: np.ndarray,
    value_target: np.ndarray,
    clip_epsilon: float,
    entropy_eps: float,
    critic_coef: float,
) -> dict:
    """The parts of the loss, and their gradients with regard to what they may, or must not, depend on."""
    given = {
        "log_prob": leaf(log_prob),
        "old_log_prob": torch.from_numpy(old_log_prob),
        "advantage": leaf(advantage),
        "entropy": leaf(np.float32(entropy)),
        "value": leaf(value),
        "value_target": leaf(value_target),
    }
    leaves = {name: tensor for name, tensor in given.items() if tensor.requires_grad}
    with side_effects(given) as changed:
        result = mappo_agent.mappo_loss(*given.values(), clip_epsilon, entropy_eps, critic_coef)
    is_mapping = isinstance(result, Mapping)
    parts = {str(name): part for name, part in result.items()} if is_mapping else {}
    return {
        "returned": kind(result),
        "is_mapping": is_mapping,
        "types": {name: kind(part) for name, part in parts.items()},
        "parts": plain(parts),
        "gradients": {
            name: dict(zip(leaves, gradient_of(part, *leaves.values()))) for name, part in parts.items()
        },
        "changed": changed,
    }


class TeamPlayedElsewhere(VmasTeam):
    """A team in the judge's environments."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._id = ask(do="make", num_envs=self.num_envs)["id"]

    def reset(self, seed: int) -> torch.Tensor:
        return torch.tensor(ask(do="reset", id=self._id)["observation"])

    def step(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        told = ask(do="step", id=self._id, actions=actions.tolist())
        return tuple(torch.tensor(told[name]) for name in ("observation", "reward", "terminated"))

    def begin_anew(self, which: torch.Tensor) -> torch.Tensor:
        return torch.tensor(ask(do="begin_anew", id=self._id, which=which.tolist())["observation"])


def weights_of(actor: TeamActor) -> list[np.ndarray]:
    """Agent by agent and layer by layer, the matrix `(inputs, outputs)` and the bias `(outputs,)`."""
    layers = [layer for network in actor.networks.networks for layer in (*network.layers, network.head)]
    parts = [part for layer in layers for part in (layer.weight.T, layer.bias)]
    return [part.detach().numpy().copy() for part in parts]


@probe("hw4.convergence")
def convergence(seed: int, training: dict, snapshot_every: int) -> dict:
    """Trains a team, in the judge's environments, with all of the student's code; the actors' weights at the last three snapshots.

    Args:
        training: fields of MAPPOConfig.
        snapshot_every: iterations between snapshots.
    """
    from gcb6206.env_configs.mappo_config import MAPPOConfig
    from gcb6206.infrastructure.logger import NullLogger
    from gcb6206.runs.team import MultiAgentRun

    config = MAPPOConfig(**training).build()
    make = config["make_team"]
    config["make_team"] = functools.partial(TeamPlayedElsewhere, *make.args, **make.keywords)
    run = MultiAgentRun(config, NullLogger(), argparse.Namespace(seed=seed))
    snapshots: deque[list[np.ndarray]] = deque(maxlen=3)
    for _, progress in zip(range(config["n_iters"]), run.iterations()):  # no evaluation: the judge's job
        run.agent.update(run.agent.prepare(run.collect()), progress)
        if run.iteration % snapshot_every == 0:
            snapshots.append(weights_of(run.agent.actor))
    return {"actors": list(snapshots)}
