"""torch's random numbers, torch.argmax, .item()."""

import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu


@solves("hw3.get_action")
@torch.no_grad()
def get_action(self, observation, epsilon=0.02):
    state = ptu.from_numpy(observation).unsqueeze(0)
    greedy = torch.argmax(self.critic(state), dim=1)
    explored = torch.randint(self.num_actions, (1,), device=greedy.device)
    return torch.where(torch.rand(1, device=greedy.device) < epsilon, explored, greedy).item()
