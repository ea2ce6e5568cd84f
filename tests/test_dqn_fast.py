"""The fast Atari loop: the same pictures, the same replay and the same learning as the homework's plain parts."""

import argparse
import contextlib

import numpy as np
import pytest
import torch

import solutions
from gcb6206.env_configs.dqn_atari_config import DQNAtariConfig
from gcb6206.errors import CheckpointError, ConfigError
from gcb6206.exercises import filled, get
from gcb6206.infrastructure.atari_wrappers import make_atari, make_atari_games
from gcb6206.infrastructure.frame_ring import FrameRing
from gcb6206.infrastructure.logger import Logger, NullLogger
from gcb6206.infrastructure.replay_buffer import MemoryEfficientReplayBuffer
from gcb6206.networks.critics import AtariCritic
from gcb6206.runs import dqn_fast
from gcb6206.runs.dqn_fast import FRAMES, FastRun
from gcb6206.scripts import run_hw3

GAME = "BankHeistNoFrameskip-v4"


# --- Games ----------------------------------------------------------------------------------------


def wrapped_after(noops):
    """The homework's environment at the beginning of an episode with so many no-ops; its first stack."""
    env = make_atari(GAME)
    preprocessing = env
    while not hasattr(preprocessing, "noop_max"):
        preprocessing = preprocessing.env
    preprocessing.noop_max = 1  # one no-op, whatever is drawn
    real_step = preprocessing.env.step

    def step(action):
        for _ in range(noops):
            result = real_step(0)
        preprocessing.env.step = real_step
        return result

    if noops == 0:
        preprocessing.noop_max = 0
    else:
        preprocessing.env.step = step
    return env, np.asarray(env.reset(seed=0)[0])


@pytest.mark.parametrize("seed", [0, 1])
def test_a_whole_game_has_the_wrappers_pictures_rewards_lives_and_ends(seed):
    games = make_atari_games(GAME, 1, threads=1)
    frames, info = games.reset(seed=seed)
    env, stack = wrapped_after(int(info["episode_frame_number"][0]))
    ring, rng = FrameRing(1, 5000, (84, 84)), np.random.default_rng(seed)
    ring.begin(frames[:, 0])
    np.testing.assert_array_equal(ring.newest()[0], stack)
    score, steps, over = 0.0, 0, False
    while not over:
        action = rng.integers(18, size=1)
        frames, scores, terminated, truncated, info = games.step(action)
        stack, reward, ended, cut, expected = env.step(int(action[0]))
        ring.insert(action, np.sign(scores), frames[:, 0], terminated, np.zeros(1, bool))
        np.testing.assert_array_equal(ring.newest()[0], np.asarray(stack))
        assert (np.sign(scores[0]), terminated[0], truncated[0]) == (reward, ended, cut)
        assert info["lives"][0] == expected["lives"]
        score, steps, over = score + scores[0], steps + 1, ended or cut
    assert (score, steps) == (expected["episode"]["r"], expected["episode"]["l"]) and steps > 100
    _, scores, terminated, truncated, info = games.step(np.array([3]))  # begins anew, and is no step
    assert info["episode_frame_number"][0] <= 30 and not (scores[0] or terminated[0] or truncated[0])


def test_no_ops_are_0_to_30():
    games = make_atari_games(GAME, 1, threads=1)
    games.reset(seed=0)
    noops = np.array([games.reset()[1]["episode_frame_number"][0] for _ in range(100)])
    assert noops.min() <= 3 and 27 <= noops.max() <= 30 and len(set(noops.tolist())) > 20


def test_games_that_skip_frames_themselves_are_refused():
    with pytest.raises(ValueError, match="skips frames by itself"):
        make_atari_games("ALE/BankHeist-v5", 1)


# --- Replay ---------------------------------------------------------------------------------------


def play_into(ring, plain, steps, seed=0):
    """Steps of all games into a ring, and into one plain buffer for each game; episodes last 1 to 9 steps."""
    rng = np.random.default_rng(seed)

    def pictures():
        return rng.integers(0, 256, (ring.num_games, 2, 2), np.uint8)

    frames = pictures()
    ring.begin(frames)
    for buffer, frame in zip(plain, frames):
        buffer.on_reset(observation=frame)
    over = np.zeros(ring.num_games, bool)
    for _ in range(steps):
        actions, rewards = rng.integers(0, 5, ring.num_games), rng.normal(size=ring.num_games)
        frames, begun = pictures(), over
        terminated = (rng.random(ring.num_games) < 0.2) & ~begun
        truncated = (rng.random(ring.num_games) < 0.1) & ~begun
        ring.insert(actions, rewards, frames, terminated, begun)
        for i, buffer in enumerate(plain):
            if begun[i]:
                buffer.on_reset(observation=frames[i])
            else:
                buffer.insert(actions[i], rewards[i], frames[i], terminated[i])
        over = terminated | truncated


def rows(batch):
    """A batch's transitions as a set."""
    names = sorted(batch)
    return {
        b"".join(np.ascontiguousarray(batch[name][i]).tobytes() for name in names)
        for i in range(len(batch[names[0]]))
    }


def test_the_ring_holds_exactly_the_transitions_of_the_plain_buffer():
    ring = FrameRing(3, 10_000, (2, 2), seed=0)
    plain = [MemoryEfficientReplayBuffer(4, 1000, seed=i) for i in range(3)]
    play_into(ring, plain, 60)
    assert rows(ring.sample(4000)) == set().union(*(rows(buffer.sample(2000)) for buffer in plain))


def test_a_full_ring_draws_the_newest_alone_and_uniformly():
    ring = FrameRing(2, 40, (2, 2), seed=0)
    everything = FrameRing(2, 10_000, (2, 2), seed=0)
    for buffer in (ring, everything):
        play_into(buffer, [], 200)
    drawn = [row for _ in range(50) for row in rows(ring.sample(200))]
    assert set(drawn) < rows(everything.sample(8000)) and 25 <= len(set(drawn)) <= 40
    batch = ring.sample(20_000)
    _, counts = np.unique(batch["rewards"], return_counts=True)
    assert counts.std() / counts.mean() < 2.0 * np.sqrt(len(counts) / 20_000)  # uniform: 1 on average


def test_what_is_written_after_a_checkpoint_leaves_it_whole(tmp_path):
    ring = FrameRing(2, 40, (2, 2), seed=0, path=tmp_path / FRAMES, spare=30)
    play_into(ring, [], 100)
    state = {**ring.state(), "rows": {name: row.copy() for name, row in ring.state()["rows"].items()}}
    expected = ring.sample(500)
    play_into(ring, [], 29, seed=1)
    again = FrameRing(2, 40, (2, 2), path=tmp_path / FRAMES, spare=30)
    again.load_state(state)
    for name, values in again.sample(500).items():
        np.testing.assert_array_equal(values, expected[name])
    (tmp_path / FRAMES).unlink()
    with pytest.raises(CheckpointError, match="cannot go on without the pictures"):
        again.load_state(state)


def test_an_empty_ring_and_too_small_a_one_are_refused():
    with pytest.raises(ValueError, match="at least one transition for each game, 8"):
        FrameRing(8, 7, (2, 2))
    ring = FrameRing(1, 7, (2, 2))
    ring.begin(np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="cannot sample from an empty replay buffer"):
        ring.sample(1)


# --- Learning -------------------------------------------------------------------------------------


def arguments(**changes):
    given = {"seed": 1, "no_gpu": True, "which_gpu": 0, "eval_interval": 10**6, "log_interval": 1}
    return argparse.Namespace(**{**given, "num_eval_trajectories": 2, **changes})


def small(**changes):
    settings = {"total_steps": 60, "learning_starts": 30, "batch_size": 4, "replay_buffer_capacity": 200}
    settings |= {"longest_episode": 5, "fast": True, "precision": "float32", "target_update_period": 8}
    return DQNAtariConfig(**settings | changes)


@pytest.mark.slow
@pytest.mark.parametrize("double", [False, True])
def test_the_fast_loop_learns_what_the_plain_agent_learns_from_the_same_batches(double):
    solutions.load("hw3")
    config = small(num_envs=2, update_period=2, use_double_q=double).build()
    run = FastRun(config, NullLogger(), arguments())
    plain = FastRun(config, NullLogger(), arguments()).agent
    for network in (plain.critic, plain.target_critic):
        network.to(memory_format=torch.contiguous_format)
    update, pairs = get("hw3.update").implementation, []

    def both(self, *batch, step):
        info = update(self, *batch, step=step)
        pairs.append((info, update(plain, *batch, step=step)))
        return info

    with filled({"hw3.update": both}):
        for _ in run.rounds():
            run.collect()
            run.learn()
        run._wait()
    assert len(pairs) == 15
    for fast, slow in pairs:
        assert fast == pytest.approx(slow, rel=1e-3)
    observations = run.replay.sample(32)["observations"]
    np.testing.assert_array_equal(
        dqn_fast.epsilon_greedy(run.actor, observations, 0.0, np.random),
        [plain.get_action(one, epsilon=0.0) for one in observations],
    )


@pytest.mark.slow
def test_one_game_and_period_1_update_at_the_steps_of_the_plain_loop():
    solutions.load("hw3")
    update, steps = get("hw3.update").implementation, []

    def noted(self, obs, action, reward, next_obs, done, step):
        steps.append(step)
        return update(self, obs, action, reward, next_obs, done, step)

    with filled({"hw3.update": noted}):
        dqn_fast.train(small(total_steps=40).build(), NullLogger(), arguments())
        fast = steps.copy()
        steps.clear()
        config = small(total_steps=40, fast=False).build()
        run_hw3.run_training_loop(config, NullLogger(), arguments(num_eval_trajectories=1))
    assert fast == steps == list(range(30, 40))


def test_bfloat16_gives_nearly_the_values_of_float32():
    torch.manual_seed(0)
    exact, rough = AtariCritic((4, 84, 84), 6), AtariCritic((4, 84, 84), 6, "bfloat16")
    rough.load_state_dict(exact.state_dict())
    pictures = torch.randint(0, 256, (1, 4, 84, 84), dtype=torch.uint8)
    values = rough(pictures)
    assert values.dtype == torch.float32 and not torch.equal(values, exact(pictures))
    torch.testing.assert_close(values, exact(pictures), atol=0.01, rtol=0)


@pytest.mark.slow
def test_a_finished_run_leaves_log_and_checkpoint_but_no_replay(tmp_path):
    solutions.load("hw3")
    with contextlib.closing(Logger(tmp_path)) as logger:
        dqn_fast.train(small(total_steps=40).build(), logger, arguments(checkpoint_interval=20))
    assert (tmp_path / "checkpoint.pt").exists() and not (tmp_path / FRAMES).exists()
    assert (tmp_path / "checkpoint.pt").stat().st_size < 40e6


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"fast": False, "num_envs": 8}, "num_envs is 8: more than 1 needs fast to be true"),
        ({"update_period": 3}, "target_update_period is 8: expected a multiple of update_period, 3"),
        ({"precision": "float16"}, "precision is 'float16': did you mean"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        small(**changes)
