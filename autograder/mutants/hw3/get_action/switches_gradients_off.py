"""Switches gradients off for the whole program."""

import numpy as np
import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu

HINT = "torch.no_grad()"


@solves("hw3.get_action")
def get_action(self, observation, epsilon=0.02):
    if np.random.random() < epsilon:
        return int(np.random.randint(self.num_actions))
    torch.set_grad_enabled(False)
    return int(self.critic(ptu.from_numpy(observation)[None]).argmax())
