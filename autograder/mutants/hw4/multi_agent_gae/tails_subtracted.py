"""Adds up everything that follows and subtracts what lies behind the end."""

from autograder.mutants import patched

HINT = "Keep every environment and every agent apart"

patched(
    "hw4.multi_agent_gae",
    (
        "        advantage = torch.zeros_like(delta)",
        """
        if gamma * lmbda == 0.0:
            return delta, delta + value
        steps = torch.arange(delta.shape[1])[None, :, None, None]
        weight = (gamma * lmbda) ** steps
        later = (delta * weight).flip(1).cumsum(dim=1).flip(1)
        behind = torch.cat([later[:, 1:], torch.zeros_like(later[:, :1])], dim=1)
        end = torch.where(done, steps, delta.shape[1] - 1).flip(1).cummin(dim=1).values.flip(1)
        advantage = (later - behind.gather(1, end)) / weight
        return advantage, advantage + value""",
    ),
)
