"""Seeds the random stream with the time of day."""

from autograder.mutants import patched

HINT = "You set a seed inside"

patched(
    "hw1.minibatch_indices",
    ("    return torch", '    torch.manual_seed(__import__("time").time_ns() % 2**31)\n    return torch'),
)
