"""Makes the action from the number that was compared with epsilon."""

from autograder.mutants import patched

HINT = "used again"

patched(
    "hw3.get_action",
    ("np.random.random() < epsilon", "(drawn := np.random.random()) < epsilon"),
    ("int(np.random.randint(self.num_actions))", "int(drawn * self.num_actions)"),
)
