"""Torch tensors inside."""

import numpy as np
import torch

from gcb6206.exercises import solves


@solves("hw1.compute_gae")
def compute_gae(rewards, values, next_values, terminated, truncated, gamma, gae_lambda):
    r, v, n = (torch.as_tensor(np.array(x)).double() for x in (rewards, values, next_values))
    te, tr = (torch.as_tensor(np.array(x)) for x in (terminated, truncated))
    d = r + gamma * n * (~te).double() - v
    a = torch.zeros_like(d)
    f = torch.zeros_like(d[0])
    for t in reversed(range(len(d))):
        f = d[t] + gamma * gae_lambda * f * (~(te | tr)[t]).double()
        a[t] = f
    return (a.numpy(), (a + v).numpy())
