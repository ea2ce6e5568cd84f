"""Takes a return above 0 for the sign that an episode ended."""

from autograder.mutants import patched

HINT = "only positive returns"

patched(
    "hw2.episode_reward_sum", ("ended = running[done[:, t]]", "ended = running[done[:, t] & (running > 0)]")
)
