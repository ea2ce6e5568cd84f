"""A deep copy of the critic becomes the target network; the figures go out in a new dict."""

import copy

from gcb6206.exercises import solves


@solves("hw3.update")
def update(self, obs, action, reward, next_obs, done, step):
    batch = (obs, action, reward, next_obs, done)
    result = {**self.update_critic(*batch)}
    if (step % self.target_update_period) > 0:
        return result
    self.target_critic = copy.deepcopy(self.critic)
    return result
