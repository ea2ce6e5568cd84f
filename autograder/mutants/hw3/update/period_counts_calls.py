"""Counts its own calls instead of using the step."""

from gcb6206.exercises import solves

HINT = "use the given step"


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    critic_stats = self.update_critic(obs, action, reward, next_obs, done)
    self.calls = getattr(self, "calls", 0) + 1
    if self.calls % self.target_update_period == 0:
        self.update_target_critic()
    return critic_stats
