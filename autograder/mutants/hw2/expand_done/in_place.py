"""Adds the axis to the argument itself."""

from gcb6206.exercises import solves

HINT = "changed its argument"


@solves("hw2.expand_done")
def expand_done(done, n_agents):
    return done.unsqueeze_(2).expand(-1, -1, n_agents, -1)
