"""Copies the target network at every step."""

from gcb6206.exercises import solves

HINT = "copied at every step"


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    critic_stats = self.update_critic(obs, action, reward, next_obs, done)
    self.update_target_critic()
    return critic_stats
