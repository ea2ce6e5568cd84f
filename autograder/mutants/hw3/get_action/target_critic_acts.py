"""Acts by the target network."""

from autograder.mutants import patched

HINT = "The target network chooses"

patched("hw3.get_action", ("int(self.critic(", "int(self.target_critic("))
