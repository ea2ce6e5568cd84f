"""What every kind of run has from the frame: seeds, exact resume, evaluation, films, refusals."""

import argparse
import multiprocessing
import signal

import numpy as np
import pytest
import torch
from runs_to_kill import KINDS, ToyRun, toy, train_until_killed, trained

from gcb6206.errors import CheckpointError
from gcb6206.infrastructure.checkpoint import load_checkpoint, save_checkpoint
from gcb6206.infrastructure.logger import Logger, NullLogger
from gcb6206.runs.frame import CHECKPOINT, random_streams_untouched, seed_of
from gcb6206.scripts.parse_tensorboard import read_scalars


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have everything imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["runs_to_kill"])
    return context


def figures_of(directory):
    """Every logged figure that no clock decides."""
    return {tag: points for tag, points in read_scalars(directory).items() if not tag.startswith("time/")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_killed_twice_and_resumed_equals_an_undisturbed_run(kind, processes, tmp_path):
    interval, *kills = KINDS[kind]
    whole = trained(kind, tmp_path / "whole", interval)
    for number, last in enumerate(kills):
        given = (kind.__name__, tmp_path / "killed", interval, number > 0, last)
        process = processes.Process(target=train_until_killed, args=given)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert 0 < load_checkpoint(tmp_path / "killed" / CHECKPOINT)[counter(kind)] < last
    torch.testing.assert_close(trained(kind, tmp_path / "killed", interval, True), whole, rtol=0, atol=0)
    expected, got = figures_of(tmp_path / "whole"), figures_of(tmp_path / "killed")
    assert expected and expected.keys() == got.keys()
    for tag in expected:
        np.testing.assert_array_equal(expected[tag], got[tag], err_msg=tag)


def counter(kind):
    return "iteration" if kind.__name__ in ("mappo", "ippo", "torchrl") else "step"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_another_seed_is_another_run(kind):
    first, again, other = (trained(kind, None, 0, seed=seed) for seed in (3, 3, 4))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def toy_run(tmp_path, total=20, **args):
    config = {"total_steps": total, "settings": {"total_steps": total}}
    return ToyRun(config, Logger(tmp_path), argparse.Namespace(**{"seed": 1, **args}))


def finished(run):
    for _ in run.rounds():
        run.learn(run.collect())
    run.logger.close()
    return run


def test_evaluates_at_its_rhythm_and_at_the_end(tmp_path):
    finished(toy_run(tmp_path, eval_interval=6))
    assert list(read_scalars(tmp_path)["eval/error"][0]) == [6, 12, 18, 20]


def test_evaluates_at_the_end_where_no_rhythm_is_given(tmp_path):
    finished(toy_run(tmp_path))
    assert list(read_scalars(tmp_path)["eval/error"][0]) == [20]


def test_evaluations_and_films_leave_training_untouched(tmp_path):
    lines = []
    for name, args in (("often", {"eval_interval": 1, "num_render_episodes": 1}), ("never", {})):
        run = toy_run(tmp_path / name, **args)
        run.play = lambda seed: ([np.random.random() + torch.rand(1).item()], {})
        lines.append(finished(run).line.weight)
    assert torch.equal(*lines)


def test_films_are_written_where_they_are_wanted(tmp_path):
    finished(toy_run(tmp_path, num_render_episodes=2))
    assert sorted(path.name for path in tmp_path.glob("videos/*.mp4")) == [
        f"eval_rollouts_20_{i}.mp4" for i in range(2)
    ]


@pytest.mark.parametrize(
    "args, kept", [({}, False), ({"checkpoint_interval": 0}, False), ({"checkpoint_interval": 7}, True)]
)
def test_checkpoints_only_where_they_are_wanted(tmp_path, args, kept):
    finished(toy_run(tmp_path, **args))
    assert (tmp_path / CHECKPOINT).exists() == kept


def test_without_a_directory_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained(toy, None, 1)
    assert not list(tmp_path.iterdir())


def test_other_settings_and_seeds_are_refused(tmp_path):
    finished(toy_run(tmp_path, checkpoint_interval=5))
    with pytest.raises(CheckpointError, match="total_steps was 20, is 30"):
        toy_run(tmp_path, 30, resume=str(tmp_path))
    with pytest.raises(CheckpointError, match="seed was 1, is 2"):
        toy_run(tmp_path, resume=str(tmp_path), seed=2)


def test_a_finished_run_says_so(tmp_path):
    finished(toy_run(tmp_path, checkpoint_interval=5))
    with pytest.raises(CheckpointError, match=r"is finished, 20 of 20 steps are done: begin another"):
        toy_run(tmp_path, resume=str(tmp_path))


def test_a_checkpoint_of_another_version_is_refused_by_name(tmp_path):
    finished(toy_run(tmp_path, checkpoint_interval=5))
    state = load_checkpoint(tmp_path / CHECKPOINT)
    del state["random"]
    save_checkpoint(tmp_path / CHECKPOINT, state)
    with pytest.raises(CheckpointError, match=r"checkpoint.pt lacks 'random': another version"):
        toy_run(tmp_path, resume=str(tmp_path))


def test_progress_is_the_part_that_is_done():
    run = ToyRun({"total_steps": 4}, NullLogger(), argparse.Namespace(seed=1))
    assert [progress for progress in run.rounds() if run.collect() is not None] == [0, 0.25, 0.5, 0.75]


def test_seeds_depend_on_every_part():
    assert len({seed_of(*parts) for parts in ((1, 2, "a"), (1, 3, "a"), (2, 2, "a"), (1, 2, "b"))}) == 4


def test_random_streams_are_given_back_after_an_error_too():
    np.random.seed(0), torch.manual_seed(0)
    with pytest.raises(ZeroDivisionError), random_streams_untouched():
        np.random.random(), torch.rand(1)
        raise ZeroDivisionError
    after = np.random.random(), torch.rand(1).item()
    np.random.seed(0), torch.manual_seed(0)
    assert after == (np.random.random(), torch.rand(1).item())


def test_a_loop_that_does_not_advance_is_told_so_and_not_run_for_ever():
    run = ToyRun({"total_steps": 20}, NullLogger(), argparse.Namespace(seed=0))
    with pytest.raises(RuntimeError, match="left done at 0: each round must raise it"):
        for _ in run.rounds():
            pass
