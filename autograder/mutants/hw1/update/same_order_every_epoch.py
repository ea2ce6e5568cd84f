"""Shuffles once for all epochs."""

from autograder.mutants import patched

HINT = "Every epoch has the same order"

patched(
    "hw1.update",
    (
        "    figures, log_ratios = [], []\n",
        (
            "    figures, log_ratios = [], []\n"
            '    order = ppo_agent.minibatch_indices(len(samples["returns"]), self.batch_size)\n'
        ),
    ),
    (
        (
            '        order = ppo_agent.minibatch_indices(len(samples["returns"]), self.batch_size)\n'
            "        minibatches"
        ),
        "        minibatches",
    ),
)
