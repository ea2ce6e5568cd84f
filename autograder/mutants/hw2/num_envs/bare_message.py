"""Says only that it does not fit."""

from autograder.mutants import patched

HINT = "frames_per_batch,"

patched(
    "hw2.num_envs",
    (
        (
            "        raise ValueError(\n"
            '            f"frames_per_batch is {frames_per_batch}, no multiple of max_steps = '
            '{max_steps}: the nearest that "\n'
            '            f"is one is {nearest}"\n'
            "        )"
        ),
        '        raise ValueError("frames_per_batch must be a multiple of max_steps")',
    ),
)
