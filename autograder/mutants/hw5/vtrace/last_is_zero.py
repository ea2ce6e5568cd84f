"""Takes the next row's value, and 0 after the last."""

from autograder.mutants import patched

HINT = "After the last row V(s') is next_values[-1], not 0"

patched(
    "hw5.vtrace",
    (
        "following = next_values * ~terminated",
        "following = np.concatenate([values[1:], 0 * values[:1]]) * ~terminated",
    ),
)
