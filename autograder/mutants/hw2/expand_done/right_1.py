"""With repeat."""

from gcb6206.exercises import solves


@solves("hw2.expand_done")
def expand_done(done, n_agents):
    return done[:, :, None].repeat(1, 1, n_agents, 1)
