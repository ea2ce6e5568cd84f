"""Does not say which number would fit."""

from autograder.mutants import patched

HINT = "the nearest positive multiple"

patched(
    "hw2.num_envs",
    ('the nearest that "\n            f"is one is {nearest}"', 'take "\n            f"another"'),
)
