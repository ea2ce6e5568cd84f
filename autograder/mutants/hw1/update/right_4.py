"""Lists of indices, CleanRL's order."""

import numpy as np
import torch

from gcb6206.agents import ppo_agent
from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu


@solves("hw1.update")
def update(self, samples, progress):
    lr = ppo_agent.linear_schedule(*self.learning_rate, progress)
    eps = ppo_agent.linear_schedule(*self.clip_range, progress)
    beta = ppo_agent.linear_schedule(*self.ent_coef, progress)
    self.set_learning_rate(lr)
    total = len(samples["returns"])
    stats, log_ratios, stop = ([], [], False)
    for epoch in range(self.n_epochs):
        for index in [
            row.tolist() for row in ppo_agent.minibatch_indices(num_samples=total, batch_size=self.batch_size)
        ]:
            obs, act = (samples["observations"][index], samples["actions"][index])
            old_logp, old_v = (samples["log_probs"][index], samples["values"][index])
            adv, ret = (samples["advantages"][index], samples["returns"][index])
            logp, entropy, v = self.policy.evaluate(obs, act)
            if self.normalize_advantages:
                adv = ppo_agent.normalize_advantage(adv)
            pg_loss = ppo_agent.policy_loss(logp, old_logp, adv, eps)
            v_loss = ppo_agent.value_loss(v, old_v, ret, self.clip_range_vf)
            loss = pg_loss + self.vf_coef * v_loss - beta * entropy
            stats.append([loss.item(), pg_loss.item(), v_loss.item(), -entropy.item()])
            log_ratio = logp.detach() - old_logp
            log_ratios.append(log_ratio)
            if self.target_kl is not None and ppo_agent.approx_kl(log_ratio) > 1.5 * self.target_kl:
                stop = True
                break
            self.optimizer.zero_grad()
            loss.backward()
            ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm)
            self.optimizer.step()
        if stop:
            break
    means = np.mean(stats, axis=0)
    every = torch.cat(log_ratios)
    return {
        "loss": float(means[0]),
        "policy_gradient_loss": float(means[1]),
        "value_loss": float(means[2]),
        "entropy_loss": float(means[3]),
        "approx_kl": ppo_agent.approx_kl(every),
        "clip_fraction": ppo_agent.clip_fraction(every, eps),
        "learning_rate": lr,
        "clip_range": eps,
        "ent_coef": beta,
    }
