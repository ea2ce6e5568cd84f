"""The Atari stack: what the agent sees, what is clipped, and what an episode is."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import AtariPreprocessing

from gcb6206.infrastructure import atari_wrappers
from gcb6206.infrastructure.atari_wrappers import make_atari

GAME = "BankHeistNoFrameskip-v4"


def play(env, steps, seed=0):
    """Random play: observations, rewards and the finished episodes' returns."""
    rng = np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    observations, rewards, returns, lives = [observation], [], [], []
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(int(rng.integers(env.action_space.n)))
        observations.append(observation)
        rewards.append(float(reward))
        lives.append((info["lives"], terminated))
        if terminated or truncated:
            returns.append(float(info["episode"]["r"]))
            env.reset()
    return observations, rewards, returns, lives


@pytest.fixture(scope="module")
def played():
    return play(make_atari(GAME), 1500)


def test_observation_is_four_grey_pictures(played):
    env = make_atari(GAME)
    assert env.observation_space.shape == (4, 84, 84) and env.action_space.n == 18
    assert played[0][0].dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(played[0][0])[0], np.asarray(played[0][0])[3])


def test_stack_moves_on_by_one(played):
    for before, after in zip(played[0][:20], played[0][1:21]):
        np.testing.assert_array_equal(np.asarray(before)[1:], np.asarray(after)[:3])


def test_rewards_are_signs_and_returns_are_the_games_score(played):
    _, rewards, returns, _ = played
    assert set(rewards) == {0.0, 1.0}
    assert returns and all(value % 10 == 0 for value in returns) and max(returns) >= 10


def test_losing_a_life_does_not_end_the_episode(played):
    lost = [(before, after) for before, after in zip(played[3], played[3][1:]) if 0 < after[0] < before[0]]
    assert lost and not any(terminated for _, (_, terminated) in lost)


def test_a_wrapper_that_ends_at_a_life_or_clips_the_statistics_would_be_seen(monkeypatch):
    def by_life(env, terminal_on_life_loss, **kwargs):
        return AtariPreprocessing(env, terminal_on_life_loss=True, **kwargs)

    monkeypatch.setattr(atari_wrappers, "AtariPreprocessing", by_life)
    lives = play(make_atari(GAME), 1500)[3]
    assert any(terminated and left > 0 for left, terminated in lives)
    monkeypatch.undo()
    monkeypatch.setattr(
        atari_wrappers,
        "RecordEpisodeStatistics",
        lambda env: gym.wrappers.RecordEpisodeStatistics(gym.wrappers.TransformReward(env, np.sign)),
    )
    assert any(value % 10 for value in play(make_atari(GAME), 1500)[2])


def test_an_environment_that_skips_frames_itself_is_refused():
    with pytest.raises(ValueError, match="skips frames by itself"):
        make_atari("ALE/BankHeist-v5")
