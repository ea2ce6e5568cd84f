"""Returns tensors."""

from autograder.mutants import patched

HINT = "Take .item()"

patched(
    "hw1.update",
    ("float(np.mean([row[name] for row in figures]))", "torch.tensor([row[name] for row in figures]).mean()"),
)
