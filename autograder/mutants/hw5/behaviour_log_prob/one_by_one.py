"""Asks the policy once for each game."""

from autograder.mutants import patched

HINT = "One answer holds all"

patched(
    "hw5.behaviour_log_prob",
    (
        "log_probs, values = policy(torch.from_numpy(observations))",
        "answers = [policy(torch.from_numpy(observations)) for _ in observations]\n        log_probs = torch.stack([answer[0][i] for i, answer in enumerate(answers)])\n        values = torch.stack([answer[1][i] for i, answer in enumerate(answers)])",
    ),
)
