"""Sets torch's seed at its first action."""

from autograder.mutants import patched

HINT = "You set a seed inside"

patched(
    "hw3.get_action",
    (
        "    if np.random",
        '    if not hasattr(self, "generator"):\n        self.generator = torch.manual_seed(0)\n    if np.random',
    ),
)
