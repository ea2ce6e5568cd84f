"""Draws a second time where a random action is the one before."""

from autograder.mutants import patched

HINT = "depends on the one before"

patched(
    "hw3.get_action",
    (
        "        return int(np.random.randint(self.num_actions))",
        '        action = int(np.random.randint(self.num_actions))\n        if action == getattr(self, "last", None):\n            action = int(np.random.randint(self.num_actions))\n        self.last = action\n        return action',
    ),
)
