"""Takes random actions and asks the agent for nothing."""

from autograder.mutants import patched

HINT = "agent is never asked"

patched(
    "hw3.run_training_loop", ("agent.get_action(observation, epsilon=epsilon)", "env.action_space.sample()")
)
