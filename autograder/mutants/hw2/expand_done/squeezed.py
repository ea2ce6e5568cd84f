"""Squeezes every axis of length 1 first."""

from autograder.mutants import patched

HINT = "also one of length 1"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "flags = done.squeeze()\n    return flags[..., None, None].expand(*flags.shape, n_agents, 1)",
    ),
)
