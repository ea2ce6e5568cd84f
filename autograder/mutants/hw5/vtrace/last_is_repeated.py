"""Takes the last value twice."""

from autograder.mutants import patched

HINT = "not values[-1]"

patched(
    "hw5.vtrace",
    (
        "following = next_values * ~terminated",
        "following = np.concatenate([values[1:], values[-1:]]) * ~terminated",
    ),
)
