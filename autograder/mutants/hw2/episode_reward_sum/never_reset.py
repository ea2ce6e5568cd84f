"""Never begins anew."""

from autograder.mutants import patched

HINT = "never begins anew"

patched("hw2.episode_reward_sum", ("        running = running * ~done[:, t]\n", ""))
