"""Batches and episodes of a team.

Every batch begins new episodes in all environments, from a seed of its own, and lasts ``max_steps`` steps: the
environments keep step, so that they end together, and a batch depends on nothing but the seed and the agent. An
environment whose episode terminates goes on with another one, which the end of the batch cuts short.
"""

from __future__ import annotations

import math

import torch

from gcb6206.agents.mappo_agent import MAPPOAgent
from gcb6206.envs.vmas import VmasTeam, episode_reward_sum, expand_done
from gcb6206.infrastructure.sentinel import check_finite


@torch.no_grad()
def collect_batch(team: VmasTeam, agent: MAPPOAgent, seed: int, max_steps: int) -> dict[str, torch.Tensor]:
    """Play ``max_steps`` steps in every environment with the current policy.

    Args:
        team: the environments.
        agent: chooses the actions, with noise.
        seed: of the environments.
        max_steps: the time limit of an episode, and the length of the batch.

    Returns:
        Tensors ``(batch, time, ...)``: observation, next_observation (of the same episode) and action
        ``(batch, time, n_agents, features)``, reward ``(batch, time, n_agents, 1)``, and ``(batch, time, 1)``
        bool terminated, truncated (by the time limit) and begins (the observation is its episode's first).

    Raises:
        NonFiniteError: names the first tensor and step that hold NaN or infinity.
    """
    shape = (team.num_envs, max_steps)
    vectors = (*shape, team.n_agents, team.observation_size)
    batch = {
        "observation": torch.empty(vectors, device=team.device),
        "action": torch.empty(*shape, team.n_agents, team.action_size, device=team.device),
        "reward": torch.empty(*shape, team.n_agents, 1, device=team.device),
        "next_observation": torch.empty(vectors, device=team.device),
        "terminated": torch.zeros(*shape, 1, dtype=torch.bool, device=team.device),
        "truncated": torch.zeros(*shape, 1, dtype=torch.bool, device=team.device),
        "begins": torch.zeros(*shape, 1, dtype=torch.bool, device=team.device),
    }
    noise = agent.noise(max_steps, team.num_envs)
    observation = team.reset(seed)
    begins = torch.ones(team.num_envs, 1, dtype=torch.bool, device=team.device)
    first_step = torch.zeros(team.num_envs, 1, dtype=torch.long, device=team.device)
    for t in range(max_steps):
        batch["observation"][:, t], batch["begins"][:, t] = observation, begins
        window = slice(max(0, t + 1 - agent.history_length), t + 1)
        seen = agent.with_history(batch["observation"][:, window], batch["begins"][:, window])[:, -1]
        action = agent.act(seen, noise[t])
        batch["action"][:, t] = action
        if not action.isfinite().all():  # VMAS refuses it without saying why
            check_finite(_diagnosis(agent, batch, t))
        observation, reward, terminated = team.step(action)
        batch["next_observation"][:, t], batch["reward"][:, t] = observation, reward
        batch["terminated"][:, t] = terminated
        batch["truncated"][:, t] = ~terminated & (t + 1 - first_step == max_steps)
        begins = terminated
        if t + 1 < max_steps and terminated.any():
            observation = team.begin_anew(terminated[:, 0])
            first_step[terminated] = t + 1
    check_finite({name: batch[name] for name in ("observation", "action", "reward", "next_observation")})
    return batch


@torch.no_grad()
def play_episodes(team: VmasTeam, agent: MAPPOAgent, seed: int, max_steps: int, watch=None) -> torch.Tensor:
    """Play one episode in each environment with the mean actions.

    Args:
        team: the environments.
        agent: chooses the actions.
        seed: of the environments.
        max_steps: the time limit.
        watch: called before every step and after the last, until the first environment's episode has ended, with
            what that episode has earned so far.

    Returns:
        The episodes' returns ``(num_envs,)``, means over the agents.
    """
    observation = team.reset(seed)
    recent, returns = [], torch.zeros(team.num_envs, device=team.device)
    begins = torch.zeros(team.num_envs, agent.history_length, 1, dtype=torch.bool, device=team.device)
    over = torch.zeros(team.num_envs, dtype=torch.bool, device=team.device)
    for _ in range(max_steps):
        if watch and not over[0]:
            watch(returns[0].item())
        recent = [*recent, observation][-agent.history_length :]
        seen = agent.with_history(torch.stack(recent, dim=1), begins[:, : len(recent)])[:, -1]
        observation, reward, terminated = team.step(agent.act(seen))
        returns += reward.mean(dim=(1, 2)) * ~over
        ended_now = terminated[:, 0] & ~over
        over |= terminated[:, 0]
        if watch and ended_now[0]:
            watch(returns[0].item())
        if over.all():
            break
    if watch and not over[0]:
        watch(returns[0].item())
    return returns


def how_well(batch: dict[str, torch.Tensor]) -> dict[str, float]:
    """How well the team did in a batch.

    Returns:
        ``episode_reward_sum``, the mean return of the episodes that ended by themselves or by the time limit; only
        where none ended, ``episode_reward_mean``, the mean reward of a step.
    """
    done = expand_done(batch["terminated"] | batch["truncated"], batch["reward"].shape[2])
    reward_sum = episode_reward_sum(batch["reward"], done)
    if math.isnan(reward_sum):
        return {"episode_reward_mean": batch["reward"].mean().item()}
    return {"episode_reward_sum": reward_sum}


def _diagnosis(agent: MAPPOAgent, batch: dict[str, torch.Tensor], t: int) -> dict[str, torch.Tensor]:
    """What led to the actions of steps 0 to t, in the order in which it was computed."""
    until = slice(0, t + 1)
    seen = agent.with_history(batch["observation"][:, until], batch["begins"][:, until])
    mean, std = agent.actor(seen)
    return {
        "observation": batch["observation"][:, until],
        "mean": mean,
        "std": std,
        "action": batch["action"][:, until],
    }
