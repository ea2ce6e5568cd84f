"""Copies before the critic's step."""

from gcb6206.exercises import solves

HINT = "update the critic first"


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    if step % self.target_update_period == 0:
        self.update_target_critic()
    return self.update_critic(obs, action, reward, next_obs, done)
