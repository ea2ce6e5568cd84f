"""Corrects the greedy action's Q-value instead of the taken one's."""

from autograder.mutants import patched

HINT = "gather the actions of the batch"

patched("hw3.update_critic", (".gather(1, action.long()[:, None]).squeeze(1)", ".max(dim=1).values"))
