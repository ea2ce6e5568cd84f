"""~done on what our buffer gives, an OrderedDict of scalars that are cut from the graph."""

from collections import OrderedDict

import torch

from gcb6206.exercises import solves


@solves("hw3.update_critic")
def update_critic(self, obs, action, reward, next_obs, done):
    with torch.no_grad():
        next_q = self.target_critic(next_obs)
        best = (self.critic(next_obs) if self.use_double_q else next_q).argmax(dim=1, keepdim=True)
        target = reward + self.discount * ~done * torch.take_along_dim(next_q, best, dim=1).squeeze(1)
    q = torch.take_along_dim(self.critic(obs), action[:, None], dim=1).squeeze(1)
    loss = self.critic_loss(q, target)
    self.critic_optimizer.zero_grad()
    loss.backward()
    limit = float("inf") if self.clip_grad_norm is None else self.clip_grad_norm
    norm = torch.nn.utils.clip_grad_norm_(self.critic.parameters(), limit)
    self.critic_optimizer.step()
    self.lr_scheduler.step()
    return OrderedDict(
        critic_loss=loss.detach(), q_values=q.detach().mean(), target_values=target.mean(), grad_norm=norm
    )
