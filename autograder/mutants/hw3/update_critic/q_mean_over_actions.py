"""Averages Q(s, .) instead of gathering the action taken."""

from autograder.mutants import patched

HINT = "mean over all actions"

patched("hw3.update_critic", (".gather(1, action.long()[:, None]).squeeze(1)", ".mean(dim=1)"))
