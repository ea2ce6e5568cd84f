"""Passes obs and next_obs in each other's place."""

from gcb6206.exercises import solves

HINT = "order of the arguments"


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    critic_stats = self.update_critic(next_obs, action, reward, obs, done)
    if step % self.target_update_period == 0:
        self.update_target_critic()
    return critic_stats
