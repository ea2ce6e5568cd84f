"""Shows the policy floats."""

from autograder.mutants import patched

HINT = "The observations, as a tensor of bytes"

patched(
    "hw5.behaviour_log_prob",
    ("policy(torch.from_numpy(observations))", "policy(torch.from_numpy(observations).float())"),
)
