"""Epsilon-greedy as one distribution: epsilon / n everywhere, the rest on the greedy action."""

import numpy as np
import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu

generator = np.random.default_rng()


@solves("hw3.get_action")
def get_action(self, observation, epsilon=0.02):
    with torch.inference_mode():
        q = self.critic(ptu.from_numpy(observation)[None]).squeeze(0)
    policy = np.full(self.num_actions, epsilon / self.num_actions)
    policy[int(q.max(dim=0).indices)] += 1.0 - epsilon
    return int(generator.choice(self.num_actions, p=policy / policy.sum()))
