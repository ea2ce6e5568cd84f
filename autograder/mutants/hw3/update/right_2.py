"""Copies every parameter in place."""

import torch

from gcb6206.exercises import solves


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    info = self.update_critic(obs, action, reward, next_obs, done)
    due = step // self.target_update_period * self.target_update_period == step
    if due:
        with torch.no_grad():
            for online, target in zip(self.critic.parameters(), self.target_critic.parameters()):
                target.copy_(online)
    return info
