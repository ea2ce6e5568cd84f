"""Without gradients, detached all the same, and indexed with rows."""

import numpy as np
import torch

from gcb6206.exercises import solves


@solves("hw5.behaviour_log_prob")
def behaviour_log_prob(policy, observations, noise):
    with torch.inference_mode():
        answer = policy(torch.as_tensor(observations))
    log_probs, values = (part.detach().cpu().numpy() for part in answer)
    scores = log_probs.copy()
    if noise is not None:
        scores += noise
    actions = np.argmax(scores, axis=-1)
    return actions, log_probs[np.arange(len(actions)), actions], values
