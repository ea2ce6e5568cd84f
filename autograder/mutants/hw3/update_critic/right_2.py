"""Fancy indexing, torch.where as the mask, an explicit squared error, clipping by hand."""

import torch

from gcb6206.exercises import solves


@solves("hw3.update_critic")
def update_critic(self, obs, action, reward, next_obs, done):
    rows = torch.arange(len(reward), device=reward.device)
    with torch.no_grad():
        future = self.target_critic(next_obs)
        best = (self.critic if self.use_double_q else self.target_critic)(next_obs).max(dim=1).indices
        value = torch.where(done.bool(), torch.zeros_like(reward), future[rows, best])
        target = reward + self.discount * value
    predicted = self.critic(obs)[rows, action.long()]
    error = (predicted - target).pow(2).mean()

    for parameter in self.critic.parameters():
        parameter.grad = None
    error.backward()
    gradients = [p.grad for p in self.critic.parameters() if p.grad is not None]
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    if self.clip_grad_norm is not None and norm > self.clip_grad_norm:
        for gradient in gradients:
            gradient *= self.clip_grad_norm / norm
    self.critic_optimizer.step()
    self.lr_scheduler.step()
    return dict(
        critic_loss=float(error),
        q_values=float(predicted.mean()),
        target_values=float(target.mean()),
        grad_norm=float(norm),
    )
