"""The robot-arm chapter: its interval, its claims against the recorded runs and the environments, its films."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

import gymnasium as gym
import imageio
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from book import arm_figures, figures  # noqa: E402
from gcb6206.envs import roarm, roarm_oracle  # noqa: E402

PAGE = ROOT / "book" / "ppo" / "robot-arm.md"
REACH, PICK_PLACE = arm_figures.TASKS


def counts(name: str, step: int | None = None) -> list[int]:
    """Successes of each seed of a recorded run, in 100 episodes."""
    return list(arm_figures.successes(name, step).values())


# --- the interval and the tables


@pytest.mark.parametrize("count, episodes", [(0, 100), (1, 100), (37, 100), (99, 100), (100, 100), (2, 3)])
def test_the_interval_ends_where_the_count_is_1_96_deviations_off(count, episodes):
    for p in arm_figures.wilson(count, episodes):
        off = abs(count / episodes - p)
        assert off == pytest.approx(1.959964 * np.sqrt(p * (1 - p) / episodes), abs=1e-6)


def test_the_interval_covers_what_it_promises():
    drawn = np.random.default_rng(0).binomial(100, 0.95, 4000)
    ends = np.array([arm_figures.wilson(count, 100) for count in drawn])
    covered = np.mean((ends[:, 0] <= 0.95) & (0.95 <= ends[:, 1]))
    assert 0.93 < covered < 0.98


def test_successes_are_those_of_the_last_evaluation_or_of_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    (tmp_path / "run").mkdir()
    rows = [
        "tag,step,value",
        "eval/success_rate,10,0.2",
        "eval/success_rate,20,0.29",
        "eval/success_rate,30,1",
    ]
    (tmp_path / "run" / "seed_4.csv").write_text("\n".join(rows))
    assert arm_figures.successes("run") == {4: 100}
    assert arm_figures.successes("run", step=29) == {4: 29}
    table = arm_figures.success_table({"mine": "run", "other": "nothing"}, step=20).data
    assert "| run | seed 4 |" in table and "| mine | 29% (21 to 39) |" in table
    assert "| other: not recorded | |" in table


# --- what the page claims


@pytest.mark.parametrize(
    "words, holds",
    [
        ("by at most 0.12 rad per step (the gripper's by 0.25)", set(roarm.MAX_INCREMENT) == {0.12, 0.25}),
        ("within 5 cm of the target and keep it there for 5 steps", (roarm.NEAR, roarm.FRAMES) == (0.05, 5)),
        ("A reach is cut off after 100 of them", gym.spec(REACH).max_episode_steps == 100),
        ("a pick-and-place after 200", gym.spec(PICK_PLACE).max_episode_steps == 200),
        ("-10 times the distance in metres", roarm.SHAPING == 10),
        (
            "one milestone, 0.5 for the first time",
            list(roarm.RoArmReachVectorEnv.MILESTONES.values()) == [0.5],
        ),
        (
            "at the cube 0.5, gripped 1, lifted 1.5, at the goal 2",
            list(roarm.RoArmPickPlaceVectorEnv.MILESTONES.values()) == [0.5, 1, 1.5, 2],
        ),
        ("+ m_t + 10 \\, c_t", roarm.RoArmVectorEnv.BONUS == 10),
        ("lift it by 5 cm", roarm.LIFTED == 0.05),
        ("A step is 0.05 s", roarm.STEP == 0.05),
    ],
)
def test_the_page_describes_the_tasks_as_they_are(words, holds):
    assert words in " ".join(PAGE.read_text(encoding="utf-8").split()) and holds


def cell(name: str) -> str:
    """The page's cell that defines a function."""
    blocks = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    return next(block for block in blocks if f"def {name}(" in block)


def test_the_dense_reward_pays_dawdling_best_and_ours_pays_success_best():
    scope = {"np": np, "gym": gym, "roarm": roarm, "roarm_oracle": roarm_oracle}
    exec(cell("dawdle") + cell("returns"), scope)
    policies = (scope["idle"], roarm_oracle.reach, scope["dawdle"])
    means = [np.mean([scope["returns"](policy, seed) for seed in range(8)], axis=0) for policy in policies]
    idle, straight, dawdling = means
    assert dawdling[0] > straight[0] + 100 > idle[0] + 300  # the dense one: hundreds in either direction
    assert straight[1] > dawdling[1] + 5 and dawdling[1] > idle[1] and abs(idle[1]) < 0.1


def test_a_reach_needs_about_eleven_steps():
    _, lengths = arm_figures.play(REACH, roarm_oracle.reach)
    assert round(np.mean(lengths)) == 11
    assert "success needs only about eleven steps" in " ".join(PAGE.read_text(encoding="utf-8").split())


def test_random_actions_lift_nothing():
    arms = gym.make_vec(PICK_PLACE, num_envs=100, num_threads=1)
    arms.reset(seed=0)
    arms.action_space.seed(0)
    lifted = np.zeros(100, bool)
    for _ in range(200):
        *_, info = arms.step(arms.action_space.sample())
        lifted |= info["milestones"] >= 3
    assert not lifted.any()


def test_the_proposal_ends_behind_and_still_rises_and_ours_is_ahead_at_first():
    current, proposal, ours = "roarm_reach_current", "roarm_reach_proposal", "roarm_reach"
    assert max(counts(proposal)) < min(counts(current))
    assert np.mean(counts(proposal)) > np.mean(counts(proposal, 196_608))
    assert min(counts(current)) >= 95 and min(counts(ours)) >= 95  # level: their intervals overlap
    assert min(counts(ours, 32_768)) > max(counts(current, 32_768) + counts(proposal, 32_768))


def test_narrow_limits_are_ahead_at_first_and_no_limits_fail_at_the_end():
    narrow, published, wide = "roarm_reach_narrow", "roarm_reach", "roarm_reach_wide"
    assert min(counts(narrow, 65_536)) > max(counts(published, 65_536) + counts(wide, 65_536))
    assert min(counts(published, 65_536)) > max(counts(wide, 65_536))
    assert min(counts(narrow) + counts(published) + counts(wide)) > 90


@pytest.mark.parametrize("limits, can", [("published", True), ("wide", True), ("narrow", False)])
def test_only_narrow_limits_keep_the_oracle_from_picking_and_placing(limits, can):
    def policy(observation):
        return roarm_oracle.pick_and_place(observation, limits)

    succeeded, _ = arm_figures.play(PICK_PLACE, policy, episodes=10, joint_limits=limits)
    assert sum(succeeded) == 10 if can else sum(succeeded) < 5


def test_pick_and_place_is_learned_before_the_difficulty_is_at_1_and_comes_near_the_oracle():
    name = "roarm_pick_place"
    assert len(counts(name)) == 3 and min(counts(name)) >= 95
    steps, difficulty = figures.spread(name, "rollout/difficulty")
    easier = steps[difficulty[0] < 0.95][-1]
    assert min(counts(name, easier)) >= 80
    assert max(counts(name, 262_144)) < 10
    success = figures.curves(name)[1]["rollout/success_rate"]
    assert np.mean(success[1][(success[0] > 1_000_000) & (success[0] < 2_000_000)]) > 0.85  # while training


# --- pictures and films


@pytest.mark.parametrize("name, task", [("roarm_reach", REACH), ("roarm_pick_place", PICK_PLACE)])
def test_the_kept_film_shows_that_every_episode_succeeds(name, task):
    reader = imageio.get_reader(arm_figures.FILMS / f"{name}.mp4")
    edges = np.array([picture[:6].mean(axis=(0, 1)) for picture in reader])
    green = np.abs(edges - arm_figures.GREEN).max(axis=1) < 20
    red = np.abs(edges - arm_figures.RED).max(axis=1) < 20
    assert green.sum() == arm_figures.EPISODES[task] * arm_figures.HELD and red.sum() == 0
    assert reader.get_meta_data()["fps"] == arm_figures.FPS and len(edges) > 10 * arm_figures.FPS
    assert reader.get_meta_data()["size"] == (640, 480)


def test_a_film_plays_from_the_page_itself(browser):
    page = browser.new_context(offline=True).new_page()
    page.set_default_timeout(600_000)  # on a busy machine everything takes long
    for name in ("roarm_reach", "roarm_pick_place"):
        page.set_content(arm_figures.show_film(name, "what is seen").data)
        page.wait_for_function("document.querySelector('video').readyState >= 2", timeout=600_000)
        video = page.locator("video")
        asked = "v => [v.videoWidth, v.duration, v.controls, v.muted, v.ariaLabel]"
        width, duration, *flags = video.evaluate(asked)
        assert width == 640 and duration > 10 and flags == [True, True, "what is seen"]
        video.evaluate("v => v.play()")
        page.wait_for_function("document.querySelector('video').currentTime > 0.2", timeout=600_000)
    page.close()


@pytest.mark.parametrize("task", arm_figures.TASKS)
def test_the_pictures_of_a_step_are_of_its_course_and_leave_the_arm_where_it_is(task):
    env = arm_figures._make(task)
    env.reset(seed=0)
    env.step(env.action_space.high)
    before = env.unwrapped.batch._state.copy()
    try:
        pictures = arm_figures._step_pictures(env, arm_figures.SLOWER[task])
    except RuntimeError as error:
        pytest.skip(str(error))
    np.testing.assert_array_equal(env.unwrapped.batch._state, before)
    assert len(pictures) == arm_figures.SLOWER[task]
    np.testing.assert_array_equal(pictures[-1], env.render())
    assert all((one != other).any() for one, other in itertools.pairwise(pictures))
    env.close()
