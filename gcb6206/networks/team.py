"""Networks of a team: actors that see what their agent sees, critics that see one agent or all of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from gcb6206.exercises import exercise

LOWEST_STD = 1e-2  # a scale of 0 would make the density infinite
LARGEST_MEAN = 5.0  # tanh(5) = 0.9999; what lies further out is rounded to the bound, and its inverse lost
HIGHEST_TANH = 1.0 - 1e-6  # the inverse of tanh is infinite at 1


@exercise("hw2.tanh_normal_log_prob")
def tanh_normal_log_prob(
    mean: torch.Tensor, std: torch.Tensor, action: torch.Tensor, low: torch.Tensor, high: torch.Tensor
) -> torch.Tensor:
    """Log-density of bounded actions: a normal sample u, squeezed by tanh, stretched to the bounds.

        a = low + (high - low) * (tanh(u) + 1) / 2
        log p(a) = sum over the components of
                   log N(u; mean, std) - log(1 - tanh(u)^2) - log((high - low) / 2)

    Only ``action`` is given, so u has to be found again. An action may lie exactly on a bound, where tanh has
    been rounded to 1 and its inverse is infinite: the squeezed action is first limited to ``HIGHEST_TANH`` on
    either side, and nothing is added anywhere. The result is finite for every action within the bounds, and so
    are its gradients. The arguments stay as they are.

    Args:
        mean, std: ``(..., components)``, std above 0.
        action: ``(..., components)``, within the bounds; a constant for the gradient.
        low, high: bounds of the components, of a shape that broadcasts to the action's.

    Returns:
        ``(...)``.
    """


@exercise("hw4.observation_history")
def observation_history(observation: torch.Tensor, begins: torch.Tensor, length: int) -> torch.Tensor:
    """Give every observation the ones before it, newest first: what a policy without memory cannot know.

    The history does not reach into the episode before, nor into a call before. Where an episode is younger than ``length``, its first
    observation is repeated.

    Args:
        observation: ``(batch, time, n_agents, features)``; the first step counts as the beginning of an episode.
        begins: ``(batch, time, 1)`` bool, the observation is the first of its episode.
        length: observations in a history, at least 1; 1 gives back the observations.

    Returns:
        ``(batch, time, n_agents, length * features)``: at time t observation t, then t - 1, then t - 2...
    """


@exercise("hw4.global_state")
def global_state(observation: torch.Tensor) -> torch.Tensor:
    """What the central critic sees: the observations of all agents side by side, in the order of the agents.

    Args:
        observation: ``(..., n_agents, features)``, in memory in whatever order.

    Returns:
        ``(..., n_agents * features)``.
    """


@exercise("hw4.centralized_value")
def centralized_value(
    critic: Callable[[torch.Tensor], torch.Tensor], observation: torch.Tensor
) -> torch.Tensor:
    """The value of the team's situation, judged by a critic that sees all agents, given to each of them.

    Args:
        critic: maps global states ``(..., n_agents * features)`` to values ``(..., 1)``.
        observation: ``(..., n_agents, features)``.

    Returns:
        ``(..., n_agents, 1)``, the same value for every agent of a team.
    """


@exercise("hw4.policy_parameters")
def policy_parameters(make_network: Callable[[], nn.Module], n_agents: int, share: bool) -> nn.ModuleList:
    """The networks of a team's agents: one that all of them use, or one for each.

    They stay as ``make_network`` made them, and no seed is set.

    Args:
        make_network: builds a network; every call gives a new one.
        n_agents: how many agents.
        share: all agents use the same network, with the same parameters.

    Returns:
        A ``ModuleList`` of length ``n_agents``; entry i is agent i's network.
    """


class MLP(nn.Module):
    """Tanh layers and a linear head ``(..., inputs)`` to ``(..., outputs)``; the head computes in float32.

    Under autocast the hidden layers' products are computed in bfloat16, on a CPU as one node of the graph.

    Args:
        inputs, outputs: features.
        hidden: units of each hidden layer.
        gain: of the head's weights, which begin orthogonal like the others (gain sqrt(2)).
    """

    def __init__(self, inputs: int, outputs: int, hidden: list[int], gain: float):
        super().__init__()
        sizes = [inputs, *hidden]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, hidden))
        self.head = nn.Linear(sizes[-1], outputs)
        for layer in self.layers:
            nn.init.orthogonal_(layer.weight, math.sqrt(2.0))
            nn.init.zeros_(layer.bias)
        nn.init.orthogonal_(self.head.weight, gain)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The head's output, float32, also under autocast."""
        if self.layers and x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            pairs = [(layer.weight, layer.bias) for layer in (*self.layers, self.head)]
            out = _BFloat16MLP.apply(x.flatten(0, -2), *[part for pair in pairs for part in pair])
            return out.unflatten(0, x.shape[:-1])
        for layer in self.layers:
            x = torch.tanh(layer(x))
        with torch.autocast(x.device.type, enabled=False):
            return self.head(x.float())


class _BFloat16MLP(torch.autograd.Function):
    """The whole network as one node: matrix products in bfloat16, tanh in float32, which a CPU computes faster."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        weights, biases = parameters[::2], parameters[1::2]
        ctx.rough = [weight.bfloat16() for weight in weights[:-1]]
        ctx.values = [x.bfloat16()]  # the input, and every hidden layer's output
        with torch.autocast("cpu", enabled=False):
            for weight, bias in zip(ctx.rough, biases):
                hidden = torch.addmm(bias.bfloat16(), ctx.values[-1], weight.t()).float().tanh_()
                ctx.values.append(hidden.bfloat16())
            ctx.hidden = hidden
            ctx.save_for_backward(weights[-1])
            return torch.addmm(biases[-1], hidden, weights[-1].t())

    @staticmethod
    def backward(ctx, grad: torch.Tensor):
        (head,) = ctx.saved_tensors
        grads = [grad.sum(dim=0), grad.t() @ ctx.hidden]
        grad = (grad @ head).bfloat16()
        for depth in reversed(range(len(ctx.rough))):
            grad = torch.ops.aten.tanh_backward(grad, ctx.values[depth + 1])
            grads += [grad.sum(dim=0, dtype=torch.float32), (grad.t() @ ctx.values[depth]).float()]
            if depth or ctx.needs_input_grad[0]:
                grad = grad @ ctx.rough[depth]
        return grad.float() if ctx.needs_input_grad[0] else None, *reversed(grads)


class PerAgent(nn.Module):
    """A network for each agent, or one for all: ``(..., n_agents, inputs)`` to ``(..., n_agents, outputs)``.

    Args:
        make_network: builds one.
        n_agents: how many agents.
        share: one for all.
    """

    def __init__(self, make_network: Callable[[], nn.Module], n_agents: int, share: bool):
        super().__init__()
        self.networks = policy_parameters(make_network, n_agents, share)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Every agent's output, from its own input alone."""
        first = self.networks[0]
        if all(network is first for network in self.networks):
            return first(x)
        return torch.stack([network(x[..., i, :]) for i, network in enumerate(self.networks)], dim=-2)


class CentralCritic(nn.Module):
    """A value for the team from the observations of all: ``(..., n_agents, features)`` to ``(..., n_agents, 1)``.

    Args:
        network: maps global states to values.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same value for every agent."""
        return centralized_value(self.network, x)


class TeamActor(nn.Module):
    """Every agent's normal distribution before tanh, from its own observations.

    Args:
        networks: ``(..., n_agents, features)`` to ``(..., n_agents, 2 * components)``.
        initial_std: what the networks' 0 means.
    """

    def __init__(self, networks: PerAgent, initial_std: float = 1.0):
        super().__init__()
        self.networks = networks
        self.raw_of_zero = initial_std + math.log(
            -math.expm1(-initial_std)
        )  # softplus gives initial_std back

    def forward(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and standard deviations ``(..., n_agents, components)``.

        The network's 0 means mean 0 and ``initial_std``; means stay within ``LARGEST_MEAN``, std above ``LOWEST_STD``.
        """
        mean, raw = self.networks(observation).chunk(2, dim=-1)
        mean = LARGEST_MEAN * torch.tanh(mean / LARGEST_MEAN)
        return mean, F.softplus(raw + self.raw_of_zero).clamp_min(LOWEST_STD)
