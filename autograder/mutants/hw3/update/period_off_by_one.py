"""Copies one step early."""

from gcb6206.exercises import solves

HINT = "One step early"


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    critic_stats = self.update_critic(obs, action, reward, next_obs, done)
    if (step + 1) % self.target_update_period == 0:
        self.update_target_critic()
    return critic_stats
