"""Homework 2, hyperparameters and debugging: the reference solutions.

Each function stands in the student's notebook with the lines between the markers taken out.
"""

import torch

from gcb6206.exercises import solves
from gcb6206.networks.policies import log_tanh_slope
from gcb6206.networks.team import HIGHEST_TANH


@solves("hw2.num_envs")
def num_envs(frames_per_batch: int, max_steps: int) -> int:
    # TODO(student): whole episodes that fill the batch; refuse a batch that they do not fill
    # HINT: divmod; name both numbers, and the nearest multiple of max_steps, in the ValueError
    ### BEGIN SOLUTION
    episodes, rest = divmod(frames_per_batch, max_steps)
    if rest or episodes < 1:
        below, above = max(episodes, 1) * max_steps, (episodes + 1) * max_steps
        nearest = below if frames_per_batch - below <= above - frames_per_batch else above
        raise ValueError(
            f"frames_per_batch is {frames_per_batch}, no multiple of max_steps = {max_steps}: the nearest that "
            f"is one is {nearest}"
        )
    return episodes
    ### END SOLUTION


@solves("hw2.expand_done")
def expand_done(done: torch.Tensor, n_agents: int) -> torch.Tensor:
    # TODO(student): an axis for the agents, between time and the last one
    # HINT: Tensor.unsqueeze, Tensor.expand
    ### BEGIN SOLUTION
    return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)
    ### END SOLUTION


@solves("hw2.episode_reward_sum")
def episode_reward_sum(reward: torch.Tensor, done: torch.Tensor) -> float:
    # TODO(student): the running sum of every agent's rewards, and its value wherever an episode ends
    # HINT: it begins anew after each end; the mean of no values is NaN
    ### BEGIN SOLUTION
    running = torch.zeros_like(reward[:, 0])
    total, episodes = 0.0, 0
    for t in range(reward.shape[1]):
        running = running + reward[:, t]
        ended = running[done[:, t]]
        total, episodes = total + ended.sum(), episodes + len(ended)
        running = running * ~done[:, t]
    return float(total / episodes) if episodes else float("nan")
    ### END SOLUTION


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors: dict[str, torch.Tensor]) -> tuple[str, int] | None:
    # TODO(student): the first step at which each tensor breaks, and the first of these
    # HINT: torch.isfinite, Tensor.flatten; min with a key keeps the first of equals
    ### BEGIN SOLUTION
    first_steps = {}
    for name, tensor in tensors.items():
        if tensor.isfinite().all():
            continue
        broken = ~tensor.isfinite().transpose(0, 1).flatten(1).all(dim=1)
        first_steps[name] = int(broken.nonzero()[0])
    return min(first_steps.items(), key=lambda item: item[1], default=None)
    ### END SOLUTION


@solves("hw2.tanh_normal_log_prob")
def tanh_normal_log_prob(
    mean: torch.Tensor, std: torch.Tensor, action: torch.Tensor, low: torch.Tensor, high: torch.Tensor
) -> torch.Tensor:
    # TODO(student): u, out of the action; it has to stay finite for actions on the bounds
    # HINT: bring the action to -1..1, limit it with HIGHEST_TANH from gcb6206.networks.team, torch.atanh
    ### BEGIN SOLUTION
    half_width = (high - low) * 0.5
    squeezed = (action - low) / half_width - 1.0
    u = torch.atanh(squeezed.clamp(-HIGHEST_TANH, HIGHEST_TANH))
    ### END SOLUTION

    # TODO(student): the log-density of u, both changes of variables, and the sum over the components
    # HINT: torch.distributions.Normal, log_tanh_slope from gcb6206.networks.policies
    ### BEGIN SOLUTION
    normal = torch.distributions.Normal(mean, std, validate_args=False).log_prob(u)
    return (normal - log_tanh_slope(u) - half_width.log()).sum(dim=-1)
    ### END SOLUTION


@solves("hw2.tuning")
def tuning() -> str:
    # These settings are within the budget, and learn nothing.
    settings = """
        frames_per_batch: 24000
        n_iters: 2
        num_epochs: 5
        minibatch_size: 12000
        lr: 0.00003
    """
    # TODO(student): other settings, that learn
    # HINT: change one thing at a time; kl_approx, clip_fraction and entropy tell what to change next
    ### BEGIN SOLUTION
    settings = """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: 0.002
        gamma: 0.9
    """
    ### END SOLUTION
    return settings
