"""Draws a random action among the others only."""

from autograder.mutants import patched

HINT = "One action is never drawn"

patched(
    "hw3.get_action",
    (
        "int(np.random.randint(self.num_actions))",
        "(self.get_action(observation, 0.0) + np.random.randint(1, self.num_actions)) % self.num_actions",
    ),
)
