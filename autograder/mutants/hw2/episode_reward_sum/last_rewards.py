"""Takes the reward of the last step."""

from autograder.mutants import patched

HINT = "rewards of the last steps"

patched("hw2.episode_reward_sum", ("running = running + reward[:, t]", "running = reward[:, t]"))
