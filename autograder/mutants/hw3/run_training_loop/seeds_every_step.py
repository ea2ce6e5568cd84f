"""Sets the seed again at every step, so that every step explores by the same draw."""

from autograder.mutants import patched

HINT = "seed once"

patched(
    "hw3.run_training_loop",
    ("        epsilon = config", "        np.random.seed(args.seed)\n        epsilon = config"),
)
