"""One flat list of minibatches, functions by their bare names, a return out of the loop."""

import itertools

from gcb6206.agents.ppo_agent import (
    approx_kl,
    clip_fraction,
    linear_schedule,
    minibatch_indices,
    normalize_advantage,
    policy_loss,
    value_loss,
)
from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu


@solves("hw1.update")
def update(self, samples, progress):
    used = {
        name: linear_schedule(*getattr(self, name), progress)
        for name in ("learning_rate", "clip_range", "ent_coef")
    }
    self.set_learning_rate(used["learning_rate"])
    seen = []

    def figures():
        return {name: sum(row[name] for row in seen) / len(seen) for name in seen[0]} | used

    epochs = (minibatch_indices(len(samples["values"]), self.batch_size) for _ in range(self.n_epochs))
    for index in itertools.chain.from_iterable(epochs):
        obs, action, old_log_prob, old_value, advantage, goal = (
            samples[key][index]
            for key in ("observations", "actions", "log_probs", "values", "advantages", "returns")
        )
        log_prob, entropy, value = self.policy.evaluate(obs, action)
        weight = normalize_advantage(advantage) if self.normalize_advantages else advantage
        actor_loss = policy_loss(log_prob, old_log_prob, weight, used["clip_range"])
        critic_loss = value_loss(value, old_value, goal, self.clip_range_vf)
        total = actor_loss + self.vf_coef * critic_loss - used["ent_coef"] * entropy
        log_ratio = log_prob.detach() - old_log_prob
        seen.append(
            {
                "loss": float(total.detach()),
                "policy_gradient_loss": float(actor_loss.detach()),
                "value_loss": float(critic_loss.detach()),
                "entropy_loss": -float(entropy.detach()),
                "approx_kl": approx_kl(log_ratio),
                "clip_fraction": clip_fraction(log_ratio, used["clip_range"]),
            }
        )
        if self.target_kl and seen[-1]["approx_kl"] > 1.5 * self.target_kl:
            return figures()
        self.optimizer.zero_grad(set_to_none=False)
        total.backward()
        ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm)
        self.optimizer.step()
    return figures()
