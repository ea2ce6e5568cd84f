"""Never copies the target network."""

from gcb6206.exercises import solves

HINT = "never copied"


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    critic_stats = self.update_critic(obs, action, reward, next_obs, done)
    return critic_stats
