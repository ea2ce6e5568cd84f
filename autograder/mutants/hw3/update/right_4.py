"""The other function by its bare name, as a notebook defines it."""

import torch

from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu


@solves("hw3.update_critic")
def update_critic(self, obs, action, reward, next_obs, done):
    with torch.no_grad():
        future = self.target_critic(next_obs).amax(dim=1)
        target = reward + self.discount * torch.where(done, 0.0, future)
    q = self.critic(obs).gather(1, action[:, None]).squeeze(1)
    loss = self.critic_loss(q, target)
    self.critic_optimizer.zero_grad()
    loss.backward()
    norm = ptu.clip_grad_norm(self.critic.parameters(), self.clip_grad_norm)
    self.critic_optimizer.step()
    self.lr_scheduler.step()
    return dict(critic_loss=loss.item(), q_values=q.mean().item(), grad_norm=norm.item())


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    stats = dict(update_critic(self, obs, action, reward, next_obs, done))
    if not step % self.target_update_period:
        for target, online in zip(self.target_critic.parameters(), self.critic.parameters()):
            target.data = online.data.clone()
    return stats
