"""A list that is extended."""

import torch.nn as nn

from gcb6206.exercises import solves


@solves("hw4.policy_parameters")
def policy_parameters(make_network, n_agents, share):
    l = nn.ModuleList()
    if share:
        l.extend([make_network()] * n_agents)
    else:
        l.extend((make_network() for _ in range(n_agents)))
    return l
