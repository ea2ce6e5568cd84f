"""Homework 4, multi-agent PPO: the reference solutions.

Each function stands in the student's notebook with the lines between the markers taken out.
"""

from collections.abc import Callable

import torch
from torch import nn

from gcb6206.exercises import solves
from gcb6206.networks import team


@solves("hw4.observation_history")
def observation_history(observation: torch.Tensor, begins: torch.Tensor, length: int) -> torch.Tensor:
    # TODO(student): the observations of each step and of the length - 1 steps before it, newest first
    # HINT: for each step keep the one that is `age` steps older; an episode's first observation has no older one
    ### BEGIN SOLUTION
    begins = begins.clone()
    begins[:, 0] = True
    steps = torch.arange(observation.shape[1], device=observation.device).expand(begins.shape[:2])
    first = torch.where(begins[..., 0], steps, 0).cummax(dim=1).values  # the step at which the episode began
    rows = torch.arange(len(observation), device=observation.device)[:, None]
    older = [observation[rows, torch.maximum(steps - age, first)] for age in range(length)]
    return torch.cat(older, dim=-1)
    ### END SOLUTION


@solves("hw4.global_state")
def global_state(observation: torch.Tensor) -> torch.Tensor:
    # TODO(student): the agents' observations, side by side
    # HINT: Tensor.flatten of two axes
    ### BEGIN SOLUTION
    return observation.flatten(-2)
    ### END SOLUTION


@solves("hw4.centralized_value")
def centralized_value(
    critic: Callable[[torch.Tensor], torch.Tensor], observation: torch.Tensor
) -> torch.Tensor:
    # TODO(student): the critic's value of the global state, for every agent
    # HINT: team.global_state, Tensor.unsqueeze, Tensor.expand
    ### BEGIN SOLUTION
    value = critic(team.global_state(observation))
    return value.unsqueeze(-2).expand(*observation.shape[:-1], 1)
    ### END SOLUTION


@solves("hw4.policy_parameters")
def policy_parameters(make_network: Callable[[], nn.Module], n_agents: int, share: bool) -> nn.ModuleList:
    # TODO(student): the same network n_agents times, or n_agents networks
    ### BEGIN SOLUTION
    if share:
        return nn.ModuleList([make_network()] * n_agents)
    return nn.ModuleList(make_network() for _ in range(n_agents))
    ### END SOLUTION


@solves("hw4.multi_agent_gae")
def multi_agent_gae(
    reward: torch.Tensor,
    value: torch.Tensor,
    next_value: torch.Tensor,
    terminated: torch.Tensor,
    done: torch.Tensor,
    gamma: float,
    lmbda: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        # TODO(student): delta, the one-step errors of every agent; what follows a termination is worth 0
        ### BEGIN SOLUTION
        delta = reward + gamma * next_value * ~terminated - value
        ### END SOLUTION

        # TODO(student): advantage, by the recursion from the last step to the first; it stops at ends
        # HINT: time is the second axis; the advantage after the last step counts as 0
        ### BEGIN SOLUTION
        advantage = torch.zeros_like(delta)
        following = torch.zeros_like(delta[:, 0])
        for t in reversed(range(delta.shape[1])):
            following = delta[:, t] + gamma * lmbda * following * ~done[:, t]
            advantage[:, t] = following
        ### END SOLUTION
        return advantage, advantage + value


@solves("hw4.mappo_loss")
def mappo_loss(
    log_prob: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantage: torch.Tensor,
    entropy: torch.Tensor,
    value: torch.Tensor,
    value_target: torch.Tensor,
    clip_epsilon: float,
    entropy_eps: float,
    critic_coef: float,
) -> dict[str, torch.Tensor]:
    # TODO(student): loss_objective, the clipped objective of all agents, negated
    # HINT: the advantage has one axis more than the log-probabilities: squeeze(-1), or broadcasting makes
    # every agent's ratio meet every agent's advantage
    ### BEGIN SOLUTION
    ratio = (log_prob - old_log_prob).exp()
    gain = advantage.detach().squeeze(-1)
    clipped_ratio = ratio.clamp(1.0 - clip_epsilon, 1.0 + clip_epsilon)
    loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()
    ### END SOLUTION

    # TODO(student): loss_critic
    ### BEGIN SOLUTION
    loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()
    ### END SOLUTION
    return {
        "loss_objective": loss_objective,
        "loss_entropy": -entropy_eps * entropy,
        "loss_critic": loss_critic,
    }
