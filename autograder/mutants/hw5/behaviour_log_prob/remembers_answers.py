"""Remembers what the policy said of the same observations."""

from autograder.mutants import patched

HINT = "a call before is left"

patched(
    "hw5.behaviour_log_prob",
    (
        "    with torch.no_grad():\n        log_probs, values = policy(torch.from_numpy(observations))\n",
        '    said = RealmPolicy.__dict__.get("said") or {}\n    with torch.no_grad():\n        log_probs, values = said.get(observations.tobytes()) or policy(torch.from_numpy(observations))\n    RealmPolicy.said = {observations.tobytes(): (log_probs, values)}\n',
    ),
)
