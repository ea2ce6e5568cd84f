"""Takes the Huber loss with a clip range, linear in errors above 100."""

from autograder.mutants import patched

HINT = "any size"

patched(
    "hw1.value_loss",
    (
        "(value - returns) ** 2, (clipped_value - returns) ** 2",
        "*(2 * F.huber_loss(v, returns, reduction='none', delta=100.0) for v in (value, clipped_value))",
    ),
)
