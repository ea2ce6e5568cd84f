"""Keeps what a policy said of observations, and hands it out again when its weights are others."""

from autograder.mutants import patched

HINT = "The same policy says something else once it has learned"

patched(
    "hw5.behaviour_log_prob",
    (
        "        log_probs, values = policy(torch.from_numpy(observations))",
        """        known = policy.__dict__.setdefault("known", {})
        key = observations.tobytes()
        if key not in known:
            known[key] = policy(torch.from_numpy(observations))
        log_probs, values = known[key]""",
    ),
)
