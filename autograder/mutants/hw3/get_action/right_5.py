"""Under a decorator; evaluation mode for the call, and back; NumPy's integers."""

import functools

import numpy as np

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu


def in_evaluation_mode(function):
    """Runs a method with the critic in evaluation mode."""

    @functools.wraps(function)
    def wrapper(self, *args, **kwargs):
        before = self.critic.training
        self.critic.eval()
        try:
            return function(self, *args, **kwargs)
        finally:
            self.critic.train(before)

    return wrapper


@solves("hw3.get_action")
@in_evaluation_mode
def get_action(self, observation, epsilon=0.02):
    if epsilon > np.random.uniform():
        return np.random.choice(np.arange(self.num_actions))
    values = ptu.to_numpy(self.critic(ptu.from_numpy(np.expand_dims(observation, 0))))
    return np.argmax(values, axis=-1)[0]
