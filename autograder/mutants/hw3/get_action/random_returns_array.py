"""The random way out returns an array of one action."""

from autograder.mutants import patched

HINT = "Both branches"

patched(
    "hw3.get_action",
    ("int(np.random.randint(self.num_actions))", "np.random.randint(self.num_actions, size=1)"),
)
