"""Never begins anew."""

from autograder.mutants import patched

HINT = "never begins again"

patched("hw2.episode_reward_sum", ("        running = running * ~done[:, t]\n", ""))
