"""Returns the best episode."""

from autograder.mutants import patched

HINT = "best episode"

patched(
    "hw2.episode_reward_sum",
    (
        "total, episodes = total + ended.sum(), episodes + len(ended)",
        "total, episodes = max([total, *ended.tolist()]), episodes + len(ended)",
    ),
    ("total / episodes", "total"),
)
