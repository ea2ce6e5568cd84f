"""Clips after the optimiser has already stepped."""

import torch
from torch import nn

from gcb6206.exercises import solves

HINT = "not clipped"


@solves("hw3.update_critic")
def update_critic(self, obs, action, reward, next_obs, done):
    with torch.no_grad():
        next_q_values = self.target_critic(next_obs)
        chooser = self.critic(next_obs) if self.use_double_q else next_q_values
        next_value = next_q_values.gather(1, chooser.argmax(dim=1, keepdim=True)).squeeze(1)
        target_values = reward + self.discount * (1.0 - done.float()) * next_value
    q_values = self.critic(obs).gather(1, action.long()[:, None]).squeeze(1)
    loss = self.critic_loss(q_values, target_values)
    self.critic_optimizer.zero_grad()
    loss.backward()
    limit = float("inf") if self.clip_grad_norm is None else self.clip_grad_norm
    self.critic_optimizer.step()
    grad_norm = nn.utils.clip_grad_norm_(self.critic.parameters(), limit)
    self.lr_scheduler.step()
    return {
        "critic_loss": loss.item(),
        "q_values": q_values.mean().item(),
        "target_values": target_values.mean().item(),
        "grad_norm": grad_norm.item(),
    }
