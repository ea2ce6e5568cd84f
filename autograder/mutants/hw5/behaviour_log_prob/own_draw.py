"""Draws by itself, without the noise that was given."""

from autograder.mutants import patched

HINT = "argmax of log_probs + noise"

patched(
    "hw5.behaviour_log_prob",
    (
        "actions = (log_probs if noise is None else log_probs + noise).argmax(axis=1)",
        "actions = np.array([np.random.choice(len(p), p=p / p.sum()) for p in np.exp(log_probs.astype(float))])",
    ),
)
