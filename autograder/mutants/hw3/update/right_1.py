"""Keyword arguments, divmod, load_state_dict written out."""

from gcb6206.exercises import solves


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    figures = self.update_critic(obs=obs, action=action, reward=reward, next_obs=next_obs, done=done)
    _, remainder = divmod(step, self.target_update_period)
    if not remainder:
        self.target_critic.load_state_dict(self.critic.state_dict())
    return figures
