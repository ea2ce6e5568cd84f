"""Makes the target network another name of the critic."""

from autograder.mutants import patched

HINT = "copy the weights"

patched("hw3.update", ("        self.update_target_critic()", "        self.target_critic = self.critic"))
