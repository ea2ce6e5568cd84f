"""Moves the layers of square pictures to the front, which the critic does itself."""

from autograder.mutants import patched

HINT = "own axes stay"

patched(
    "hw3.get_action",
    (
        "        return int(self.critic(ptu.from_numpy(observation)[None])",
        "        if observation.ndim == 3 and observation.shape[0] == observation.shape[1]:\n            observation = observation.transpose(2, 0, 1)\n        return int(self.critic(ptu.from_numpy(observation)[None])",
    ),
)
