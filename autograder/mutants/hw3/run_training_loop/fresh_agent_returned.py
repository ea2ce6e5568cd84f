"""Returns an agent that was never trained."""

from autograder.mutants import patched

HINT = "Return the agent that was trained"

patched(
    "hw3.run_training_loop",
    (
        "    return agent",
        "    return type(agent)(env.observation_space.shape, env.action_space.n, **config['agent_kwargs'])",
    ),
)
