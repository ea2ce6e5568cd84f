"""Averages each environment's episodes first."""

from autograder.mutants import patched

HINT = "do not first take a mean"

patched(
    "hw2.episode_reward_sum",
    (
        "    running = torch.zeros_like(reward[:, 0])",
        (
            "    means = []\n"
            "    for rows, ends in zip(reward, done):\n"
            "        sums = rows.cumsum(0)[ends]\n"
            "        if len(sums):\n"
            "            means.append(sums[-rows.shape[1] :].mean() / ends.any(dim=1).sum())\n"
            "    if True:\n"
            '        return float(sum(means) / len(means)) if means else float("nan")\n'
            "    running = torch.zeros_like(reward[:, 0])"
        ),
    ),
)
