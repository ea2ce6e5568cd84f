"""Compares epsilon with 0 instead of with a random number."""

import numpy as np
import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu

HINT = "You always explore"


@solves("hw3.get_action")
def get_action(self, observation, epsilon=0.02):
    if epsilon > 0:
        return int(np.random.randint(self.num_actions))
    with torch.no_grad():
        return int(self.critic(ptu.from_numpy(observation)[None]).argmax())
