"""With torch."""

import torch

from gcb6206.exercises import solves


@solves("hw5.vtrace")
def vtrace(
    log_ratio,
    rewards,
    values,
    next_values,
    terminated,
    truncated,
    gamma,
    trace_lambda=1.0,
    clip_rho=1.0,
    clip_c=1.0,
):
    arrays = (log_ratio, rewards, values, next_values)
    w, r, v, following = (torch.tensor(array) for array in arrays)
    w = w.exp()
    over, ended = torch.tensor(terminated), torch.tensor(terminated | truncated)
    following = following.masked_fill(over, 0.0)
    rho, c = w.clamp(max=clip_rho), trace_lambda * w.clamp(max=clip_c)
    delta = rho * (r + gamma * following - v)
    targets, advantages, excess = [], [], torch.zeros_like(delta[0])
    for row in zip(*(part.flip(0) for part in (delta, rho, c, ended, v))):
        d, weight, carry, end, value = row
        ahead = gamma * excess.masked_fill(end, 0.0)
        advantages.append(d + trace_lambda * weight * ahead)
        excess = d + carry * ahead
        targets.append(value + excess)
    return [torch.stack(part[::-1]).numpy() for part in (targets, advantages)]
