"""The laptop's Atari: the rules of the game, its network, and how a training on it is graded."""

import dataclasses
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env

import gcb6206.envs  # noqa: F401  (registers)
from autograder.student_side.student import LocalStudent
from autograder.student_side.world import PicturesPlayedElsewhere, hosted
from autograder.trusted import calibrate
from autograder.trusted.judges import breakout, convergence
from autograder.trusted.judges.hw3.test_convergence_pictures import RULE
from autograder.trusted.judges.worlds import BreakoutWorld
from autograder.trusted.report import JudgeResult
from autograder.trusted.runner import run_judges
from gcb6206 import exercises
from gcb6206.env_configs.dqn_picture_config import DQNPictureConfig
from gcb6206.envs.small_breakout import BALL, BRICK, LEFT, PADDLE, RIGHT, STAY, TRAIL, SmallBreakoutEnv
from gcb6206.networks.critics import PictureCritic

NAME = "gcb6206/SmallBreakout-v0"


def game(seed=0, **state) -> SmallBreakoutEnv:
    """A game without repeated actions, with some of its state set."""
    env = SmallBreakoutEnv(sticky=0.0)
    env.reset(seed=seed)
    for name, value in state.items():
        setattr(env, name, value)
    return env


def follow(env: SmallBreakoutEnv) -> int:
    """The action that brings the paddle under the ball's next place."""
    column = env.ball[1] + env.flight[1]
    column = env.ball[1] if not 0 <= column < 10 else column
    return STAY if column == env.paddle else LEFT if column < env.paddle else RIGHT


def play(env: gym.Env, policy, steps: int, seed: int) -> list:
    """What is seen in so many steps."""
    seen = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(policy(env.unwrapped))
        seen += [observation, reward, terminated]
        if terminated or truncated:
            seen.append(env.reset()[0])
    return seen


# --- the game -------------------------------------------------------------------------------------


def test_gymnasium_finds_nothing_to_complain_about():
    check_env(gym.make(NAME, render_mode="rgb_array").unwrapped)
    env = gym.make(NAME, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (250, 250, 3) and env.spec.max_episode_steps == 1000


def test_a_new_game_shows_a_whole_wall_and_a_ball_at_either_side():
    sides = set()
    for seed in range(20):
        picture, _ = SmallBreakoutEnv().reset(seed=seed)
        assert picture[1:4, :, BRICK].all() and picture[:, :, BRICK].sum() == 30
        assert picture[9, 4, PADDLE] == 1 == picture[:, :, PADDLE].sum()
        assert (picture[:, :, BALL] == picture[:, :, TRAIL]).all()
        sides.add(int(picture[3, :, BALL].argmax()))
    assert sides == {0, 9}


def test_the_same_seed_gives_the_same_game_and_another_seed_another():
    def choose(env):
        return int(env.unwrapped.paddle * 7 % 3)

    first, again, other = (play(gym.make(NAME), choose, 100, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert len(first) != len(other) or not all(np.array_equal(a, b) for a, b in zip(first, other))


def test_a_brick_is_worth_1_once_and_turns_the_ball():
    env = game(ball=(5, 2), flight=(-1, 1))
    picture, reward, *_ = env.step(STAY)
    assert (reward, env.ball) == (0.0, (4, 3))
    picture, reward, *_ = env.step(STAY)
    assert reward == 1.0 and picture[3, 4, BRICK] == 0 and picture[:, :, BRICK].sum() == 29
    assert env.ball == (4, 4) and env.flight == (1, 1)


def test_the_ball_that_has_just_broken_a_brick_breaks_no_second_one():
    env = game(ball=(5, 2), flight=(-1, 1), inside=True)
    env.ball = (4, 2)
    _, reward, *_ = env.step(STAY)
    assert (reward, env.ball) == (0.0, (3, 3))


@pytest.mark.parametrize(
    "paddle, flight, lost",
    [(4, (-1, 1), False), (5, (-1, -1), False), (6, (1, 1), True)],
    ids=["middle", "edge", "missed"],
)
def test_the_paddle_decides_where_the_ball_flies(paddle, flight, lost):
    env = game(ball=(8, 4), flight=(1, 1), paddle=paddle)
    _, reward, terminated, truncated, _ = env.step(STAY)
    assert (env.flight, terminated, truncated, reward) == (flight, lost, False, 0.0)


def test_walls_turn_the_ball_and_a_broken_wall_stands_again():
    env = game(ball=(6, 9), flight=(1, 1))
    env.step(STAY)
    assert env.ball == (7, 9) and env.flight == (1, -1)
    env = game(ball=(0, 4), flight=(-1, 1), bricks=np.zeros((10, 10), np.uint8))
    env.step(STAY)
    assert env.ball == (0, 5) and env.flight == (1, 1)
    env = game(ball=(8, 4), flight=(1, 1), paddle=4, bricks=np.zeros((10, 10), np.uint8))
    assert env.step(STAY)[0][:, :, BRICK].sum() == 30


def test_a_mirrored_game_is_the_same_game():
    """So left and right exchanged are no disguise of their own."""
    for seed in range(20):
        env, mirror = game(seed), game(seed)
        mirror.ball = mirror.last = (3, 9 - env.ball[1])
        mirror.flight, mirror.paddle = (1, -env.flight[1]), 9 - env.paddle
        for _ in range(200):
            action = follow(env)
            picture, reward, lost, *_ = env.step(action)
            other, other_reward, other_lost, *_ = mirror.step((STAY, RIGHT, LEFT)[action])
            assert np.array_equal(other, picture[:, ::-1]) and (other_reward, other_lost) == (reward, lost)
            if lost:
                break


def test_a_tenth_of_the_actions_is_the_last_one_again():
    env, stuck = SmallBreakoutEnv(), 0
    for trial in range(2000):
        env.reset(seed=trial)
        env.step(LEFT)
        before = env.paddle
        env.step(RIGHT)
        stuck += env.paddle < before
    assert 0.07 < stuck / 2000 < 0.13


def test_random_actions_break_less_than_half_a_brick_and_the_page_says_so():
    rng, broken = np.random.default_rng(0), []
    for seed in range(1000):
        env, lost, total = SmallBreakoutEnv(), False, 0.0
        env.reset(seed=seed)
        while not lost:
            _, reward, lost, *_ = env.step(int(rng.integers(3)))
            total += reward
        broken.append(total)
    assert round(np.mean(broken), 1) == 0.4


# --- the network ----------------------------------------------------------------------------------


def test_the_network_wants_pictures_and_the_judge_computes_what_it_computes():
    torch.manual_seed(0)
    critic = PictureCritic((10, 10, 4), 3, channels=16, hidden=64)
    pictures = np.random.default_rng(0).integers(0, 2, (7, 10, 10, 4), np.uint8)
    parts = [parameter.detach().numpy() for parameter in critic.parameters()]
    assert [part.shape for part in parts] == breakout.shapes(RULE["training"])
    expected = critic(torch.from_numpy(pictures)).detach().numpy()
    np.testing.assert_allclose(breakout.outputs(parts, pictures), expected, atol=1e-5)
    parts[0] = parts[0].swapaxes(2, 3)
    assert not np.allclose(breakout.outputs(parts, pictures), expected, atol=1e-3)
    with pytest.raises(ValueError, match=r"observation shape \(10, 10\) does not fit"):
        PictureCritic((10, 10), 3, channels=16, hidden=64)


# --- graded ---------------------------------------------------------------------------------------


def disguise(rng) -> dict:
    return breakout.draw_disguise(rng)


def test_disguises_are_many_and_keep_what_is_seen():
    rng = np.random.default_rng(0)
    picture = np.zeros((10, 10, 4), np.uint8)
    picture[9, 4, PADDLE] = picture[3, 0, BALL] = 1
    picture[1:4, :, BRICK] = 1
    shown = {breakout.disguised(picture, disguise(rng)).tobytes() for _ in range(2000)}
    assert len(shown) == 24 * 8
    assert all(sum(one) == picture.sum() for one in shown)


@pytest.fixture
def world():
    rng = np.random.default_rng(3)
    return BreakoutWorld(rng, 50, disguise(rng))


def test_the_students_side_gets_the_disguised_pictures_and_plays_the_judges_game(world):
    with hosted(world):
        env = PicturesPlayedElsewhere(gym.make(NAME))
        picture, _ = env.reset(seed=1)
        assert picture.shape == (10, 10, 4) and picture.dtype == np.uint8
        (inside,) = world._made
        told = [env.step(1)]
        expected = breakout.disguised(inside.unwrapped._picture(), world._disguise)
        assert np.array_equal(told[0][0], expected) and not np.array_equal(
            expected, inside.unwrapped._picture()
        )
        assert inside.unwrapped.last_action in (world._disguise["actions"][1], STAY) and world.played == 1
        with pytest.raises(RuntimeError, match="expected a whole number from 0 to 2"):
            env.step(3)
        with pytest.raises(RuntimeError, match="expected a whole number"):
            env.step([0, 1])


def short_rule(**changes) -> dict:
    training = {**RULE["training"], "total_steps": 150, "learning_starts": 100, **changes}
    return {**RULE, "training": training, "snapshot_every": 20, "episodes": 5}


def test_the_students_code_trains_and_what_it_learned_is_played_by_the_judge(solved):
    student, rule = LocalStudent(), short_rule()
    rng = np.random.default_rng(0)
    with student.playing(BreakoutWorld(rng, 150, disguise(rng))):
        reply = student.run(
            "hw3.convergence_pictures",
            seed=1,
            training=rule["training"],
            snapshot_every=rule["snapshot_every"],
        )
    assert reply["updates"] == 50 and len(reply["critics"]) == 2
    first, last = convergence.checked(reply["critics"], breakout.shapes(rule["training"]))
    assert not np.allclose(first[0], last[0])
    assert 0.0 <= breakout.measure(student, "hw3.convergence_pictures", rule, 1, "") < 3.0


SOLVED = [
    JudgeResult(name, "all", "all of it", points=1.0, max_points=1.0, verdict="passed")
    for name in convergence.STANDS_ON["hw3.convergence_pictures"]
]


@pytest.mark.parametrize("values, score, runs", [([9.0], 2.0, 1), ([0.4, 9.0], 2.0, 2), ([0.4, 0.4], 0.0, 2)])
def test_one_of_two_trainings_has_to_reach_the_line(solved, monkeypatch, values, score, runs):
    told = iter(values)
    monkeypatch.setattr(breakout, "measure", lambda *_: next(told))
    report = run_judges("hw3.convergence_pictures", LocalStudent(), 0, found=SOLVED)
    assert report.score == score and next(told, "none left") == "none left" and len(values) == runs
    if not score:
        assert report.results[0].got == "0.4, 0.4"


def test_it_waits_for_the_functions_that_it_stands_on(solved):
    exercises.clear("hw3.update")
    (result,) = run_judges("hw3.convergence_pictures", LocalStudent(), 0).results
    assert result.verdict == "skipped" and "first fix hw3.update" in result.got


def test_weights_from_home_play_in_their_own_disguise_alone():
    """A network that keeps the paddle under the ball, by hand: it plays well undisguised, and badly in most disguises."""
    network = tracker()
    usual = breakout.mean_return(network, 20, 0)
    rng = np.random.default_rng(0)
    reached = [breakout.mean_return(network, 20, 0, disguise(rng)) >= RULE["threshold"] for _ in range(40)]
    assert usual > RULE["threshold"] and np.mean(reached) < 0.2


def tracker() -> list[np.ndarray]:
    """Two filters see the ball and the paddle, a hidden unit for each column tells on which side the ball is."""
    filters = np.zeros((16, 4, 3, 3))
    filters[0, BALL, 1, 1], filters[1, PADDLE, 2, 1] = 1.0, 1.0
    hidden = np.zeros((64, 16 * 64))
    columns = np.arange(8)
    for row in range(8):
        for column in columns:
            hidden[0, row * 8 + column] = 1.0 + column  # where the ball is
            hidden[1, row * 8 + column] = -(1.0 + column)
    for column in columns:
        hidden[0, 64 + 7 * 8 + column] = -(1.0 + column)  # where the paddle is
        hidden[1, 64 + 7 * 8 + column] = 1.0 + column
    last = np.zeros((3, 64))
    last[RIGHT, 0] = last[LEFT, 1] = 1.0
    return [filters, np.zeros(16), hidden, np.zeros(64), last, np.array([0.5, 0.0, 0.0])]


def test_what_is_graded_is_what_the_laptop_runs():
    """The two differ in their length, and in what follows from it."""
    fields = {
        field.name: getattr(DQNPictureConfig(), field.name) for field in dataclasses.fields(DQNPictureConfig)
    }
    differs = {name for name, value in RULE["training"].items() if fields[name] != value}
    assert differs == {"total_steps", "learning_starts", "exploration_fraction", "replay_buffer_capacity"}
    json.dumps(RULE["training"])


def test_the_calibration_says_what_its_runs_say_and_a_submission_costs_at_most_a_minute():
    found, rows = RULE["calibration"], calibrate.summary(RULE)
    told = {name: round(value, 4) for name, value in calibrate.bounds(rows).items()}
    assert {name: found[name] for name in told} == told
    assert found["cpu_seconds_of_a_submission"]["max"] <= 60
    assert rows[0].reached == rows[0].runs >= 10
    caught = {row.variant for row in rows if row.verdict == "caught by convergence"}
    assert {"update_critic/loss_broadcast", "update/target_never_synced"} <= caught


def test_the_page_says_which_runs_the_line_was_chosen_after():
    """Four of the held-out runs were made before the line was; the other six alone give the bound in the text."""
    new = RULE["calibration"]["runs"]["reference"]["held_out"][4:]
    assert len(new) == 6 and min(new) >= RULE["threshold"]
    fails = 1 - (0.025 ** (1 / 6))  # the upper end of Clopper and Pearson's interval at 0 of 6
    page = (Path(__file__).parents[1] / "book" / "using" / "grading.md").read_text(encoding="utf-8")
    assert f"fails in at most {fails**2:.0%}".replace("%", " %") in page.replace("\n", " ")
    runs = RULE["calibration"]["runs"]
    reached = {
        name: sum(v >= RULE["threshold"] for v in [*of["fit"], *of["held_out"]]) for name, of in runs.items()
    }
    assert [reached[m] for m in RULE["mutants"]] == [1, 0, 0, 0]
