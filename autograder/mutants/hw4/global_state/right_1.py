"""With reshape."""

from gcb6206.exercises import solves


@solves("hw4.global_state")
def global_state(observation):
    *front, agents, features = observation.shape
    return observation.reshape(*front, agents * features)
