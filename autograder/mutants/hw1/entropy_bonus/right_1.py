"""PyTorch's own distribution."""

from torch.distributions import Categorical

from gcb6206.exercises import solves


@solves("hw1.entropy_bonus")
def entropy_bonus(log_probs):
    return Categorical(logits=log_probs).entropy().mean()
