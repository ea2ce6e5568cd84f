"""Judges of hw1.minibatch_indices: a partition, shuffled, anew at each call."""

from __future__ import annotations

import contextlib

import numpy as np

from autograder.student_side.student import Reply, Student, StudentFailure
from autograder.trusted.judging import compare, judge, no_seed_set, require

EXERCISE = "hw1.minibatch_indices"
READ = "ppo/four-stages"
CALLS = 400
ANEW = "The order is the same at every call: draw a new one in each, torch.randperm(num_samples)."


def run(student: Student, rng: np.random.Generator, rows: int, batch: int, calls: int = 2) -> Reply:
    """Some calls for rows * batch samples, after each of two seeds; a single one also after the first of them again."""
    seeds = rng.integers(2**31, size=2).tolist()
    seeds += seeds[:1] * (calls == 1)
    return student.run(EXERCISE, num_samples=rows * batch, batch_size=batch, calls=calls, seeds=seeds)


def whole_numbers(reply: Reply, rows: int, batch: int) -> list[np.ndarray]:
    """The results of all calls, `(rows, batch)` each; also where one is a list of rows."""
    results = reply["indices"]
    if not isinstance(results, list) or not results:
        raise StudentFailure("refused", "the answer 'indices' has the wrong form")
    for i, indices in enumerate(results):
        with contextlib.suppress(ValueError):
            indices = results[i] = np.array(indices)
        kind = getattr(indices, "dtype", np.dtype(object)).kind
        require(
            getattr(indices, "shape", None) == (rows, batch) and kind in "iu",
            tried=f"{rows * batch} samples, batch_size {batch}: shape and kind of the result",
            got=f"{getattr(indices, 'shape', None)}, {getattr(indices, 'dtype', type(indices).__name__)}",
            expected=f"{(rows, batch)}, whole numbers",
            hint="One row for each minibatch: (num_samples // batch_size, batch_size).",
        )
    return results


def demand_partition(indices: np.ndarray) -> None:
    """Demands that every index stands in it once."""
    count = indices.size
    missing = len(set(range(count)) - set(indices.ravel().tolist()))
    inside = indices.min() >= 0 and indices.max() < count
    compare(
        np.sort(indices, axis=None),
        np.arange(count),
        tried=f"{count} samples, batch_size {indices.shape[1]}: all indices, sorted",
        hints=[(np.arange(1, count + 1), "Indices begin at 0.")],
        hint=f"{missing} samples are in no minibatch, others in several: cut one permutation of all indices into rows."
        if inside
        else "",
    )


def rows_of(orders: np.ndarray) -> np.ndarray:
    """The minibatch of every sample, `(calls, samples)`; orders `(calls, rows, batch)`."""
    return np.argsort(orders.reshape(len(orders), -1), axis=1) // orders.shape[2]


def demand_even(places: np.ndarray, tried: str, hint: str) -> None:
    """Demands that every sample stands equally often at every place; places `(calls, samples)`."""
    samples = places.shape[1]
    counts = np.array([np.bincount(column, minlength=samples) for column in places.T])
    expected = len(places) / samples
    spread = ((counts - expected) ** 2 / expected).sum()
    require(
        spread < 1.75 * samples * (samples - 1),  # the usual spread is 1; beyond chance once in 10^10
        tried=tried,
        got=f"from {counts.min() / len(places):.0%} to {counts.max() / len(places):.0%}",
        expected=f"about {1 / samples:.0%} everywhere",
        hint=hint,
    )


def far_from(share: np.ndarray, expected: float) -> bool:
    """Whether a share of the calls is by more than chance off: 7 standard deviations, once in 10^9 judges."""
    return bool(np.any(np.abs(share - expected) > 7 * np.sqrt(expected * (1 - expected) / CALLS)))


@judge(
    EXERCISE,
    points=0.5,
    title="every sample stands in exactly one minibatch",
    read=READ,
    why="An epoch uses every sample once. Drawing with replacement leaves out a third of them.",
)
def test_partition(student, rng):
    for rows, batch in ((int(rng.integers(4, 8)), int(rng.integers(9, 17))), (1, 6), (6, 1), (1, 1)):
        for indices in whole_numbers(run(student, rng, rows, batch), rows, batch):
            demand_partition(indices)


@judge(
    EXERCISE,
    points=0.25,
    title="in a new random order at each call",
    read=READ,
    depends=["partition"],
    why="Neighbouring samples of a rollout are similar. So a minibatch of neighbours says little about the others.",
)
def test_shuffled(student, rng):
    reply = run(student, rng, 8, 4, calls=1)
    first, second, again = whole_numbers(reply, 8, 4)
    tried = "32 samples, batch_size 4, one call after each of two seeds, and after the first one again"
    after = reply["streams"]
    sets_a_seed = any(state == after[1].get(name) for name, state in after[0].items())
    require(
        sets_a_seed or not np.array_equal(first, second) or not np.array_equal(first, again),
        tried=tried,
        got="the same order three times",
        expected="another one after the other seed",
        hint=ANEW,
    )
    plain = np.arange(32).reshape(8, 4)
    require(
        not any(np.array_equal(order, plain) for order in (first, second, again)),
        tried=tried,
        got="the samples in their old order",
        expected="a random one at every call",
        hint="Some calls leave the samples in their old order: shuffle at every call, torch.randperm(num_samples).",
    )
    no_seed_set(*after, tried="one call")
    require(
        np.array_equal(first, again) and not np.array_equal(first, second),
        tried=tried,
        got=f"the first order again: {np.array_equal(first, again)}",
        expected="the same order after the same seed, and another after another",
        hint="The order does not follow from the program's seed: draw from torch's, numpy's or Python's random stream, "
        "not from a generator of your own or the system's.",
    )
    for rows, batch in ((4, 4), (1, 16)):
        orders = np.array(whole_numbers(run(student, rng, rows, batch, calls=CALLS // 2), rows, batch))
        demand_random(orders, f"{rows * batch} samples, batch_size {batch}, {CALLS} calls")


def demand_random(orders: np.ndarray, tried: str) -> None:
    """Demands all that follows from a new random order at each call; orders `(calls, rows, batch)`."""
    calls, rows, batch = orders.shape
    flat = orders.reshape(calls, -1)
    half = len(np.unique(flat[: calls // 2], axis=0))
    different = len(np.unique(flat, axis=0))
    require(
        half > 1,
        tried=f"{tried}: how many orders of those after one seed differ",
        got=half,
        expected=f"about {calls // 2}",
        hint=ANEW,
    )
    row = rows_of(orders)
    share = (row[:, :, None] == row[:, None, :]).mean(axis=0)[np.triu_indices(rows * batch, 1)]
    expected = (batch - 1) / (rows * batch - 1)
    require(
        not far_from(share, expected),
        tried=f"{tried}: how often two samples share a minibatch, for the 120 pairs",
        got=f"from {share.min():.0%} to {share.max():.0%}",
        expected=f"about {expected:.0%} for every pair",
        hint="Some pairs of samples share a minibatch far more often than others: shuffle all of them, torch.randperm(num_samples).",
    )
    share = (row[:, :, None] == np.arange(rows)).mean(axis=0)
    require(
        not far_from(share, 1 / rows),
        tried=f"{tried}: how often a sample stands in a minibatch, for the {rows} minibatches",
        got=f"from {share.min():.0%} to {share.max():.0%}",
        expected=f"about {1 / rows:.0%} for every sample",
        hint="Some samples stand far more often in some minibatches: shuffle all of them, torch.randperm(num_samples).",
    )
    demand_even(
        flat,
        f"{tried}: how often a sample stands at a place",
        "Some samples stand far more often at some places: take torch.randperm(num_samples) as it comes, also where "
        "there is only one minibatch.",
    )
    demand_even(
        np.take_along_axis(np.argsort(flat[1:], axis=1), flat[:-1], axis=1),
        f"{tried}: how often a place of one call becomes a place of the next",
        "An order follows from the one before: draw a new one in each call, torch.randperm(num_samples).",
    )
    inversions = np.triu(flat[:, :, None] > flat[:, None, :]).sum(axis=(1, 2))
    require(
        different > 0.95 * calls and not far_from((inversions % 2).mean(), 0.5),
        tried=f"{tried}: how many orders differ, and how many take an even number of swaps",
        got=f"{different}, {(inversions % 2 == 0).mean():.0%}",
        expected=f"about {calls}, about 50%",
        hint="The same few orders come again and again: draw from all possible orders, torch.randperm(num_samples).",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="a tensor of int64",
    read=READ,
    depends=["partition"],
    why="PyTorch takes whole numbers of 64 bits as indices.",
)
def test_type(student, rng):
    for rows, batch in ((3, 4), (20, 2500)):
        reply = run(student, rng, rows, batch)
        require(
            reply["types"] == ["Tensor"],
            tried="the type of the result",
            got=reply["types"],
            expected=["Tensor"],
            hint="Return one tensor of shape (minibatches, batch_size).",
        )
        for indices in whole_numbers(reply, rows, batch):
            require(
                indices.dtype == np.int64,
                tried="the dtype of the result",
                got=str(indices.dtype),
                expected="int64",
                hint="Indices in PyTorch are torch.long: numpy or a conversion may have changed the dtype.",
            )
            demand_partition(indices)
