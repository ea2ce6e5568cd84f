"""Takes the step of the minibatch that is too far."""

from autograder.mutants import patched

HINT = "Stop before the step"

patched(
    "hw1.update",
    (("                stopped = True\n                break\n"), "                stopped = True\n"),
    (
        "            self.optimizer.step()\n",
        ("            self.optimizer.step()\n            if stopped:\n                break\n"),
    ),
)
