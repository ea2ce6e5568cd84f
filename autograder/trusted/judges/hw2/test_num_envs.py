"""Judges of hw2.num_envs: whole episodes, and a refusal that says what to do."""

from __future__ import annotations

import re

import numpy as np

from autograder.student_side.student import Reply, Student, StudentFailure
from autograder.trusted.judging import JudgeFailure, compare, judge, require

EXERCISE = "hw2.num_envs"
READ = "marl/vmas"


def whole_batches(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Environments and steps of batches that hold whole episodes: many, one, of one step, and one of one."""
    steps = int(rng.integers(20, 200))
    many = [int(rng.integers(2, 90)) for _ in range(2)]
    return [(many[0], steps), (1, steps + 1), (many[1], 1), (1, 1)]


@judge(
    EXERCISE,
    points=0.5,
    title="as many environments as episodes fill the batch",
    read=READ,
    why="All environments step together. With whole episodes every return is complete when learning begins.",
)
def test_whole(student, rng):
    for envs, length in whole_batches(rng):
        tried = f"frames_per_batch {envs * length}, max_steps {length}"
        reply = student.run(EXERCISE, frames_per_batch=envs * length, max_steps=length)
        require(
            reply["refused"] is False,
            tried=tried,
            got=reply["raised"],
            expected=envs,
            hint="This batch holds whole episodes: there is nothing to refuse."
            if deliberate(reply["raised"])
            else "",
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


@judge(
    EXERCISE,
    points=0.25,
    title="the result is a whole number",
    read=READ,
    depends=["whole"],
    why="A simulator needs a whole number of environments, and 60.0 is a float.",
)
def test_whole_number(student, rng):
    for envs, length in whole_batches(rng):
        reply = student.run(EXERCISE, frames_per_batch=envs * length, max_steps=length)
        require(
            reply["type"] == "int",
            tried=f"frames_per_batch {envs * length}, max_steps {length}: the type",
            got=reply["type"] or reply["raised"],
            expected="int",
            hint="Environments are counted in whole numbers: divide with //.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="a batch of broken episodes is refused",
    read=READ,
    depends=["whole"],
    why="If you round without a message, the batch holds another number of frames than the settings say.",
)
def test_refused(student, rng):
    steps, envs = int(rng.integers(20, 200)), int(rng.integers(3, 60))
    rest = int(rng.integers(1, steps))
    half = int(rng.integers(10, 100))
    broken = "{} frames hold no whole number of episodes of {} steps: raise ValueError(...)."
    cases = [
        (envs * steps + rest, steps, broken),
        (steps + 1, steps, broken),
        (100 * envs * steps + 1, 100 * steps, broken),
        (rest, steps, broken),
        (half, 2 * half, broken),  # fits into an episode
        (3 * half, 2 * half, broken),
        (1, steps, broken),
        (0, steps, "No environment at all is no batch: refuse it."),
        (-envs * steps, steps, "A number of frames below 0 is no batch: refuse it."),
    ]
    for frames, steps, hint in cases:
        reply = refusal(student, frames, steps)
        require(
            reply["refused"] is True,
            tried=f"frames_per_batch {frames}, max_steps {steps}",
            got=reply["value"],
            expected="ValueError",
            hint=hint.format(frames, steps),
        )


@judge(
    EXERCISE,
    points=0.5,
    title="the refusal names the numbers, and the nearest that fits",
    read=READ,
    depends=["refused"],
    why="The reader of the message wants to change one number and continue.",
)
def test_message(student, rng):
    steps, envs = int(rng.integers(50, 200)), int(rng.integers(300, 600))
    little = int(rng.integers(1, steps // 3))
    one = steps + 1 if rng.random() < 0.5 else 2 * steps - 1
    odd = steps | 1
    cases = [
        (envs * steps + little, steps, envs * steps),
        (envs * steps - little, steps, envs * steps),
        (-envs * steps - little, steps, steps),
        (little, steps, steps),
        (steps - little, steps, steps),
        (one, steps, steps if one == steps + 1 else 2 * steps),
        (envs * odd + odd // 2, odd, envs * odd),  # one frame nearer to the one below
        (envs * odd + odd // 2 + 1, odd, (envs + 1) * odd),
    ]
    for frames, steps, nearest in cases:
        reply = refusal(student, frames, steps)
        message = reply["message"] if isinstance(reply["message"], str) else ""
        named = [int(number) for number in re.findall(r"\d+", message)]
        grouped = [int(n) for n in re.findall(r"\d+", re.sub(r"(?<=\d)[,_ ](?=\d{3})", "", message))]
        tried = f"frames_per_batch {frames}, max_steps {steps}: the numbers in the message"
        shown = {
            "got": np.array(named) if named else "none",
            "expected": np.array([frames, steps, nearest]),
        }
        wanted = {
            "frames_per_batch": abs(frames),
            "max_steps": steps,
            "the nearest positive multiple of max_steps": nearest,
        }
        for what, number in wanted.items():
            require(number in named + grouped, tried=tried, **shown, hint=f"{what}, {number}, is missing.")
        others = [number for number in named if number % steps == 0 and number not in (abs(frames), steps)]
        require(  # where one episode is the nearest, its length is named twice: as max_steps, and as the nearest
            nearest > steps or not others or named.count(steps) > 1,
            tried=tried,
            **shown,
            hint=f"The nearest positive multiple of max_steps is {nearest}.",
        )


def refusal(student: Student, frames: int, steps: int) -> Reply:
    """The reply to frames that must be refused; another kind of error than ValueError fails, with its line."""
    try:
        return student.run(EXERCISE, frames_per_batch=frames, max_steps=steps)
    except StudentFailure as failure:
        if failure.verdict != "failed" or failure.unsolved:
            raise
        raise JudgeFailure(
            f"frames_per_batch {frames}, max_steps {steps}",
            failure.message,
            "ValueError",
            "Another kind of error: raise ValueError(...)." if deliberate(failure.message) else "",
        ) from None


def deliberate(message: object) -> bool:
    """Whether the student's last line raises that error by itself, so that it is no slip."""
    error = re.match(r"your code raised (\w+):", message if isinstance(message, str) else "")
    if not error:
        return False
    line = message.splitlines()[-1]
    asserts = error[1] == "AssertionError" and ": assert" in line
    return asserts or bool(re.search(rf": raise (\w+\.)*{error[1]}\b", line))
