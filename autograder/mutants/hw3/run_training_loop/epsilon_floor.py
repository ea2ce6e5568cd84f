"""Never explores less than in 5 % of the steps."""

from autograder.mutants import patched

HINT = "exploration_schedule"

patched(
    "hw3.run_training_loop",
    ('config["exploration_schedule"].value(step)', 'max(0.05, config["exploration_schedule"].value(step))'),
)
