"""Buffer, versions, V-trace and model pool: what stands between actors and learner, in one process."""

import multiprocessing
import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gcb6206.agents.ppo_agent import compute_gae
from gcb6206.agents.vtrace import effective_sample_size, vtrace
from gcb6206.errors import CheckpointError, ConfigError
from gcb6206.infrastructure.distributed import pool as model_pool
from gcb6206.infrastructure.distributed.buffer import TrajectoryBuffer
from gcb6206.infrastructure.distributed.pool import ModelPool
from gcb6206.infrastructure.distributed.trajectory import Trajectory, drop_stale, lag


@pytest.fixture(autouse=True)
def filled(solved):
    """Parts of homework 5 among them."""


def item(number, worker=0, version=0):
    return Trajectory(worker, number, version, {"rewards": np.full(2, number)})


def run(buffer, inserts, polls=1):
    """Insert one trajectory after the other and train wherever it is due; what was sampled, and when."""
    batches = []
    for number in range(inserts):
        buffer.insert(item(number))
        while all(buffer.should_train() for _ in range(polls)):
            batches.append((number, [t.sequence for t in buffer.sample()]))
    return batches


# --- buffer


@settings(max_examples=40, deadline=None)
@given(
    capacity=st.integers(1, 40),
    batch=st.integers(1, 40),
    preload=st.floats(1, 6),
    ratio=st.floats(0.2, 6),
    polls=st.integers(1, 5),
)
def test_trainings_come_when_both_ratios_allow_and_polling_changes_nothing(
    capacity, batch, preload, ratio, polls
):
    batch = min(batch, capacity)
    buffer = TrajectoryBuffer(capacity, batch, preload, ratio)
    batches = run(buffer, 200, polls)
    first = max(int(capacity // preload), batch)
    due = batch / ratio
    expected = [] if first > 200 else [first + k * due for k in range(1 + int((200 - first) / due + 1e-9))]
    assert len(batches) == len(expected)
    assert all(number + 1 == int(np.ceil(at - 1e-9)) for (number, _), at in zip(batches, expected))
    assert buffer.counts["sampled"] == batch * len(batches) and buffer.counts["inserted"] == 200


@pytest.mark.parametrize("ratio", [0.5, 1, 3, 4.5])
def test_samples_for_each_insert_are_what_was_asked(ratio):
    buffer = TrajectoryBuffer(100, 30, 2, ratio)
    run(buffer, 3000)
    assert buffer.samples_per_insert == pytest.approx(ratio, rel=0.05)


def test_a_late_learner_makes_up_for_one_training_and_no_more():
    buffer = TrajectoryBuffer(40, 10)
    for number in range(40):
        buffer.insert(item(number))
    buffer.sample()
    for number in range(40, 95):
        buffer.insert(item(number))
    late = 0
    while buffer.should_train():
        buffer.sample()
        late += 1
    assert late == 2


@settings(max_examples=40, deadline=None)
@given(capacity=st.integers(1, 30), batch=st.integers(1, 30), preload=st.floats(1, 4))
def test_fifo_hands_out_everything_once_in_order(capacity, batch, preload):
    buffer = TrajectoryBuffer(capacity, min(batch, capacity), preload, sampler="Fifo")
    handed = [number for _, numbers in run(buffer, 120) for number in numbers]
    assert handed == list(range(len(handed)))
    assert len(handed) + len(buffer) == 120 and buffer.counts["overwritten"] == 0


def test_uniform_draws_different_ones_each_as_often():
    buffer = TrajectoryBuffer(20, 5, seed=1)
    for number in range(20):
        buffer.insert(item(number))
    drawn = [[t.sequence for t in buffer.sample()] for _ in range(2000)]
    assert all(len(set(numbers)) == 5 for numbers in drawn)
    counts = np.bincount(np.ravel(drawn), minlength=20)
    assert abs(counts - 500).max() < 5 * np.sqrt(500 * 0.75)


def test_the_oldest_makes_room_and_what_nobody_saw_is_counted():
    for sampler in ("Uniform", "Fifo"):
        buffer = TrajectoryBuffer(4, 4, sampler=sampler)
        for number in range(6):
            buffer.insert(item(number))
        assert buffer.counts["overwritten"] == 2
        assert sorted(t.sequence for t in buffer.sample()) == [2, 3, 4, 5]
        for number in range(6, 10):
            buffer.insert(item(number))
        assert buffer.counts["overwritten"] == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=40))
def test_nothing_counts_twice_and_gaps_show(calls):
    buffer, last, missing = TrajectoryBuffer(100, 1), {}, 0
    for worker, sequence in calls:
        expected = sequence > last.get(worker, -1)
        assert buffer.insert(item(sequence, worker)) is expected
        if expected:
            missing += sequence - last.get(worker, -1) - 1
            last[worker] = sequence
    held = [(t.worker, t.sequence) for t in buffer._items]
    assert len(set(held)) == len(held) == buffer.counts["inserted"]
    assert buffer.counts["missing"] == missing
    assert buffer.counts["duplicates"] == len(calls) - len(held)


def test_a_resumed_buffer_still_refuses_what_it_had():
    buffer = TrajectoryBuffer(4, 2)
    run(buffer, 6)
    again = TrajectoryBuffer(4, 2)
    again.load_state(buffer.state())
    assert not again.insert(item(5))
    for number in range(6, 10):
        assert not again.should_train() and again.insert(item(number))
    assert again.should_train() and again.counts["inserted"] == 10
    again.sample(), buffer.clear()
    assert not again.should_train() and not buffer.should_train() and len(buffer) == 0


@pytest.mark.parametrize(
    "arguments, named",
    [
        ({"capacity": 0}, "capacity is 0"),
        ({"train_batch_size": 9}, "train_batch_size is 9.*8"),
        ({"preload_ratio": 0.5}, "preload_ratio is 0.5"),
        ({"production_consume_ratio": 0}, "production_consume_ratio is 0"),
        ({"production_consume_ratio": float("nan")}, "production_consume_ratio is nan"),
        ({"production_consume_ratio": 1e300}, r"production_consume_ratio is 1e\+300.*at most.*= 4000"),
        ({"sampler": "uniform"}, "'uniform'.*Uniform"),
        ({"sampler": "Fifo", "production_consume_ratio": 3}, "Fifo.*once"),
    ],
)
def test_wrong_settings_of_the_buffer_are_named(arguments, named):
    with pytest.raises(ConfigError, match=named):
        TrajectoryBuffer(**{"capacity": 8, "train_batch_size": 4, **arguments})


def test_sampling_before_its_time_is_refused():
    with pytest.raises(ValueError, match="holds 0.*needs 2"):
        TrajectoryBuffer(4, 2).sample()


# --- versions


@given(st.lists(st.integers(0, 20), max_size=10), st.integers(0, 10))
def test_stale_ones_are_those_above_the_limit(versions, max_lag):
    given_ones = [item(k, version=version) for k, version in enumerate(versions)]
    kept, dropped = drop_stale(given_ones, 20, max_lag)
    assert sorted(t.sequence for t in kept + dropped) == list(range(len(versions)))
    assert all(lag(t, 20) <= max_lag for t in kept) and all(lag(t, 20) > max_lag for t in dropped)
    assert drop_stale(given_ones, 20, None) == (given_ones, [])


def test_a_trajectory_from_the_future_is_refused():
    with pytest.raises(ValueError, match="version 5.*at 4"):
        lag(item(0, version=5), 4)


# --- V-trace


def drawn(seed, steps=7, games=3):
    generator = np.random.default_rng(seed)
    rewards, values, next_values = generator.normal(size=(3, steps, games))
    terminated = generator.random((steps, games)) < 0.2
    truncated = (generator.random((steps, games)) < 0.2) & ~terminated
    for t in range(steps - 1):  # within an episode, what follows is the next row
        same = ~(terminated | truncated)[t]
        next_values[t, same] = values[t + 1, same]
    return rewards, values, next_values, terminated, truncated


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_with_the_same_policy_targets_are_those_of_gae(seed, gamma, trace_lambda):
    sample = drawn(seed)
    targets, advantages = vtrace(np.zeros((7, 3)), *sample, gamma, trace_lambda)
    expected = compute_gae(*sample, gamma, trace_lambda)
    np.testing.assert_allclose((advantages, targets), expected, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 3), st.floats(0.3, 3))
def test_targets_are_the_papers_sum_and_advantages_mix_in_lambda(seed, clip_rho, clip_c):
    rewards, values, next_values, terminated, truncated = sample = drawn(seed)
    log_ratio = np.random.default_rng(seed + 1).normal(size=(7, 3))
    targets, advantages = vtrace(log_ratio, *sample, 0.9, 0.8, clip_rho, clip_c)
    ratio = np.exp(log_ratio)
    for n in range(3):
        for s in range(7):
            total, weight = values[s, n], 1.0
            for t in range(s, 7):
                following = 0.0 if terminated[t, n] else next_values[t, n]
                error = min(clip_rho, ratio[t, n]) * (rewards[t, n] + 0.9 * following - values[t, n])
                total += 0.9 ** (t - s) * weight * error
                if terminated[t, n] or truncated[t, n]:
                    break
                weight *= 0.8 * min(clip_c, ratio[t, n])
            assert targets[s, n] == pytest.approx(total, abs=1e-9)
            following = 0.0 if terminated[s, n] else next_values[s, n]
            if s < 6 and not (terminated[s, n] or truncated[s, n]):
                following = 0.2 * following + 0.8 * targets[s + 1, n]
            rho = min(clip_rho, ratio[s, n])
            expected = rho * (rewards[s, n] + 0.9 * following - values[s, n])
            assert advantages[s, n] == pytest.approx(expected, abs=1e-9)


def test_an_action_that_is_given_up_weighs_nothing():
    sample = drawn(0)
    log_ratio = np.zeros((7, 3))
    log_ratio[3] = -50.0
    targets, advantages = vtrace(log_ratio, *sample, 0.9)
    np.testing.assert_allclose(advantages[3], 0, atol=1e-12)
    np.testing.assert_allclose(targets[3], sample[1][3], atol=1e-12)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20), st.floats(-3, 3))
def test_effective_sample_size_is_between_one_sample_and_all(log_ratio, shift):
    log_ratio = np.array(log_ratio)
    size = effective_sample_size(log_ratio)
    assert 1 / len(log_ratio) - 1e-9 <= size <= 1 + 1e-9
    assert effective_sample_size(log_ratio + shift) == pytest.approx(size)


# --- model pool


def weights(version):
    return {"w": torch.full((50,), float(version)), "version": version}


def test_the_pool_gives_back_what_was_published(tmp_path):
    pool = ModelPool(tmp_path)
    for version in (1, 4, 9):
        assert pool.publish(weights(version), version)
    assert pool.versions() == [1, 4, 9]
    for which, version in (("latest", 9), (4, 4), (1, 1)):
        got, state = pool.load(which)
        assert got == version and torch.equal(state["w"], weights(version)["w"])
    generator = np.random.default_rng(0)
    assert {pool.load("random", generator)[0] for _ in range(60)} == {1, 4, 9}
    assert ModelPool(tmp_path).load()[0] == 9  # as another process finds it


def test_only_the_newest_are_kept(tmp_path):
    pool = ModelPool(tmp_path, keep=3)
    for version in range(8):
        pool.publish(weights(version), version)
    assert pool.versions() == [5, 6, 7] and len(list(tmp_path.iterdir())) == 3
    with pytest.raises(CheckpointError, match=r"no version 2.*\[5, 6, 7\]"):
        pool.load(2)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_damage_is_noticed(tmp_path_factory, data):
    pool = ModelPool(tmp_path_factory.mktemp("pool"))
    pool.publish(weights(1), 1)
    path = pool.directory / "model-000000001.pt"
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    else:
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="model-000000001.pt is damaged"):
        pool.load()


def test_a_disk_without_room_costs_a_publication_and_nothing_else(tmp_path, monkeypatch):
    pool = ModelPool(tmp_path, min_free=10**18)
    assert not pool.publish(weights(1), 1) and pool.failures == 1 and not list(tmp_path.iterdir())
    pool = ModelPool(tmp_path)
    pool.publish(weights(1), 1)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert not pool.publish(weights(2), 2)
    assert pool.failures == 1 and pool.load()[0] == 1 and len(list(tmp_path.iterdir())) == 1
    assert pool.publish(weights(2), 2) and pool.load()[0] == 2


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path, monkeypatch):
    moved, replace = [], os.replace

    def watched(source, target):
        moved.append((source.read_bytes(), target.exists()))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    ModelPool(tmp_path).publish(weights(1), 1)
    ((content, there_before),) = moved
    assert not there_before and torch.equal(model_pool.from_bytes(content, "file")["w"], weights(1)["w"])


def test_wrong_requests_to_the_pool_are_named(tmp_path):
    pool = ModelPool(tmp_path)
    with pytest.raises(CheckpointError, match="no model in"):
        pool.load()
    pool.publish(weights(3), 3)
    with pytest.raises(ValueError, match="version is 3.*above 3"):
        pool.publish(weights(3), 3)
    with pytest.raises(ValueError, match="'newest'"):
        pool.load("newest")
    with pytest.raises(ValueError, match="1.5"):
        pool.load(1.5)
    assert (
        pool.load(np.int64(3))[0] == 3 and pool.publish(weights(4), 10**9) and pool.versions() == [3, 10**9]
    )
    assert pool.load()[0] == 10**9
    with pytest.raises(ValueError, match="keep is 0"):
        ModelPool(tmp_path, keep=0)


def _publish(directory, first, last):
    pool = ModelPool(directory, keep=2)
    for version in range(first, last + 1):
        pool.publish({"w": torch.full((20_000,), float(version))}, version)


def test_a_reader_finds_whole_models_while_another_process_writes(tmp_path):
    pool = ModelPool(tmp_path)
    _publish(tmp_path, 1, 1)
    process = multiprocessing.get_context("fork").Process(target=_publish, args=(tmp_path, 2, 40))
    process.start()
    versions = []
    while process.is_alive() or not versions:
        version, state = pool.load()
        assert (state["w"] == version).all()
        versions.append(version)
    process.join()
    assert process.exitcode == 0 and versions == sorted(versions) and pool.load()[0] == 40
