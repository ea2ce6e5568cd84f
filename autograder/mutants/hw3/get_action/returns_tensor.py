"""Returns what argmax gives, a tensor."""

from autograder.mutants import patched

HINT = "plain int"

patched(
    "hw3.get_action",
    (
        "int(self.critic(ptu.from_numpy(observation)[None]).argmax())",
        "self.critic(ptu.from_numpy(observation)[None]).argmax()",
    ),
)
