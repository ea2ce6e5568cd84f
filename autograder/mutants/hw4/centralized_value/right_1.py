"""With repeat_interleave, and a global state of its own."""

from gcb6206.exercises import solves


@solves("hw4.centralized_value")
def centralized_value(critic, observation):
    *front, agents, features = observation.shape
    value = critic(observation.reshape(*front, agents * features))
    return value[..., None, :].repeat_interleave(agents, dim=-2)
