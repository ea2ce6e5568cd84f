"""Stores the observation as its own successor."""

from autograder.mutants import patched

HINT = "store what env.step returned"

patched("hw3.sample_trajectory", ("next_obs.append(next_ob)", "next_obs.append(ob)"))
