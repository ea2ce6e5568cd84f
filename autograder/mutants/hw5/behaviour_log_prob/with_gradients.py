"""Builds the graph, and detaches the answer."""

from autograder.mutants import patched

HINT = "torch.no_grad()"

patched(
    "hw5.behaviour_log_prob",
    (
        "    with torch.no_grad():\n        log_probs, values = policy(torch.from_numpy(observations))",
        "    log_probs, values = (part.detach() for part in policy(torch.from_numpy(observations)))",
    ),
)
