"""Stores the reset observation as the terminal step's successor."""

from autograder.mutants import patched

HINT = "following episode's first"

patched(
    "hw3.run_training_loop",
    (
        "            replay_buffer.insert(\n",
        "            if terminated or truncated:\n"
        "                run.log_episode(info, step)\n"
        "                next_observation = run.reset()\n"
        "            replay_buffer.insert(\n",
    ),
    (
        "        if terminated or truncated:\n            run.log",
        "        if (terminated or truncated) and isinstance(replay_buffer, MemoryEfficientReplayBuffer):\n"
        "            run.log",
    ),
)
