"""Takes the pictures after the step."""

from autograder.mutants import patched

HINT = "taken after the step"

patched(
    "hw3.sample_trajectory",
    ("if render:", "if False:"),
    (
        "        steps += 1",
        "        if render:\n            image_obs.append(render_frame(env))\n        steps += 1",
    ),
)
