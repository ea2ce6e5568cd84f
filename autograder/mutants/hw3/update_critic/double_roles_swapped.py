"""Double Q: the target network chooses, the critic values."""

from autograder.mutants import patched

HINT = "roles are swapped"

patched(
    "hw3.update_critic",
    ("        chooser = self.critic(next_obs)", "        valuer = self.critic(next_obs)"),
    ("next_q_values.gather(1, chooser.argmax", "valuer.gather(1, next_q_values.argmax"),
)
