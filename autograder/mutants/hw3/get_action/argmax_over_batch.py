"""Takes the argmax over the batch axis, so action 0 always wins."""

import numpy as np
import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu

HINT = "batch axis"


@solves("hw3.get_action")
def get_action(self, observation, epsilon=0.02):
    if np.random.random() < epsilon:
        return int(np.random.randint(self.num_actions))
    with torch.no_grad():
        return int(self.critic(ptu.from_numpy(observation)[None]).argmax(dim=0)[0])
