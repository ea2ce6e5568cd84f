"""Uses the greedy policy of the evaluation for training."""

from autograder.mutants import patched

HINT = "never explores"

patched(
    "hw3.run_training_loop",
    ("agent.get_action(observation, epsilon=epsilon)", "agent.greedy().get_action(observation)"),
)
