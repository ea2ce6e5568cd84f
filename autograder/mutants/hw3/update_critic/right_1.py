"""The original homework's names; torch.gather, .detach() instead of no_grad, a literal norm limit."""

import torch

from gcb6206.exercises import solves


@solves("hw3.update_critic")
def update_critic(self, obs, action, reward, next_obs, done):
    (batch_size,) = reward.shape
    next_qa_values = self.target_critic(next_obs)
    if self.use_double_q:
        next_action = self.critic(next_obs).argmax(dim=-1)
    else:
        next_action = next_qa_values.argmax(dim=-1)
    next_q_values = torch.gather(next_qa_values, 1, next_action.unsqueeze(-1)).squeeze(-1)
    assert next_q_values.shape == (batch_size,)
    target_values = (reward + self.discount * next_q_values * (1 - done.to(torch.float32))).detach()

    qa_values = self.critic(obs)
    q_values = torch.gather(qa_values, 1, action.to(torch.long).unsqueeze(-1)).squeeze(-1)
    loss = self.critic_loss(q_values, target_values)
    self.critic_optimizer.zero_grad()
    loss.backward()
    grad_norm = torch.nn.utils.clip_grad.clip_grad_norm_(
        self.critic.parameters(), self.clip_grad_norm or float("inf")
    )
    self.critic_optimizer.step()
    self.lr_scheduler.step()
    return {
        "critic_loss": loss.item(),
        "q_values": q_values.mean().item(),
        "target_values": target_values.mean().item(),
        "grad_norm": grad_norm.item(),
    }
