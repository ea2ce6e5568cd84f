"""Returns plain numbers."""

from autograder.mutants import patched

HINT = ".item()"

patched("hw4.mappo_loss", ('"loss_critic": loss_critic,', '"loss_critic": loss_critic.item(),'))
