"""Judges of hw2.num_envs: whole episodes, and a refusal that says what to do."""

from __future__ import annotations

import re

import numpy as np

from autograder.trusted.judging import compare, judge, require

EXERCISE = "hw2.num_envs"
READ = "marl/vmas"


@judge(
    EXERCISE,
    points=0.75,
    title="as many environments as episodes fill the batch",
    read=READ,
    why="All environments step together. With whole episodes every return is complete when learning begins.",
)
def test_whole(student, rng):
    steps = int(rng.integers(20, 200))
    for envs, length in ((int(rng.integers(2, 90)), steps), (1, steps + 1), (int(rng.integers(2, 90)), 1)):
        tried = f"frames_per_batch {envs * length}, max_steps {length}"
        reply = student.run(EXERCISE, frames_per_batch=envs * length, max_steps=length)
        require(
            reply["raised"] == "",
            tried=tried,
            got=f"{reply['raised']}: {reply['message']}",
            expected=envs,
            hint="This batch holds whole episodes: there is nothing to refuse.",
        )
        compare(
            reply["value"],
            envs,
            tried=tried,
            hints=[
                (envs * length, "These are the frames: divide by max_steps."),
                (1 / envs, "The fraction is upside down."),
                (envs + 1, "One too many: the batch is full without it."),
                (envs - 1, "One too few: the batch is not full."),
            ],
            hint="frames_per_batch / max_steps",
        )
        require(
            reply["type"] == "int",
            tried=f"{tried}: the type",
            got=reply["type"],
            expected="int",
            hint="Environments are counted in whole numbers: divide with //.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="a batch of broken episodes is refused",
    read=READ,
    depends=["whole"],
    why="Rounded in silence, the batch would hold other numbers of frames than the settings say.",
)
def test_refused(student, rng):
    steps, envs = int(rng.integers(20, 200)), int(rng.integers(3, 60))
    rest = int(rng.integers(1, steps))
    for frames in (envs * steps + rest, rest, 0):
        reply = student.run(EXERCISE, frames_per_batch=frames, max_steps=steps)
        require(
            reply["raised"] == "ValueError",
            tried=f"frames_per_batch {frames}, max_steps {steps}",
            got=reply["raised"] or reply["value"],
            expected="ValueError",
            hint=(
                "Another kind of error: raise ValueError(...)."
                if reply["raised"]
                else "No environment at all is no batch: refuse it."
                if frames == 0
                else f"{frames} / {steps} is no whole number, which must not be rounded: raise ValueError(...)."
            ),
        )


@judge(
    EXERCISE,
    points=0.5,
    title="the refusal names the numbers, and the nearest that fits",
    read=READ,
    depends=["refused"],
    why="Whoever reads the message wants to change one number and go on.",
)
def test_message(student, rng):
    steps, envs = int(rng.integers(50, 200)), int(rng.integers(300, 600))
    little = int(rng.integers(1, steps // 3))
    nearest = envs * steps
    for frames in (nearest + little, nearest - little):
        reply = student.run(EXERCISE, frames_per_batch=frames, max_steps=steps)
        message = reply["message"] if isinstance(reply["message"], str) else ""
        named = [int(number) for number in re.findall(r"\d+", message)]
        wanted = {
            "frames_per_batch": frames,
            "max_steps": steps,
            "the nearest multiple of max_steps": nearest,
        }
        for what, number in wanted.items():
            require(
                number in named,
                tried=f"frames_per_batch {frames}, max_steps {steps}: the numbers in the message",
                got=np.array(named) if named else "none",
                expected=np.array([frames, steps, nearest]),
                hint=f"{what}, {number}, is missing.",
            )
