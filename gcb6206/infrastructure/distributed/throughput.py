"""How many steps per second a distributed training makes of so many cores: a model of measured costs."""

from __future__ import annotations


def predicted(
    costs: dict[str, float], cores: int, learner_cores: float = 1.0, reuse: float = 1.0
) -> dict[str, float]:
    """Steps per second by a model: every core is busy with one role, and the slowest role decides.

    A step costs its worker the step and one packing, the actor a prediction, the learner ``reuse`` samples and an
    unpacking. Cores are shared out so that workers and actors keep up with the learner, which has ``learner_cores`` at
    most. Nothing is said of waiting for messages: many games in a batch and several workers a core hide it.

    Returns:
        ``steps``: per second; ``workers``: cores that play and predict; ``learner``: those that learn.
    """
    packing = costs["byte"] * costs["bytes_a_step"]
    playing = costs["step"] + costs["prediction"] + packing
    learning = reuse * costs["sample"] + packing
    learner = min(learner_cores, cores * learning / (playing + learning))
    steps = min(learner / learning, (cores - learner) / playing)
    return {"steps": steps, "workers": steps * playing, "learner": steps * learning}
