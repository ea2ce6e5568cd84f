"""Takes the next row's value at a time limit."""

from autograder.mutants import patched

HINT = "That is the value of the next row"

patched(
    "hw5.vtrace",
    (
        "following = next_values * ~terminated",
        "following = np.concatenate([values[1:], next_values[-1:]]) * ~terminated",
    ),
)
