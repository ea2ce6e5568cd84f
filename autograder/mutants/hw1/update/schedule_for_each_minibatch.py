"""Lets the schedules run on within an update."""

from autograder.mutants import patched

HINT = "once for the whole update"

patched(
    "hw1.update",
    (
        "            batch = {",
        (
            "            part = progress + 0.01 * len(figures)\n"
            "            self.set_learning_rate(ppo_agent.linear_schedule(*self.learning_rate, "
            "part))\n"
            "            batch = {"
        ),
    ),
)
