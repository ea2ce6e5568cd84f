"""The PPO package: estimates, policies, environments, rollouts, statistics, the run, resuming, refusals."""

import argparse
import copy
import dataclasses

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from torch import nn

from gcb6206.agents.ppo_agent import approx_kl, clip_fraction, compute_gae, explained_variance
from gcb6206.env_configs.config import ConfigError
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.envs.vector import make_vector_env, set_difficulty
from gcb6206.exercises import filled
from gcb6206.infrastructure.checkpoint import CheckpointError, load_checkpoint
from gcb6206.infrastructure.logger import Logger, NullLogger
from gcb6206.infrastructure.normalization import ObservationNormalizer, RewardNormalizer, RunningMoments
from gcb6206.networks.policies import CategoricalPolicy, TanhNormalPolicy, make_policy
from gcb6206.networks.small_mlp import TwinMLP
from gcb6206.runs.frame import CHECKPOINT
from gcb6206.runs.ppo import make_agent
from gcb6206.runs.rollout import RolloutCollector, play_episodes
from gcb6206.scripts import run_hw3, run_ppo
from gcb6206.scripts.parse_tensorboard import read_scalars

SMALL = {"total_steps": 512, "num_envs": 2, "n_steps": 64, "batch_size": 32, "n_epochs": 2, "hidden_size": 8}
FLAGS = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
COMMAND = ["-cfg", "experiments/ppo/cartpole.yaml", "--solutions", "-ei", "256", "-neval", "2", *FLAGS]


def arguments(**changes):
    given = {"seed": 1, "eval_interval": 10**9, "num_eval_episodes": 2, "checkpoint_interval": 0}
    return argparse.Namespace(**{**given, **changes})


def config_of(**changes):
    config = PPOConfig(**{**SMALL, **changes})
    return {**config.build(), "settings": dataclasses.asdict(config)}


def weights_after(config, args=None, logger=None):
    agent = run_ppo.run_training(config, logger or NullLogger(), args or arguments())
    return torch.cat([parameter.detach().flatten() for parameter in agent.policy.parameters()])


# --- estimates ------------------------------------------------------------------------------------


def test_gae_is_the_discounted_sum_of_errors_up_to_the_episodes_end(solved):
    rng = np.random.default_rng(0)
    shape, gamma, lam = (12, 3), 0.9, 0.8
    rewards, values, next_values = rng.normal(size=(3, *shape))
    terminated, truncated = rng.random((2, *shape)) < 0.15
    delta = rewards + gamma * np.where(terminated, 0.0, next_values) - values
    expected = np.zeros(shape)
    for t in range(12):
        for i in range(3):
            for k in range(t, 12):
                expected[t, i] += (gamma * lam) ** (k - t) * delta[k, i]
                if terminated[k, i] or truncated[k, i]:
                    break
    advantages, returns = compute_gae(rewards, values, next_values, terminated, truncated, gamma, lam)
    np.testing.assert_allclose(advantages, expected)
    np.testing.assert_allclose(returns, expected + values)


def test_approx_kl_and_clip_fraction_of_known_ratios():
    log_ratio = torch.tensor([0.5, 0.85, 1.0, 1.3, 2.0]).log()
    ratio = np.array([0.5, 0.85, 1.0, 1.3, 2.0])
    assert approx_kl(log_ratio) == pytest.approx(np.mean(ratio - 1 - np.log(ratio)), rel=1e-5)
    assert clip_fraction(log_ratio, 0.2) == pytest.approx(3 / 5)
    assert clip_fraction(log_ratio, 0.6) == pytest.approx(1 / 5)


def test_approx_kl_estimates_the_divergence_of_two_gaussians():
    torch.manual_seed(0)
    old, new = torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(0.3, 1.2)
    samples = old.sample((200_000,))
    truth = torch.distributions.kl_divergence(old, new).item()
    other_way = torch.distributions.kl_divergence(new, old).item()
    estimate = approx_kl(new.log_prob(samples) - old.log_prob(samples))
    assert abs(estimate - truth) < 0.002 < abs(other_way - truth)


@pytest.mark.parametrize("values, explained", [([1, 2, 3], 1.0), ([2, 2, 2], 0.0), ([3, 2, 1], -3.0)])
def test_explained_variance(values, explained):
    assert explained_variance(np.array(values, float), np.array([1.0, 2.0, 3.0])) == pytest.approx(explained)
    assert np.isnan(explained_variance(np.array(values, float), np.ones(3)))


# --- networks and policies ------------------------------------------------------------------------


def towers(network: TwinMLP) -> tuple[nn.Sequential, nn.Sequential]:
    """The two networks as PyTorch's own, with the same weights."""
    built = []
    for tower, outputs in ((0, None), (1, 1)):
        modules = []
        for matrices, biases in network.layers():
            last = len(modules) == 2 * (len(network.layers()) - 1)
            columns = slice(0, outputs if last else None)
            linear = nn.Linear(matrices.shape[1], matrices[tower][:, columns].shape[1])
            linear.weight.data = matrices[tower][:, columns].detach().T.clone()
            linear.bias.data = biases[tower][columns].detach().clone()
            modules += [linear, nn.Tanh()]
        built.append(nn.Sequential(*modules[:-1]))
    return tuple(built)


@pytest.mark.parametrize("hidden", [[], [7], [16, 5]])
def test_twin_mlp_is_two_networks_with_the_same_gradients(hidden):
    torch.manual_seed(0)
    network = TwinMLP(3, hidden, 4)
    with torch.no_grad():
        network.weights.add_(0.1 * torch.randn_like(network.weights))
    actor, critic = towers(network)
    x = torch.randn(9, 3)
    outputs, values = network(x)
    torch.testing.assert_close(outputs, actor(x))
    torch.testing.assert_close(values, critic(x).squeeze(1))
    np.testing.assert_allclose(network.actor(x.numpy()), actor(x).detach().numpy(), rtol=1e-4, atol=1e-6)
    ((outputs**3).sum() + (values**2).sum()).backward()
    ((actor(x) ** 3).sum() + (critic(x) ** 2).sum()).backward()
    gradient = copy.deepcopy(network)
    gradient.weights.data = network.weights.grad
    for (matrices, biases), i in zip(gradient.layers(), range(0, 99, 2)):
        torch.testing.assert_close(matrices[0], actor[i].weight.grad.T)
        torch.testing.assert_close(biases[0], actor[i].bias.grad)
        columns = critic[i].weight.shape[0]
        torch.testing.assert_close(matrices[1][:, :columns], critic[i].weight.grad.T)
        assert not matrices[1][:, columns:].any()


def test_twin_mlp_sees_weights_that_an_optimiser_or_a_checkpoint_changed():
    torch.manual_seed(0)
    network, other = TwinMLP(3, [8], 2), TwinMLP(3, [8], 2)
    x = np.ones((1, 3), np.float32)
    network.actor(x), other.actor(x)
    twin = copy.deepcopy(network)
    other.load_state_dict(network.state_dict())
    np.testing.assert_array_equal(other.actor(x), network.actor(x))
    with torch.no_grad():
        network.weights.mul_(2.0)
    assert not np.array_equal(other.actor(x), network.actor(x))
    np.testing.assert_array_equal(twin.actor(x), other.actor(x))
    with torch.no_grad():
        twin.weights.mul_(3.0)
    assert not np.array_equal(twin.actor(x), other.actor(x))


def discrete_policy() -> CategoricalPolicy:
    torch.manual_seed(0)
    policy = CategoricalPolicy(3, [8], gym.spaces.Discrete(3, start=5))
    with torch.no_grad():
        policy.network.layers()[-1][1][0] = torch.tensor([0.0, 1.0, -1.0])
    return policy


def test_gumbel_noise_samples_the_categorical_distribution(solved):
    policy = discrete_policy()
    np.random.seed(0)
    observation = np.ones((1, 3), np.float32)
    actions = policy.act(np.repeat(observation, 20_000, 0), policy.noise(20_000))
    log_probs = [
        policy.evaluate(torch.from_numpy(observation), torch.tensor([a]))[0].item() for a in range(3)
    ]
    assert np.sum(np.exp(log_probs)) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_allclose(np.bincount(actions, minlength=3) / 20_000, np.exp(log_probs), atol=0.012)
    assert policy.act(observation, None) == np.argmax(log_probs)
    assert policy.to_env(actions).min() == 5


def continuous_policy(log_std: float = -0.3) -> TanhNormalPolicy:
    torch.manual_seed(0)
    space = gym.spaces.Box(np.array([-2.0, 0.0], np.float32), np.array([2.0, 5.0], np.float32))
    policy = TanhNormalPolicy(3, [8], space, log_std)
    with torch.no_grad():
        policy.network.layers()[-1][1][0] = torch.tensor([0.4, -0.8])
    return policy


def test_tanh_normal_log_prob_is_pytorchs(solved):
    policy = continuous_policy()
    observations, u = torch.randn(50, 3), torch.randn(50, 2)
    mean = policy.network(observations)[0]
    normal = torch.distributions.Normal(mean, policy.log_std.exp())
    squashed = torch.distributions.TransformedDistribution(normal, torch.distributions.TanhTransform())
    expected = squashed.log_prob(torch.tanh(u)).sum(1)
    torch.testing.assert_close(policy.evaluate(observations, u)[0], expected, rtol=1e-3, atol=1e-3)
    assert (expected - normal.log_prob(u).sum(1)).abs().min() > 0.01  # without the Jacobian


def test_tanh_normal_density_sums_to_one_and_its_entropy_is_estimated(solved):
    policy = continuous_policy()
    with torch.no_grad():
        policy.log_std.copy_(torch.tensor([0.2, -0.7]))
    observation, edge = torch.ones(1, 3), 1 - 1e-6
    grid = torch.atanh(torch.linspace(-edge, edge, 2001, dtype=torch.float64))
    mean, entropy = policy.network(observation)[0].detach().double(), 0.0
    from gcb6206.networks.policies import tanh_normal_log_prob

    for i in range(2):
        log_density = tanh_normal_log_prob(
            mean[:, i : i + 1], policy.log_std.detach()[i : i + 1], grid[:, None]
        )
        cell = 2 * edge / 2000
        assert log_density.exp().sum().item() * cell == pytest.approx(1.0, abs=2e-3)
        entropy -= (log_density.exp() * log_density).sum().item() * cell
    estimate = policy.evaluate(observation.repeat(100_000, 1), torch.zeros(100_000, 2))[1].item()
    assert estimate == pytest.approx(entropy, abs=0.02)


def test_a_squeezed_action_far_out_has_a_finite_log_prob_and_gradient(solved):
    policy = continuous_policy()
    log_prob = policy.evaluate(torch.ones(2, 3), torch.tensor([[30.0, -30.0], [9.0, 0.0]]))[0]
    log_prob.sum().backward()
    assert torch.isfinite(log_prob).all() and torch.isfinite(policy.network.weights.grad).all()


def test_real_valued_actions_stay_inside_the_environments_bounds():
    policy = continuous_policy(log_std=2.0)
    actions = policy.to_env(policy.act(np.ones((1000, 3), np.float32), policy.noise(1000)))
    assert np.all(actions >= [-2, 0]) and np.all(actions <= [2, 5]) and actions.dtype == np.float32
    np.testing.assert_allclose(policy.to_env(np.zeros((1, 2), np.float32)), [[0.0, 2.5]])


@pytest.mark.parametrize(
    "observation_space, action_space, message",
    [
        (gym.spaces.Discrete(5), gym.spaces.Discrete(2), "observation space Discrete.*FlattenObservation"),
        (gym.spaces.Box(0, 1, (4, 4)), gym.spaces.Discrete(2), r"observation space Box.*\(features,\)"),
        (gym.spaces.Box(0, 1, (4,)), gym.spaces.MultiDiscrete([2, 2]), "action space MultiDiscrete"),
        (gym.spaces.Box(0, 1, (4,)), gym.spaces.Box(-np.inf, 1, (2,)), "action space Box.*finite bounds"),
    ],
)
def test_unsupported_spaces_are_named(observation_space, action_space, message):
    with pytest.raises(ValueError, match=message):
        make_policy(observation_space, action_space, [8])


# --- vector environments and rollouts -------------------------------------------------------------


def test_same_step_cartpole_is_gymnasiums_cartpole():
    fast = make_vector_env("CartPole-v1", 3)
    slow = [gym.make("CartPole-v1").unwrapped for _ in range(3)]
    rng = np.random.default_rng(0)
    observations, _ = fast.reset(seed=0)
    for i, env in enumerate(slow):
        env.reset(seed=i)
        env.state = tuple(fast.state[:, i])
    ended = 0
    for _ in range(200):
        actions = rng.integers(2, size=3)
        observations, rewards, terminated, truncated, info = fast.step(actions)
        for i, env in enumerate(slow):
            expected, reward, over, _, _ = env.step(actions[i])
            assert (over, reward, False) == (terminated[i], rewards[i], truncated[i])
            got = info["final_obs"][i] if over else observations[i]
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
            if over:
                ended += 1
                assert np.all(np.abs(observations[i]) <= 0.05)  # the next episode's first
                env.reset()
                env.state = tuple(fast.state[:, i])
    assert ended > 10


def test_same_step_cartpole_truncates_at_its_limit():
    env = make_vector_env("CartPole-v1", 2)
    env.max_episode_steps = 5
    env.reset(seed=0)
    flags = [env.step(np.array([t % 2, 1 - t % 2]))[2:4] for t in range(10)]
    assert [bool(truncated.all()) for _, truncated in flags] == [False] * 4 + [True] + [False] * 4 + [True]
    assert not any(terminated.any() for terminated, _ in flags)


def test_all_environments_reset_in_the_same_step():
    for name in ("CartPole-v1", "Pendulum-v1", "gcb6206/RoArmReach-v0"):
        env = make_vector_env(name, 2)
        assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
        env.close()
    with pytest.raises(ConfigError, match="unknown environment 'CartPol-v1': did you mean 'CartPole-v1'"):
        make_vector_env("CartPol-v1", 2)


class Counting(gym.Env):
    """Shows (number, episode, t); episodes last 3 steps + number, terminate in turn with being truncated."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, number):
        self.number, self.episode, self.difficulty, self.reward = number, -1, None, 1.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.t = self.episode + 1, 0
        return self._look(), {}

    def step(self, action):
        self.t += 1
        over, even = self.t == 3 + self.number, self.episode % 2 == 0
        return (
            self._look(),
            self.reward * self.t,
            over and even,
            over and not even,
            {"is_success": over and even},
        )

    def _look(self):
        return np.array([self.number, self.episode, self.t], np.float32)


def counting_envs(n=2):
    return SyncVectorEnv([lambda i=i: Counting(i) for i in range(n)], autoreset_mode=AutoresetMode.SAME_STEP)


def counting_collector(n_steps=10):
    env = counting_envs()
    collector = RolloutCollector(env, n_steps)
    collector.restart(seed=0)
    return collector, make_agent(config_of(), env)


def test_rollout_holds_real_transitions_only():
    collector, agent = counting_collector()
    first, second = collector.collect(agent), collector.collect(agent)
    rollout = {name: np.concatenate([first[name], second[name]]) for name in first}
    for i in range(2):
        episode, t = 0, 0
        for row in range(20):
            over = t + 1 == 3 + i
            np.testing.assert_array_equal(rollout["observations"][row, i], [i, episode, t])
            np.testing.assert_array_equal(rollout["next_observations"][row, i], [i, episode, t + 1])
            assert rollout["rewards"][row, i] == t + 1
            assert rollout["terminated"][row, i] == (over and episode % 2 == 0)
            assert rollout["truncated"][row, i] == (over and episode % 2 == 1)
            episode, t = (episode + 1, 0) if over else (episode, t + 1)


def test_episodes_figures_count_across_rollouts():
    collector, agent = counting_collector(n_steps=7)
    for _ in range(3):
        collector.collect(agent)
    assert sorted(collector.lengths) == [3] * 7 + [4] * 5
    assert sorted(collector.returns) == [6.0] * 7 + [10.0] * 5
    assert collector.figures()["rollout/success_rate"] == pytest.approx(7 / 12)  # 4 of 7 and 3 of 5


def test_rollouts_bootstrap_with_the_value_of_each_steps_own_next_observation():
    collector, agent = counting_collector()
    rollout = collector.collect(agent)
    seen = {}

    def spy(rewards, values, next_values, terminated, truncated, gamma, gae_lambda):
        seen.update(values=values, next_values=next_values)
        return np.zeros_like(rewards), np.zeros_like(rewards)

    with filled({"hw1.compute_gae": spy, "hw1.entropy_bonus": lambda log_probs: log_probs.mean()}):
        agent.prepare(rollout)
    for given, name in (("observations", "values"), ("next_observations", "next_values")):
        expected = agent.policy.value(torch.from_numpy(rollout[given].reshape(-1, 3))).detach().numpy()
        np.testing.assert_allclose(seen[name], expected.reshape(10, 2), rtol=1e-4, atol=1e-6)
    assert not np.allclose(seen["next_values"][:-1], seen["values"][1:])  # as the next row would have it


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_reward_that_is_no_number_is_named(bad):
    collector, agent = counting_collector()
    collector.env.envs[1].unwrapped.reward = bad
    with pytest.raises(ValueError, match=f"the reward is {bad} at step 0 of the rollout in environment 1"):
        collector.collect(agent)


def test_evaluation_plays_one_episode_in_each_environment():
    env = counting_envs(3)
    returns, lengths, successes = play_episodes(env, make_agent(config_of(), env), seed=0, longest=100)
    assert (returns.tolist(), lengths.tolist()) == ([6.0, 10.0, 15.0], [3, 4, 5])
    assert successes.tolist() == [1.0, 1.0, 1.0]
    assert play_episodes(env, make_agent(config_of(), env), seed=0, longest=4)[1].tolist() == [3, 4, 4]


def test_difficulty_reaches_every_environment():
    env = counting_envs()
    set_difficulty(env, 0.3)
    assert [single.unwrapped.difficulty for single in env.envs] == [0.3, 0.3]
    arm = make_vector_env("gcb6206/RoArmPickPlace-v0", 2)
    set_difficulty(arm, 0.4)
    assert arm.difficulty == 0.4
    arm.close()
    with pytest.raises(ConfigError, match="no attribute 'difficulty'.*leave difficulty_start out"):
        set_difficulty(make_vector_env("CartPole-v1", 2), 0.3)


# --- running statistics ---------------------------------------------------------------------------


def test_running_moments_are_those_of_all_samples_at_once():
    rng = np.random.default_rng(0)
    samples = rng.normal(5.0, [1.0, 100.0], size=(60, 2))
    moments = RunningMoments((2,))
    for batch in (samples[:1], samples[1:30].reshape(-1, 1, 2), samples[30:]):
        moments.update(batch)
    np.testing.assert_allclose((moments.mean, moments.var), (samples.mean(0), samples.var(0)))
    again = RunningMoments((2,))
    again.load_state(moments.state())
    np.testing.assert_array_equal((again.mean, again.var), (moments.mean, moments.var))
    assert again.count == 60


def test_rewards_are_divided_by_the_deviation_of_the_discounted_return():
    rewards, ended = np.array([[1.0], [2.0], [4.0], [8.0]]), np.array([[False], [True], [False], [False]])
    normalizer = RewardNormalizer(gamma=0.5)
    returns = [1.0, 2.5, 4.0, 10.0]
    got = normalizer.update_and_normalize(rewards, ended)
    np.testing.assert_allclose(got, rewards / np.std(returns), rtol=1e-6)
    normalizer.update_and_normalize(rewards[:1], ended[:1])  # goes on from 10: the return is 6
    assert normalizer.var == pytest.approx(np.var([*returns, 6.0]))


def test_observations_keep_one_scale_from_collecting_to_learning(solved):
    env = counting_envs()
    agent = make_agent(config_of(normalize_observations=True), env)
    collector = RolloutCollector(env, 10)
    collector.restart(seed=0)
    for _ in range(2):
        before = copy.deepcopy(agent.observation_normalizer)
        rollout = collector.collect(agent)
        samples = agent.prepare(rollout)
        expected = before.normalize(rollout["observations"]).reshape(-1, 3)
        np.testing.assert_array_equal(samples["observations"].numpy(), expected)
        assert agent.observation_normalizer.count == before.count + 20
    np.testing.assert_allclose(np.abs(ObservationNormalizer((1,)).normalize(np.array([[99.0]]))), [[10.0]])


def test_statistics_are_saved_and_used_by_the_loaded_agent(tmp_path):
    flags = ["--normalize_observations", "true", "--normalize_rewards", "true", "--log_root", str(tmp_path)]
    log_dir = run_ppo.start([*COMMAND, *flags])
    agent = run_ppo.load_agent(log_dir)
    saved = load_checkpoint(log_dir / CHECKPOINT)["agent"]
    assert agent.observation_normalizer.count == saved["rewards"]["count"] == 512
    observations = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    scaled = agent.observation_normalizer.normalize(observations)
    assert np.abs(scaled - observations).max() > 0.5
    np.testing.assert_array_equal(agent.policy.network.actor(scaled).argmax(1), agent.act(observations)[1])
    agent.observation_normalizer = None
    assert not np.array_equal(agent.policy.network.actor(scaled), agent.policy.network.actor(observations))


# --- the run --------------------------------------------------------------------------------------


def test_same_seed_same_run_and_another_seed_another(solved):
    first, again = weights_after(config_of()), weights_after(config_of())
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, weights_after(config_of(), arguments(seed=2)))


def test_evaluations_leave_training_untouched(solved):
    often = weights_after(config_of(), arguments(eval_interval=1))
    torch.testing.assert_close(often, weights_after(config_of()), rtol=0, atol=0)


def test_resuming_with_other_settings_is_refused(tmp_path, capsys):
    log_dir = run_ppo.start([*COMMAND, "--log_root", str(tmp_path)])
    assert run_ppo.main(["--resume", str(log_dir), "--solutions", "--gamma", "0.5"]) == 2
    assert "gamma was 0.99, is 0.5" in capsys.readouterr().err
    (log_dir / CHECKPOINT).unlink()
    assert run_ppo.main(["--resume", str(log_dir), "--solutions"]) == 2
    assert "no checkpoint" in capsys.readouterr().err
    with pytest.raises(CheckpointError, match="no checkpoint"):
        run_ppo.load_agent(log_dir)


def test_log_holds_stable_baselines3s_tags(tmp_path):
    log_dir = run_ppo.start([*COMMAND, "--log_root", str(tmp_path), "-nvid", "1"])
    rollout = {"rollout/ep_rew_mean", "rollout/ep_len_mean", "time/fps"}
    update = {
        "approx_kl_mean",
        "clip_fraction",
        "clip_range",
        "ent_coef",
        "entropy_loss",
        "explained_variance",
    }
    update |= {"learning_rate", "loss", "policy_gradient_loss", "value_loss"}
    evaluation = {"eval/mean_reward", "eval/mean_ep_length"}
    assert set(read_scalars(log_dir)) == rollout | {f"train/{name}" for name in update} | evaluation
    assert len(list(log_dir.glob("videos/*.mp4"))) == 1
    assert log_dir.name.startswith("hw1_ppo_cartpole_seed1_")


def test_schedules_follow_the_training_and_not_the_minibatches(solved, tmp_path):
    rates = {"learning_rate_final": 0.0, "clip_range_final": 0.1, "ent_coef": 0.02, "ent_coef_final": 0.0}
    logger = Logger(tmp_path)
    weights_after(config_of(**rates), logger=logger)
    logger.close()
    log = read_scalars(tmp_path)
    for tag, first, last in (("learning_rate", 3e-4, 0), ("clip_range", 0.2, 0.1), ("ent_coef", 0.02, 0)):
        expected = first + np.arange(4) / 4 * (last - first)
        np.testing.assert_allclose(log[f"train/{tag}"][1], expected, rtol=1e-5)


def test_curriculum_decides_before_every_rollout(solved):
    calls = []

    def curriculum(difficulty, progress, success_rate):
        calls.append((difficulty, progress, success_rate is not None))
        return (difficulty or 0.0) + 0.1

    made = []
    config = {
        **config_of(),
        "curriculum": curriculum,
        "make_envs": lambda num_envs: made.append(counting_envs(num_envs)) or made[-1],
    }
    weights_after(config)
    assert [round(d or 0.0, 1) for d, _, _ in calls] == [0.0, 0.1, 0.2, 0.3]
    assert [p for _, p, _ in calls] == [0.0, 0.25, 0.5, 0.75] and [s for _, _, s in calls][1:] == [True] * 3
    assert made[0].envs[0].unwrapped.difficulty == pytest.approx(0.4)


def test_linear_curriculum_reaches_the_whole_task(solved):
    curriculum = PPOConfig(difficulty_start=0.2, difficulty_fraction=0.5).build()["curriculum"]
    assert [curriculum(None, p, None) for p in (0.0, 0.25, 0.5, 0.9)] == pytest.approx([0.2, 0.6, 1.0, 1.0])


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, message",
    [
        (
            ["--batch_size", "60"],
            r"batch_size is 60: it must divide n_steps \* num_envs.* 64 \* 2 = 128.* 64",
        ),
        (["--batch_size", "1"], "batch_size is 1"),
        (["--total_steps", "100"], "total_steps is 100, less than one rollout.* = 128"),
        (["--n_step", "64"], "unknown flag '--n_step': did you mean '--n_steps'"),
        (["--gamma", "1.5"], "gamma is 1.5: expected a number from 0 to 1"),
        (["--learning_rate", "-1"], "learning_rate is -1.0: expected above 0"),
        (["--clip_range", "nan"], "clip_range is nan: expected a finite number"),
        (["--ent_coef", "-0.1"], "ent_coef is -0.1: expected at least 0"),
        (["--env_name", "CartPol-v1"], "unknown environment 'CartPol-v1': did you mean 'CartPole-v1'"),
        (["--env_name", "FrozenLake-v1"], "unsupported observation space"),
        (["--wandb", "course"], "needs the package wandb: pip install wandb"),
    ],
)
def test_bad_requests_name_value_and_cure(tmp_path, capsys, monkeypatch, flags, message):
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)  # as where it is not installed
    assert run_ppo.main([*COMMAND, "--log_root", str(tmp_path), *flags]) == 2
    assert __import__("re").search(message, capsys.readouterr().err)
    assert not any(tmp_path.iterdir())


def test_each_script_refuses_the_others_configuration(tmp_path, capsys):
    assert run_hw3.main(["-cfg", "experiments/ppo/cartpole.yaml", "--log_root", str(tmp_path)]) == 2
    assert "base_config is 'ppo': expected one of dqn_basic, dqn_atari" in capsys.readouterr().err
    assert run_ppo.main(["-cfg", "experiments/dqn/cartpole.yaml", "--log_root", str(tmp_path)]) == 2
    assert "base_config is 'dqn_basic'" in capsys.readouterr().err


def test_unsolved_exercises_are_named(tmp_path, capsys):
    command = [word for word in COMMAND if word != "--solutions"]
    assert run_ppo.main([*command, "--log_root", str(tmp_path)]) == 2
    assert "exercise 'hw1." in capsys.readouterr().err
