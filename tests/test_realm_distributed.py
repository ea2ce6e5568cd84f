"""Training on the realm in roles: equal to the plain run where nothing is stale, and what happens where something is."""

import argparse
import contextlib
import subprocess

import numpy as np
import pytest
import torch
from test_realm_agent import SMALL

from gcb6206.env_configs.realm_config import RealmConfig, RealmDistributedConfig
from gcb6206.errors import ConfigError
from gcb6206.infrastructure.logger import Logger, NullLogger
from gcb6206.runs.realm_distributed import RealmDistributedRun
from gcb6206.scripts import train_realm
from gcb6206.scripts.parse_tensorboard import read_scalars

FRESH = {"num_workers": 1, "replay_buffer_capacity": 1, "train_batch_size": 1, "dump_model_freq": 1,
         "model_sync_interval": 1}  # fmt: skip
STALE = {"num_workers": 3, "replay_buffer_capacity": 6, "train_batch_size": 2, "dump_model_freq": 2,
         "model_sync_interval": 4, "production_consume_ratio": 2.0, "total_steps": 960, "batch_size": 48}  # fmt: skip


def arguments(**changes):
    return argparse.Namespace(**{"seed": 5, "num_eval_episodes": 1, "eval_interval": 10**9, **changes})


def trained(config, logger=None, **changes):
    return train_realm.run_training(
        config.build(), logger or NullLogger(), arguments(**changes)
    ).policy.state_dict()


def make_run(logger=None, **changes):
    config = RealmDistributedConfig(**{**SMALL, **STALE, **changes})
    return RealmDistributedRun(config.build(), logger or NullLogger(), arguments())


@pytest.mark.parametrize("vtrace", [False, True])
def test_without_lag_it_is_the_plain_run(vtrace, solved):
    plain = trained(RealmConfig(**SMALL))
    roles = trained(RealmDistributedConfig(**SMALL, **FRESH, vtrace=vtrace))
    tolerance = (
        {"rtol": 1e-3, "atol": 1e-5} if vtrace else {"rtol": 0, "atol": 0}
    )  # values computed in other batches
    torch.testing.assert_close(roles, plain, **tolerance)
    longer = trained(RealmConfig(**{**SMALL, "total_steps": 528}))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(longer, plain, rtol=1e-3, atol=1e-5)


def test_versions_lags_and_counters_say_what_happened(solved, tmp_path):
    logger = Logger(tmp_path)
    trained(RealmDistributedConfig(**{**SMALL, **STALE}), logger)
    logger.close()
    figures = {tag: values for tag, (_, values) in read_scalars(tmp_path).items()}
    trajectories = 960 // (SMALL["num_envs"] * SMALL["n_steps"])
    assert figures["buffer/inserted"][-1] == trajectories == 20
    assert figures["buffer/trainings"][-1] == 1 + (20 - 6) * 2 / 2
    assert figures["buffer/samples_per_insert"][-1] == pytest.approx(2.0, rel=0.05)
    assert (
        figures["buffer/duplicates"][-1]
        == figures["buffer/missing"][-1]
        == figures["buffer/dropped"][-1]
        == 0
    )
    assert figures["train/lag_max"].max() > 2 and figures["train/lag_mean"].min() >= 0


def test_what_is_too_old_is_dropped(solved):
    run = make_run(max_lag=1)
    lags = []
    update = run.agent.update
    run.agent.update = lambda samples, progress: (
        lags.append(len(samples["returns"])) or update(samples, progress)
    )
    run.train()
    each = SMALL["num_envs"] * SMALL["n_steps"]
    assert run.learner.dropped > 0
    assert run.learner.buffer.counts["sampled"] == run.learner.dropped + sum(lags) / each
    assert run.learner.version == len(lags) < run.learner.buffer.counts["trainings"]


def test_the_actor_moves_only_with_the_pool(solved, tmp_path):
    run = make_run(Logger(tmp_path), model_sync_interval=10**6)
    before = {name: value.clone() for name, value in run.actor.agent.policy.state_dict().items()}
    run.train()
    torch.testing.assert_close(run.actor.agent.policy.state_dict(), before, rtol=0, atol=0)
    run.actor.sync()
    assert run.actor.version == run.learner.version - run.learner.version % 2
    trajectory = run.workers[1].play(run.actor, 0)
    assert (trajectory.worker, trajectory.version) == (1, run.actor.version)


def test_vtrace_values_by_the_learners_weights(solved):
    """Where the weights have moved on, ratios and values are the learner's; a cut episode's last observation counts."""
    run = make_run(vtrace=True, max_step=10)
    trajectory = run.workers[0].play(run.actor, 0)
    log_ratio, values, next_values = run.learner.valued(trajectory.arrays)
    np.testing.assert_allclose(log_ratio, 0, atol=1e-5)
    np.testing.assert_allclose(values, trajectory.arrays["values"], atol=1e-5)
    assert trajectory.arrays["truncated"].sum() >= 3
    np.testing.assert_allclose(next_values, trajectory.arrays["next_values"], atol=1e-5)
    with torch.no_grad():
        for parameter in run.agent.policy.parameters():
            parameter.mul_(1.5)
    log_ratio, values, _ = run.learner.valued(trajectory.arrays)
    assert abs(log_ratio).max() > 1e-4
    samples, again = run.learner.samples([trajectory])
    np.testing.assert_array_equal(samples["log_probs"], trajectory.arrays["log_probs"].ravel())
    np.testing.assert_array_equal(samples["values"], values.ravel())
    np.testing.assert_array_equal(again, log_ratio)
    kept, told, _ = run.learner.learn([trajectory], 0.0)
    np.testing.assert_array_equal(kept["values"], values.ravel())
    assert 0 < told["effective_sample_size"] < 1


def test_a_resumed_run_goes_on_as_the_undisturbed_one(solved, tmp_path):
    config = RealmDistributedConfig(**{**SMALL, **STALE, "preload_ratio": 2.0})
    whole = trained(config, Logger(tmp_path / "whole"), checkpoint_interval=300)
    logger = Logger(tmp_path / "killed")
    run = RealmDistributedRun(config.build(), logger, arguments(checkpoint_interval=300))
    log_update = run.log_update

    def dies(samples, figures):
        log_update(samples, figures)
        if run.done > 600:
            raise KeyboardInterrupt

    run.log_update = dies
    with pytest.raises(KeyboardInterrupt):
        run.train()
    logger.close()
    resumed = trained(
        config, Logger(tmp_path / "killed"), checkpoint_interval=300, resume=str(tmp_path / "killed")
    )
    torch.testing.assert_close(resumed, whole, rtol=0, atol=0)


def test_checkpoints_that_never_let_the_buffer_fill_are_refused(solved, tmp_path):
    config = RealmDistributedConfig(**{**SMALL, **STALE}).build()
    with pytest.raises(ConfigError, match="checkpoint_interval is 300.*288 steps.*at least 576"):
        RealmDistributedRun(config, Logger(tmp_path), arguments(checkpoint_interval=300))


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"train_batch_size": 7}, "train_batch_size is 7.*6"),
        ({"sampler": "Lifo"}, "'Lifo'.*Fifo"),
        ({"num_workers": 0}, "num_workers is 0"),
        ({"max_lag": -1}, "max_lag is -1"),
    ],
)
def test_wrong_settings_are_named(changes, named):
    with pytest.raises(ConfigError, match=named):
        RealmDistributedConfig(**{**SMALL, **STALE, **changes})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of the log's own thread
def test_a_disk_that_becomes_full_ends_no_run(solved, tmp_path):
    """Without room, nothing is published, saved or logged; with room again, all of it goes on."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    try:
        logger = Logger(place / "run")
        config = RealmDistributedConfig(**{**SMALL, **STALE, "preload_ratio": 2.0})
        run = RealmDistributedRun(config.build(), logger, arguments(checkpoint_interval=300))
        run.logger.PAUSE = 0.0
        filler, learned = place / "filler", []
        adopt = run.adopt

        def fills(*learning):
            if len(learned) == 3:
                with contextlib.suppress(OSError), filler.open("wb") as file:
                    for _ in range(2**10):
                        file.write(bytes(2**10))
                        file.flush()
            if len(learned) == 8:
                filler.unlink()
            adopt(*learning)
            learned.append(run.pool.failures)

        run.adopt = fills
        run.train()
        assert run.done == 960 and learned[-1] == run.pool.failures > 0 == learned[2]
        assert run.checkpoint_failures > 0 and (place / "run" / "checkpoint.pt").exists()
        assert run.pool.versions()[-1] >= run.learner.version - 1
        logger.close()
    finally:
        subprocess.run(["umount", place], check=True)
