"""Two arms, one peg: our loop against robosuite's, the environment, its processes, the expert, the training."""

import argparse
import multiprocessing
import os
import signal

import numpy as np
import pytest
import torch
from gymnasium.utils import seeding
from pettingzoo.test import parallel_api_test

import solutions
from gcb6206.env_configs.two_arm_config import TwoArmConfig
from gcb6206.envs.two_arm import cameras, model
from gcb6206.envs.two_arm.env import AGENTS, TwoArmPegInHole
from gcb6206.envs.two_arm.expert import expert_action, expert_episode, expert_states
from gcb6206.envs.two_arm.model import mujoco  # imported first, it would not draw offscreen
from gcb6206.envs.two_arm.simulation import STATE_SIZE, Simulation
from gcb6206.envs.two_arm.vector import TwoArmVectorEnv
from gcb6206.errors import ConfigError
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.two_arm import TwoArmRun, play_episodes
from gcb6206.scripts import record_demonstrations


@pytest.fixture(scope="module")
def robosuite():
    return model.make_robosuite(has_offscreen_renderer=False, use_camera_obs=False, seed=0)


@pytest.fixture(scope="module")
def simulation():
    return Simulation()


@pytest.fixture(scope="module")
def env():
    return TwoArmPegInHole()


def same_start(robosuite, simulation) -> None:
    """Begin an episode in both, at robosuite's start, with robosuite's peg."""
    robosuite.reset()
    radius = robosuite.sim.model.geom_size[robosuite.sim.model.geom_name2id("peg_g0")][0]
    joints, none = robosuite.sim.data.qpos.copy(), np.zeros(14)
    simulation.set_state(np.concatenate([joints, none, none, joints, [radius]]))


def test_our_loop_moves_the_arms_as_robosuites_does_step_by_step(robosuite, simulation):
    same_start(robosuite, simulation)
    rng = np.random.default_rng(0)
    for step in range(12):
        action = rng.uniform(-1.5, 1.5, (2, 6))  # what is beyond 1 is clipped by both
        _, reward, _, _ = robosuite.step(action.ravel())
        simulation.step(action)
        limit = 1e-7 if step == 0 else 1e-6
        np.testing.assert_allclose(simulation.data.qpos, robosuite.sim.data.qpos, atol=limit)
        np.testing.assert_allclose(simulation.reward(), reward, atol=limit)
        seen = robosuite._get_observations(force_update=True)
        np.testing.assert_allclose(simulation.object_state(), seen["object-state"], atol=10 * limit)
        for arm, proprio in enumerate(simulation.proprio()):
            told = seen[f"robot{arm}_proprio-state"]
            np.testing.assert_allclose(proprio[:28], told[:28], atol=100 * limit)
            np.testing.assert_allclose(proprio[28:35], told[28:35], atol=1e-3, rtol=1e-3)  # accelerations
            np.testing.assert_allclose(proprio[35:], told[35:], atol=10 * limit)


def test_success_and_both_rewards_are_robosuites_when_the_peg_is_in(robosuite, simulation):
    same_start(robosuite, simulation)
    told = []
    for _ in range(60):
        action = expert_action(simulation)
        _, dense, _, _ = robosuite.step(action.ravel())
        simulation.step(action)
        assert simulation.success() == robosuite._check_success()
        np.testing.assert_allclose(simulation.reward(), dense, atol=1e-3)
        told.append(simulation.reward(dense=False))
    assert told[0] == 0.0 and told[-1] == 1.0


def test_a_radius_set_in_place_gives_the_model_that_robosuite_builds_with_it():
    changed = model.make_model()
    model.set_peg_radius(changed, mujoco.MjData(changed), 0.027)
    options = {"has_offscreen_renderer": False, "use_camera_obs": False, "peg_radius": (0.027, 0.027)}
    built = model.make_robosuite(**options).sim.model._model
    for name in (
        "body_mass",
        "body_inertia",
        "body_subtreemass",
        "dof_M0",
        "dof_invweight0",
        "body_invweight0",
    ):
        np.testing.assert_allclose(getattr(changed, name), getattr(built, name), rtol=1e-9, err_msg=name)
    for name in ("geom_size", "geom_rbound", "geom_aabb"):
        ours, theirs = (getattr(m, name)[m.geom("peg_g0").id] for m in (changed, built))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("observation", ["state", "images"])
def test_pettingzoos_test_of_parallel_environments_passes(observation):
    env = TwoArmPegInHole(observation, max_episode_steps=4, image_size=16)
    parallel_api_test(env, num_cycles=10)
    observations, _ = env.reset(seed=1)
    assert all(env.observation_space(agent).contains(observations[agent]) for agent in AGENTS)
    assert env.state_space.contains(env.state())


def test_the_same_seed_gives_the_same_episode_and_another_seed_another(env):
    def play(seed):
        observations, _ = env.begin(seed)
        rng, rows = np.random.default_rng(5), [observations]
        for _ in range(5):
            rows.append(env.advance(rng.uniform(-1, 1, (2, 6)))[0])
        return np.array(rows)

    first = play(3)
    np.testing.assert_array_equal(first, play(3))
    assert not np.allclose(first, play(4))


def test_an_episode_goes_on_from_its_state_as_if_it_had_not_been_left(env):
    env.begin(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (12, 2, 6))
    for action in actions[:6]:
        env.advance(action)
    kept = env.simulation.state()
    went_on = [env.advance(action)[0] for action in actions[6:]]
    env.begin(seed=1)
    env.begin(options={"state": kept})
    np.testing.assert_array_equal(went_on, [env.advance(action)[0] for action in actions[6:]])


def test_success_ends_an_episode_only_where_that_is_wanted_and_a_time_limit_truncates():
    for ends in (False, True):
        env = TwoArmPegInHole(max_episode_steps=60, end_at_success=ends)
        env.begin(seed=0)
        for _ in range(60):
            _, _, terminated, truncated, info = env.advance(expert_action(env.simulation))
            if terminated or truncated:
                break
        assert info["success"]
        assert (terminated, truncated) == (ends, not ends)
        assert (env.steps < 60) == ends


def test_a_new_radius_comes_with_each_episode_unless_one_is_kept():
    rng, _ = seeding.np_random(0)
    simulation = Simulation()
    drawn = []
    for new in (True, True, False):
        simulation.reset(rng, new)
        drawn.append(simulation.radius)
    assert drawn[0] != drawn[1] == drawn[2]
    assert all(0.015 <= radius <= 0.03 for radius in drawn)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"observation": "pictures"}, "observation is 'pictures'"),
        ({"max_episode_steps": 0}, "max_episode_steps is 0"),
        ({"image_size": 500}, "image_size is 500: expected at least 1, at most 480"),
        ({"render_mode": "human"}, "render_mode is 'human'"),
    ],
)
def test_an_argument_out_of_range_is_refused_by_its_name(wrong, said):
    with pytest.raises(ConfigError, match=said):
        TwoArmPegInHole(**wrong)


def test_an_action_of_another_shape_or_with_nan_is_refused(env):
    env.begin(seed=0)
    for wrong in (np.zeros(12), np.full((2, 6), np.nan)):
        with pytest.raises(ValueError, match="expected numbers of shape"):
            env.advance(wrong)


def test_robosuite_that_does_not_load_is_told_with_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "robosuite", None)
    with pytest.raises(ImportError, match=r"--no-deps robosuite==1\.5\.2.*apt-get install libegl1"):
        model.make_robosuite()


# Pictures


@pytest.fixture(scope="module")
def seen():
    env = TwoArmPegInHole("images")
    first, _ = env.begin(seed=0)
    second = env.advance(np.ones((2, 6)))[0]
    return first["images"], second["images"]


def test_pictures_are_upright_and_show_the_peg(seen):
    front = seen[0][0, 0].astype(int)
    yellow = (front[..., 0] > 60) & (front[..., 1] > 60) & (front[..., 2] < 60)  # the pedestals
    assert yellow[40:].sum() > 100 and yellow[:24].sum() == 0
    blue = (front[..., 2] > 100) & (front[..., 0] < 60)
    assert blue.sum() > 5


def test_agents_share_the_front_camera_and_have_wrists_of_their_own(seen):
    np.testing.assert_array_equal(seen[0][0, 0], seen[0][1, 0])
    assert not np.array_equal(seen[0][0, 1], seen[0][1, 1])


def test_a_history_holds_the_pictures_of_the_step_before_and_begins_with_the_first_twice(seen):
    first, second = seen
    np.testing.assert_array_equal(first[:, 2:], first[:, :2])
    np.testing.assert_array_equal(second[:, 2:], first[:, :2])
    assert not np.array_equal(second[:, :2], first[:, :2])


@pytest.mark.parametrize("camera", [cameras.FRONT, *cameras.WRISTS])
def test_a_lost_context_is_refused(monkeypatch, simulation, camera):
    monkeypatch.setattr(cameras.mujoco, "mjr_readPixels", lambda pixels, *_: pixels.fill(7))
    with pytest.raises(RuntimeError, match=r"of one colour, \[7, 7, 7\]: the rendering context"):
        cameras.cameras().picture(simulation, camera, 16, 16)


@pytest.mark.parametrize("camera", [cameras.FRONT, *cameras.WRISTS])
def test_a_view_of_one_colour_is_a_picture_like_others(simulation, camera):
    """A camera close to the peg sees nothing else; a picture of one pixel never has two colours."""
    assert cameras.cameras().picture(simulation, camera, 1, 1).shape == (1, 1, 3)


def test_without_a_rendering_context_the_package_is_named(monkeypatch):
    def fails(*_):
        raise RuntimeError("no display")

    monkeypatch.setattr(cameras.mujoco, "GLContext", fails)
    with pytest.raises(RuntimeError, match=r"no display.*apt-get install libegl1"):
        cameras.Cameras(visual=False)


@pytest.mark.slow
def test_a_film_shows_the_visual_meshes_beside_pictures_for_policies():
    env = TwoArmPegInHole("images", render_mode="rgb_array", image_size=32)
    before = env.begin(seed=0)[0]["images"]
    film = env.render()
    assert film.shape == (480, 640, 3)
    assert (film.min(axis=2) > 180).sum() > 2000  # white arms, which the plain shapes have not
    np.testing.assert_array_equal(env.begin(seed=0)[0]["images"], before)


# Many of them


def test_the_number_of_processes_changes_nothing_and_ended_episodes_tell_their_last_observation():
    told = []
    for workers in (0, 2):
        with TwoArmVectorEnv(3, workers, max_episode_steps=4) as envs:
            observation, infos = envs.reset(seed=7)
            rows, rng = [observation, infos["state"]], np.random.default_rng(0)
            for step in range(1, 6):
                observation, reward, terminated, truncated, infos = envs.step(rng.uniform(-1, 1, (3, 2, 6)))
                assert truncated.all() == (step == 4) and not terminated.any()
                assert ("final_obs" in infos) == (step == 4)
                if step == 4:
                    assert not np.array_equal(infos["final_obs"], observation)
                    rows.append(infos["final_obs"])
                rows += [observation, reward, infos["state"]]
            told.append(rows)
    for alone, together in zip(*told):
        np.testing.assert_array_equal(alone, together)


def test_environments_batched_equal_one_by_one(env):
    with TwoArmVectorEnv(2, 0) as envs:
        observation, _ = envs.reset(seed=7)
        actions = np.random.default_rng(0).uniform(-1, 1, (3, 2, 2, 6))
        rows = [observation[1], *(envs.step(action)[0][1] for action in actions)]
    alone = [env.begin(seed=8)[0], *(env.advance(action[1])[0] for action in actions)]
    np.testing.assert_array_equal(rows, alone)


def test_processes_end_with_close_and_one_that_dies_is_told():
    before = set(multiprocessing.active_children())
    envs = TwoArmVectorEnv(2, 2)
    envs.reset(seed=0)
    (first, second) = sorted(set(multiprocessing.active_children()) - before, key=lambda p: p.pid)
    os.kill(first.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="a process of the environments ended with status -9"):
        envs.step(np.zeros((2, 2, 6)))
    envs.close()
    envs.close()
    assert not first.is_alive() and not second.is_alive()
    with pytest.raises(ValueError, match="are closed"):
        envs.reset()


# The expert


def test_the_expert_is_in_the_hole_within_60_steps_and_stays():
    env = TwoArmPegInHole()
    for seed in range(6):
        success = expert_episode(env, seed, 80)["success"]
        assert success[60:].all(), seed


def test_episodes_begin_at_the_experts_states_as_often_as_is_said():
    states = expert_states(2, 50, seed=0)
    assert states.shape == (100, STATE_SIZE)
    with TwoArmVectorEnv(20, 0) as envs:
        known = {state.tobytes() for state in states}
        for fraction, least, most in ((0.0, 0, 0), (0.5, 4, 16), (1.0, 20, 20)):
            envs.set_starts(states, fraction)
            envs.reset(seed=0)
            begun = sum(state.tobytes() in known for state in envs.states())
            assert least <= begun <= most


def test_demonstrations_are_the_same_whether_or_not_their_recording_was_interrupted(
    tmp_path, monkeypatch, capsys
):
    words = ["--steps", "5", "--image_size", "8", "--output"]
    whole, broken = tmp_path / "whole.npz", tmp_path / "broken.npz"
    assert record_demonstrations.main([*words, str(whole), "--episodes", "3"]) == 0
    assert record_demonstrations.main([*words, str(broken), "--episodes", "1"]) == 0
    assert record_demonstrations.main([*words, str(broken), "--episodes", "3"]) == 0
    with np.load(whole) as ours, np.load(broken) as theirs:
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
        assert ours["pictures"].shape == (15, 3, 8, 8, 3) and ours["action"].shape == (15, 2, 6)
        assert np.flatnonzero(ours["first"]).tolist() == [0, 5, 10]
        assert not np.array_equal(ours["action"], ours["executed"])
    assert record_demonstrations.main([*words, str(whole), "--episodes", "4", "--noise", "0.5"]) == 2
    assert "--noise is 0.5, but" in capsys.readouterr().err


# Training


@pytest.fixture
def solved():
    solutions.load()


def test_the_experts_steps_count_and_its_starts_fade(solved):
    config = TwoArmConfig()
    parts = config.build()
    assert config.demonstrated + parts["updates"] * config.num_envs * config.n_steps <= config.total_steps
    args = argparse.Namespace(seed=1, num_eval_episodes=1)
    small = {"num_envs": 1, "n_steps": 8, "minibatch_size": 8, "expert_episodes": 1, "expert_steps": 5}
    run = TwoArmRun(TwoArmConfig(**small, num_workers=0, total_steps=100).build(), NullLogger(), args)
    assert (run.done, run.total) == (5, 93)
    assert run.env.max_episode_steps == 500
    assert run.start_fraction == pytest.approx(0.6 * (1 - 5 / (0.667 * 93)))
    run.done = 80
    run.before()
    assert run.start_fraction == 0.0
    run.close()


def test_a_shorter_time_limit_holds_for_the_trainings_episodes_alone():
    parts = TwoArmConfig(train_episode_steps=7, num_workers=0).build()
    with parts["make_envs"](1) as train, parts["make_eval_envs"](1) as evaluation:
        assert (train.max_episode_steps, evaluation.max_episode_steps) == (7, 500)


def test_a_rollout_keeps_an_ended_episodes_own_last_observation(solved):
    args = argparse.Namespace(seed=1, num_eval_episodes=1)
    small = {"num_envs": 2, "n_steps": 5, "minibatch_size": 8, "max_episode_steps": 3, "start_fraction": 0.0}
    run = TwoArmRun(TwoArmConfig(**small, num_workers=0, total_steps=10).build(), NullLogger(), args)
    batch = run.collect()
    run.close()
    over = batch["truncated"][..., 0]
    assert over[:, 2].all() and over.sum() == 2
    following = batch["observation"][:, 1:]
    same = (batch["next_observation"][:, :-1] == following).flatten(2).all(dim=2)
    assert same.logical_xor(over[:, :-1]).all()
    assert (batch["reward"][:, :, 0] == batch["reward"][:, :, 1]).all()


def test_an_evaluation_tells_success_at_the_end_from_success_at_some_time():
    class Expert:
        """Inserts, and draws back at the end."""

        def act(self, observation, noise):
            simulation = env._workers[0]._group.envs[0].simulation
            action = expert_action(simulation)
            if env.steps > 60:
                axis, _, _ = simulation.axes()
                action[:, :3] = -simulation.base[0].T @ axis, simulation.base[1].T @ axis
            env.steps += 1
            return torch.from_numpy(action[None])

    with TwoArmVectorEnv(1, 0, max_episode_steps=80) as env:
        env.steps = 0
        returns, ever, at_end = play_episodes(env, Expert(), seed=0, episodes=1)
    assert ever.tolist() == [True] and at_end.tolist() == [False]
    assert 45 < returns[0] < 75
