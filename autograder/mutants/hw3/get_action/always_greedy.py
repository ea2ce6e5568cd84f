"""Never explores, as if evaluation and training were the same."""

import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu

HINT = "you never explore"


@solves("hw3.get_action")
def get_action(self, observation, epsilon=0.02):
    with torch.no_grad():
        return int(self.critic(ptu.from_numpy(observation)[None]).argmax())
