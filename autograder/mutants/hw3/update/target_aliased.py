"""Makes the target network another name of the critic."""

from gcb6206.exercises import solves

HINT = "copy the weights"


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    critic_stats = self.update_critic(obs, action, reward, next_obs, done)
    if step % self.target_update_period == 0:
        self.target_critic = self.critic
    return critic_stats
