"""One factory for both cases."""

from torch import nn

from gcb6206.exercises import solves


@solves("hw4.policy_parameters")
def policy_parameters(make_network, n_agents, share):
    one = make_network()
    make = (lambda: one) if share else make_network
    return nn.ModuleList([make() for _ in range(n_agents)])
