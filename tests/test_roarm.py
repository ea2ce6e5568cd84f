"""The RoArm-M3: geometry against MuJoCo, rewards, batch against single environments, oracle."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

import gcb6206.envs  # noqa: F401  (registers the environments)
from gcb6206.envs import roarm, roarm_model, roarm_oracle
from gcb6206.envs.roarm_model import (  # with its mujoco: imported first, that one would not draw offscreen
    JOINT_LIMITS,
    PUBLISHED_LIMITS,
    UnreachableError,
    forward_kinematics,
    inverse_kinematics,
    mujoco,
)

TASKS = {
    "gcb6206/RoArmReach-v0": (roarm.RoArmReachVectorEnv, roarm_oracle.reach),
    "gcb6206/RoArmPickPlace-v0": (roarm.RoArmPickPlaceVectorEnv, roarm_oracle.pick_and_place),
}
REACH, PICK_PLACE = TASKS


class Geometry:
    """Where MuJoCo, and not our formulas, sees the tool."""

    def __init__(self):
        self.model = roarm_model.make_model(cube=False)
        self.data = mujoco.MjData(self.model)

    def tool(self, joints: np.ndarray) -> tuple[np.ndarray, float]:
        """Position ``(3,)`` and pitch above the horizon of the tool at these joint angles."""
        self.data.qpos[:5] = joints[:5]
        mujoco.mj_kinematics(self.model, self.data)
        site = self.data.site("tool")
        return site.xpos.copy(), float(np.arcsin(np.clip(site.xmat[8], -1, 1)))


@pytest.fixture(scope="module")
def geometry():
    return Geometry()


def play(env, policy, seed: int):
    """One episode: its rewards, and the last step's flags and info."""
    observation, _ = env.reset(seed=seed)
    rewards = []
    while True:
        observation, reward, terminated, truncated, info = env.step(policy(observation))
        rewards.append(reward)
        if terminated or truncated:
            return np.array(rewards), terminated, truncated, info


def success_rate(name: str, policy, episodes: int, **kwargs) -> float:
    env = gym.make(name, **kwargs)
    return np.mean([play(env, policy, seed)[3]["is_success"] for seed in range(episodes)])


# --- geometry


def test_model_has_the_published_numbers(geometry):
    model = geometry.model
    assert model.body_subtreemass[0] == pytest.approx(0.97)
    np.testing.assert_allclose(model.jnt_range[:6], PUBLISHED_LIMITS, atol=1e-6)
    np.testing.assert_allclose(model.actuator_forcerange[:, 1], 2.943, atol=1e-3)  # 30 kg cm
    height = 0.0701 + 0.05196 + 0.2368 + 0.1446 + 0.0537 + 0.1154
    np.testing.assert_allclose(geometry.tool(np.zeros(5))[0], [0.03 + 0.0151, 0, height])


@pytest.mark.parametrize("payload, holds", [(0.2, True), (0.5, False)])
def test_stretched_arm_holds_its_published_payload_and_not_much_more(payload, holds):
    model = roarm_model.make_model(cube=False)
    data = mujoco.MjData(model)
    data.qpos[:] = data.ctrl[:] = [0, 1.4, 0, 0, 0, roarm_model.JAW_PARALLEL]  # off the shoulder's stop
    data.xfrc_applied[model.body("hand").id, 2] = -9.81 * payload
    mujoco.mj_step(model, data, nstep=300)
    dropped = forward_kinematics([0, 1.4, 0, 0])[2] - forward_kinematics(data.qpos)[2]
    assert (dropped < 0.02) == holds


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_forward_kinematics_agree_with_mujoco(seed):
    joints = np.random.default_rng(seed).uniform(*PUBLISHED_LIMITS[:5].T)
    np.testing.assert_allclose(forward_kinematics(joints), Geometry.tool(GEOMETRY, joints)[0], atol=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(JOINT_LIMITS)), st.booleans())
def test_inverse_kinematics_find_every_place_in_front_of_the_arm(seed, limits, free):
    """Whatever the joints can do facing a place, the solution does too: same position, pitch and roll."""
    limits = JOINT_LIMITS[limits]
    joints = np.random.default_rng(seed).uniform(*limits.T)
    position, pitch = GEOMETRY.tool(joints)
    facing = np.cos(np.arctan2(position[1], position[0]) - joints[0]) > 0
    upright = np.cos(joints[1:4].sum()), np.sin(joints[1:4].sum())
    if not facing:
        return
    angle = None if free else np.arctan2(*upright)
    try:
        solution = inverse_kinematics(position, angle, joints[4], limits)
    except UnreachableError:
        assert free  # a fan 5 degrees wide may miss what a very particular pitch reaches
        return
    found, found_pitch = GEOMETRY.tool(solution)
    np.testing.assert_allclose(found, position, atol=1e-6)
    assert solution[4] == joints[4]
    assert np.all((solution >= limits[:, 0]) & (solution <= limits[:, 1]))
    assert free or found_pitch == pytest.approx(pitch, abs=1e-6)


GEOMETRY = Geometry()


def test_inverse_kinematics_with_a_wrong_length_miss(monkeypatch):
    place = np.array([0.25, 0.1, 0.15])
    monkeypatch.setattr(roarm_model, "UPPER_ARM_OFFSET", 0.0)
    miss = np.linalg.norm(GEOMETRY.tool(inverse_kinematics(place))[0] - place)
    assert miss > 0.005


@pytest.mark.parametrize(
    "place, kwargs",
    [
        ((0.6, 0.0, 0.3), {}),  # too far
        ((0.15, 0.0, 0.15), {"limits": JOINT_LIMITS["narrow"]}),  # too near for these elbows
        ((0.45, 0.0, 0.1), {"pitch": -np.pi / 2}),  # not from above
        ((-0.3, 0.1, 0.1), {"limits": JOINT_LIMITS["narrow"]}),  # behind
        ((0.3, 0.0, 0.1), {"roll": 4.0}),  # the roll joint cannot
    ],
)
def test_unreachable_places_are_named(place, kwargs):
    with pytest.raises(UnreachableError, match=rf"\({place[0]:.3f}, {place[1]:.3f}, {place[2]:.3f}\)"):
        inverse_kinematics(place, **kwargs)


def test_of_several_solutions_the_nearest_is_taken():
    place = np.array([0.3, 0.0, 0.3])
    down, up = (
        inverse_kinematics(place, 0.0, limits=JOINT_LIMITS["wide"], near=np.array([0, 0, bend, 0, 0]))
        for bend in (2.0, -2.0)
    )
    assert down[2] > 0 > up[2]


# --- environments


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.filterwarnings("error")
def test_gymnasium_has_nothing_to_complain_about(name):
    check_env(gym.make(name).unwrapped)


@pytest.mark.parametrize("name", TASKS)
def test_oracle_succeeds_and_idleness_does_not(name):
    policy = TASKS[name][1]
    assert success_rate(name, policy, 20) == 1.0
    assert success_rate(name, lambda observation: 0 * policy(observation), 5) == 0.0


@pytest.mark.parametrize("limits", ["wide", "narrow"])
def test_every_target_is_within_reach_under_all_joint_limits(limits):
    def policy(observation):
        return roarm_oracle.reach(observation, limits)

    assert success_rate(REACH, policy, 20, joint_limits=limits) == 1.0
    published = gym.make(REACH).reset(seed=3)[0][-5:-2]  # to_goal
    np.testing.assert_array_equal(gym.make(REACH, joint_limits=limits).reset(seed=3)[0][-5:-2], published)


@pytest.mark.parametrize("limits, reaches", [("wide", True), ("narrow", False)])
def test_joints_stay_within_their_limits(limits, reaches):
    """However hard the actions push; and only wide limits let base and wrist turn beyond 90 degrees."""
    envs = roarm.RoArmReachVectorEnv(8, joint_limits=limits, num_threads=1)
    envs.reset(seed=0)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (8, 5))
    for _ in range(60):
        envs.advance(signs)
    joints, bounds = envs.qpos[:, :5], JOINT_LIMITS[limits]
    assert np.all(envs.setpoint[:, :5] >= bounds[:, 0]) and np.all(envs.setpoint[:, :5] <= bounds[:, 1])
    assert np.all(joints > bounds[:, 0] - 0.05) and np.all(joints < bounds[:, 1] + 0.05)
    assert (np.abs(joints[:, [0, 3]]).max(axis=0) > np.pi / 2 + 0.1).tolist() == [reaches, reaches]


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_shaping_telescopes(name, discount):
    """Without milestones and bonus, the discounted rewards sum to discount^T phi(end) - phi(start)."""
    env = gym.make(name, shaping_discount=discount).unwrapped
    policy = TASKS[name][1]
    env.batch.MILESTONES = dict.fromkeys(env.batch.MILESTONES, 0.0)
    env.batch.BONUS = 0.0
    observation, _ = env.reset(seed=0)
    start, total = env.batch.potential()[0], 0.0
    for t in range(12):  # random steps, and steps of the oracle, before the end of the episode
        action = policy(observation) if t % 3 else env.action_space.sample()
        observation, reward, terminated, *_ = env.step(action)
        total += discount**t * reward
    end = env.batch.potential()[0] * (not terminated)
    assert start < -0.5
    assert total == pytest.approx(discount**12 * end - start, abs=1e-9)


def test_what_an_episode_pays_is_bounded_and_milestones_are_paid_once():
    """In and out of the target's neighbourhood: only the first visit pays."""
    env = gym.make(REACH).unwrapped
    observation, _ = env.reset(seed=0)
    home, start = env.batch.qpos[0, :5].copy(), env.batch.potential()[0]
    rewards, visits = [], 0
    for _ in range(5):
        for _ in range(30):  # to the target, but no longer than a moment
            observation, reward, terminated, _, info = env.step(roarm_oracle.reach(observation))
            rewards.append(reward)
            if info["distance"] < roarm.NEAR:
                break
        visits += info["distance"] < roarm.NEAR
        for _ in range(8):
            back = (home - env.batch.setpoint[0, :5]) / roarm.MAX_INCREMENT[:5]
            observation, reward, terminated, _, info = env.step(back.clip(-1, 1))
            rewards.append(reward)
    assert visits == 5 and not terminated and info["milestones"] == 1
    assert sum(rewards) == pytest.approx(env.batch.potential()[0] - start + 0.5, abs=1e-9)


@pytest.mark.parametrize("name", TASKS)
def test_success_pays_all_milestones_and_the_bonus(name):
    env = gym.make(name)
    batch = env.unwrapped.batch
    env.reset(seed=1)
    start = batch.potential()[0]
    rewards, terminated, truncated, info = play(env, TASKS[name][1], seed=1)
    assert terminated and not truncated and info["is_success"] is True
    assert info["milestones"] == len(batch.MILESTONES)
    assert rewards.sum() == pytest.approx(sum(batch.MILESTONES.values()) + 10 - start, abs=1e-9)


def test_success_takes_five_steps_in_a_row():
    env = gym.make(REACH).unwrapped
    observation, _ = env.reset(seed=0)
    inside = []
    terminated = False
    while not terminated:
        observation, _, terminated, _, info = env.step(roarm_oracle.reach(observation))
        inside.append(info["distance"] < 0.05)
        assert terminated == info["is_success"] == (sum(inside[-5:]) == 5)


def test_time_limit_truncates_and_does_not_terminate():
    env = gym.make(REACH)
    rewards, terminated, truncated, info = play(env, lambda observation: np.zeros(5), seed=0)
    assert len(rewards) == 100 and truncated and not terminated and info["is_success"] is False
    assert abs(rewards.sum()) < 0.2  # nothing done, nothing earned


@pytest.mark.parametrize("friction, holds", [(1.5, True), (0.01, False)])
def test_cube_is_held_in_the_air(friction, holds):
    """Five seconds at rest without creeping, then five of swinging; with slippery jaws it falls."""
    env = roarm.RoArmPickPlaceEnv()
    observation, _ = env.reset(seed=0)
    while not env.batch.reached[0, 2]:
        observation, *_ = env.step(roarm_oracle.pick_and_place(observation))
    for _ in range(10):
        env.step([0, 0, 0, 0, 0, -1])
    before = env.batch.to_cube[0]
    env.batch.model.geom_friction[:, 0] = friction
    for _ in range(100):
        env.step([0, 0, 0, 0, 0, -1])
    assert (abs(env.batch.to_cube[0] - before) < 0.001) == holds
    for t in range(100):
        env.step([np.sin(t / 5), 0, 0, 0, 0, -1])
    assert env.batch.gripped[0] == holds


def test_cube_can_be_placed_only_after_a_lift():
    """A cube that lies at the goal from the start is no success."""
    envs = roarm.RoArmPickPlaceVectorEnv(1, num_threads=1)
    envs.reset(seed=0)
    envs.goal[0] = envs.cube[0]
    for _ in range(10):
        *_, terminated, _, info = envs.advance(np.zeros((1, 6)))
    assert not terminated[0] and info["distance"][0] < 0.01


@pytest.mark.parametrize("name", TASKS)
def test_difficulty_shortens_the_way(name):
    """Set at the start, as an attribute, or as an option, which stays."""
    easy, hard = gym.make(name, difficulty=0.1).unwrapped, gym.make(name).unwrapped

    def way(env):
        return np.mean([env.reset(seed=seed)[1]["distance"] for seed in range(20)])

    easy_way, hard_way = way(easy), way(hard)
    assert easy_way < 0.7 * hard_way
    hard.difficulty = 0.1
    assert way(hard) == easy_way
    easy.reset(options={"difficulty": 1.0})
    assert easy.difficulty == 1.0 and way(easy) == hard_way


@pytest.mark.parametrize("difficulty", [0.0, 0.05, 0.15, 0.3, 0.6, 1.0])
def test_episodes_begin_without_anything_inside_anything(difficulty):
    envs = roarm.RoArmPickPlaceVectorEnv(100, difficulty=difficulty, num_threads=1)
    envs.reset(seed=0)
    data, cubes = mujoco.MjData(envs.model), envs.cube.copy()
    for qpos in envs.qpos:
        data.qpos[:] = qpos
        mujoco.mj_forward(envs.model, data)
        assert np.min(data.contact.dist, initial=0.0) > -1e-3
    envs.advance(np.zeros((100, 6)))
    assert np.abs(envs.cube - cubes).max() < 1e-3


@pytest.mark.parametrize("name", TASKS)
def test_observation_holds_what_the_oracle_needs_unclipped(name):
    """Scaled back, the observation gives joints, set-points, tool and goal, along a whole episode."""
    env = gym.make(name).unwrapped
    observation, _ = env.reset(seed=5)
    for _ in range(40):
        parts = roarm_oracle._split(observation, env.batch.FIELDS)
        joints, setpoint = roarm_oracle._joints(parts, PUBLISHED_LIMITS)
        np.testing.assert_allclose(joints, env.batch.qpos[0, : len(joints)], atol=1e-5)
        np.testing.assert_allclose(setpoint, env.batch.setpoint[0, : len(joints)], atol=1e-5)
        np.testing.assert_allclose(0.6 * parts["tool"], GEOMETRY.tool(joints)[0], atol=1e-5)
        origin = parts["cube"] if "cube" in parts else parts["tool"]
        np.testing.assert_allclose(0.6 * (origin + parts["to_goal"]), env.batch.goal[0], atol=1e-5)
        observation, _, terminated, *_ = env.step(TASKS[name][1](observation))
        if terminated:
            break


@pytest.mark.parametrize("name", TASKS)
def test_same_seed_same_episode_whatever_was_before(name):
    def episode(env, seed):
        env.action_space.seed(7)
        return play(env, lambda observation: env.action_space.sample(), seed)[0]

    env = gym.make(name)
    first, other, again = episode(env, 1), episode(env, 2), episode(env, 1)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, episode(gym.make(name), 1))
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", TASKS)
def test_batch_equals_single_environments(name):
    """Bit for bit and through several episodes, against Gymnasium's own loop over our single environments."""
    policy = TASKS[name][1]
    batch = gym.make_vec(name, num_envs=5, max_episode_steps=60, num_threads=2)
    loop = SyncVectorEnv(
        [lambda: gym.make(name, max_episode_steps=60)] * 5, autoreset_mode=AutoresetMode.SAME_STEP
    )
    assert batch.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert batch.single_observation_space == loop.single_observation_space
    generator = np.random.default_rng(0)
    left, right = batch.reset(seed=3), loop.reset(seed=3)
    equal(left, right)
    endings = np.zeros(2, int)
    for _ in range(150):
        actions = np.stack([policy(row) for row in left[0]])
        actions[0] = generator.uniform(-1, 1, actions.shape[1])  # this one runs into its time limit
        actions[1:] += generator.normal(0, 0.1, actions[1:].shape)
        left, right = batch.step(actions), loop.step(actions)
        equal(left, right)
        endings += left[2].sum(), left[3].sum()
    assert endings.min() >= 2  # successes and time limits both occurred


def equal(left, right) -> None:
    """Whatever ``reset`` or ``step`` returned is the same."""
    if isinstance(left, dict):
        assert left.keys() == right.keys()
        for key in left:
            equal(left[key], right[key])
    elif isinstance(left, tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            equal(one, other)
    elif left is not None:
        assert left.dtype == right.dtype and left.shape == right.shape
        if left.dtype == object:
            equal(tuple(left), tuple(right))
        else:
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "kwargs, named",
    [
        ({"gravity": 0}, "gravity"),
        ({"joint_limits": "sideways"}, "sideways.*published, wide, narrow"),
        ({"render_mode": "human"}, "human.*rgb_array"),
        ({"difficulty": 1.5}, "difficulty is 1.5"),
        ({"shaping_discount": -1}, "shaping_discount is -1"),
    ],
)
def test_wrong_arguments_are_named(kwargs, named):
    with pytest.raises((TypeError, ValueError), match=named):
        roarm.RoArmReachEnv(**kwargs)


def test_wrong_inputs_are_named():
    envs = gym.make_vec(REACH, num_envs=2)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="nan"):
        envs.step(np.full((2, 5), np.nan))
    with pytest.raises(ValueError, match=r"\(2, 6\).*\(2, 5\)"):
        envs.step(np.zeros((2, 6)))
    with pytest.raises(ValueError, match="dificulty"):
        envs.reset(options={"dificulty": 0.5})
    with pytest.raises(ValueError, match="1 seeds for 2"):
        envs.reset(seed=[1])
    with pytest.raises(RuntimeError, match="render_mode"):
        envs.render()


def test_pictures_show_the_arm_and_its_target():
    env = gym.make(REACH, render_mode="rgb_array")
    env.reset(seed=0)
    try:
        before = env.render()
    except RuntimeError as error:
        pytest.skip(str(error))
    assert before.shape == (480, 640, 3) and before.std() > 10
    env.unwrapped.batch.goal[0] = [0.2, 0.3, 0.3]
    moved = np.abs(env.render().astype(int) - before).max(axis=2) > 30
    assert 50 < moved.sum() < 20_000  # the target, and nothing else
    env.close()


@pytest.mark.slow
def test_stable_baselines3_trains_through_the_plain_interface():
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    check_for_sb3(gym.make(REACH).unwrapped)
    model = stable_baselines3.PPO(
        "MlpPolicy", gym.make(REACH), n_steps=64, batch_size=32, seed=0, device="cpu"
    )
    before = [parameter.detach().clone() for parameter in model.policy.parameters()]
    model.learn(128)
    assert any(
        not parameter.equal(old) for parameter, old in zip(model.policy.parameters(), before, strict=True)
    )
