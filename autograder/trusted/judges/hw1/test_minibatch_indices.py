"""Judges of hw1.minibatch_indices: a partition, shuffled, anew at each call."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import compare, judge, require

EXERCISE = "hw1.minibatch_indices"
READ = "ppo/four-stages"


def run(student: Student, rng: np.random.Generator, rows: int, batch: int, calls: int = 2) -> Reply:
    """Some calls for rows * batch samples."""
    return student.run(
        EXERCISE, num_samples=rows * batch, batch_size=batch, calls=calls, seed=int(rng.integers(2**31))
    )


@judge(
    EXERCISE,
    points=0.5,
    title="every sample stands in exactly one minibatch",
    read=READ,
    why="An epoch uses every sample once. Drawing with replacement leaves out a third of them.",
)
def test_partition(student, rng):
    rows, batch = int(rng.integers(4, 8)), int(rng.integers(9, 17))
    reply = run(student, rng, rows, batch)
    require(
        isinstance(reply["types"], list) and reply["types"] == ["Tensor"],
        tried="the type of the result",
        got=reply["types"],
        expected=["Tensor"],
        hint="Return one tensor of shape (minibatches, batch_size).",
    )
    for indices in reply["indices"]:
        kind = getattr(indices, "dtype", np.dtype(float)).kind
        require(
            getattr(indices, "shape", None) == (rows, batch) and kind == "i",
            tried=f"{rows * batch} samples, batch_size {batch}: shape and kind of the result",
            got=f"{getattr(indices, 'shape', None)}, {getattr(indices, 'dtype', type(indices).__name__)}",
            expected=f"{(rows, batch)}, int64",
            hint="One row for each minibatch: (num_samples // batch_size, batch_size).",
        )
        compare(
            np.sort(indices, axis=None),
            np.arange(rows * batch),
            tried=f"{rows * batch} samples, batch_size {batch}: all indices, sorted",
            hints=[(np.arange(1, rows * batch + 1), "Indices begin at 0.")],
            hint="Some samples come twice, others never: cut one permutation of all indices into rows.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="in a new random order at each call",
    read=READ,
    depends=["partition"],
    why="Neighbours in a rollout look alike; a minibatch of neighbours says little about the rest.",
)
def test_shuffled(student, rng):
    rows, batch = 8, 16
    first, second, third = run(student, rng, rows, batch, calls=3)["indices"]
    tried = f"{rows * batch} samples, batch_size {batch}, three calls"
    for indices in (first, second):
        row_sets = {frozenset(row.tolist()) for row in indices}
        blocks = {frozenset(range(b, b + batch)) for b in range(0, rows * batch, batch)}
        strides = {frozenset(range(b, rows * batch, rows)) for b in range(rows)}
        require(
            row_sets not in (blocks, strides),
            tried=f"{tried}: the samples of the minibatches",
            got="the same groups as without shuffling",
            expected="groups drawn at random",
            hint="Shuffle all samples, not only the rows or within them: torch.randperm(num_samples).",
        )
    require(
        not np.array_equal(first, second) and not np.array_equal(second, third),
        tried=tried,
        got="the same order again",
        expected="another order at each call",
        hint="Draw a new order in each call; do not set a seed inside.",
    )
