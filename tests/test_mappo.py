"""Multi-agent PPO: the exercises' references, the team's networks, the agent, the sentinel."""

import copy
import math

import pytest
import torch
from torch import nn

from gcb6206.agents.mappo_agent import MAPPOAgent, mappo_loss, multi_agent_gae
from gcb6206.envs.vmas import episode_reward_sum, expand_done, num_envs
from gcb6206.infrastructure.sentinel import NonFiniteError, check_finite, first_nonfinite
from gcb6206.networks.policies import log_tanh_slope
from gcb6206.networks.team import (
    LOWEST_STD,
    MLP,
    CentralCritic,
    PerAgent,
    TeamActor,
    centralized_value,
    global_state,
    observation_history,
    policy_parameters,
    tanh_normal_log_prob,
)

pytestmark = pytest.mark.usefixtures("solved")

B, T, A, F = 4, 7, 3, 5
ONE = torch.ones(2)


def random_ends(seed=0):
    """``terminated`` and ``truncated``, ``(B, T, 1)``, never both."""
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand(B, T, 1, generator=generator)
    return draw < 0.2, (draw > 0.8)


# --- homework 2 -----------------------------------------------------------------------------------


def test_environments_are_batch_over_horizon():
    assert [num_envs(6000, 100), num_envs(100, 100), num_envs(60000, 100)] == [60, 1, 600]


@pytest.mark.parametrize(
    "frames, steps, nearest", [(6001, 100, 6000), (32768, 500, 33000), (4096, 150, 4050), (50, 100, 100)]
)
def test_a_batch_of_broken_episodes_is_refused_with_the_nearest_whole_one(frames, steps, nearest):
    with pytest.raises(ValueError, match=rf"{frames}\b.*{steps}\b.*{nearest}\b"):
        num_envs(frames, steps)


def test_done_reaches_every_agent_of_its_own_environment():
    done = random_ends()[0]
    expanded = expand_done(done, A)
    assert expanded.shape == (B, T, A, 1) and expanded.dtype == torch.bool
    for b in range(B):
        for t in range(T):
            assert expanded[b, t].flatten().tolist() == [done[b, t].item()] * A


def test_episode_reward_sum_is_the_mean_of_whole_episodes():
    torch.manual_seed(0)
    reward, done = torch.randn(B, T, A, 1), expand_done(random_ends()[0] | random_ends()[1], A)
    returns = []
    for b in range(B):
        for a in range(A):
            running = 0.0
            for t in range(T):
                running += reward[b, t, a].item()
                if done[b, t, a]:
                    returns.append(running)
                    running = 0.0
    assert episode_reward_sum(reward, done) == pytest.approx(sum(returns) / len(returns), rel=1e-5)
    halves = reward.cumsum(1).mean().item()  # the running sum, never reset, over all steps is another number
    assert abs(episode_reward_sum(reward, done) - halves) > 0.01


def test_no_ended_episode_is_no_sum():
    assert math.isnan(episode_reward_sum(torch.ones(B, T, A, 1), torch.zeros(B, T, A, 1, dtype=torch.bool)))


def test_first_nonfinite_is_the_earliest_step_then_the_first_computed():
    shapes = {"observation": (B, T, A, F), "action": (B, T, A, 2), "reward": (B, T)}
    tensors = {name: torch.zeros(shape) for name, shape in shapes.items()}
    assert first_nonfinite(tensors) is None
    tensors["observation"][3, 5, 0, 0] = float("inf")
    assert first_nonfinite(tensors) == ("observation", 5)
    tensors["reward"][1, 2] = -float("inf")
    tensors["action"][0, 2, 1, 1] = float("nan")
    assert first_nonfinite(tensors) == ("action", 2)
    message = r"action is not finite at step 2: 1 NaN and 0 infinite of 24 .*\[0, 1, 1\]"
    with pytest.raises(NonFiniteError, match=message):
        check_finite(tensors)


def test_log_prob_is_that_of_the_change_of_variables():
    torch.manual_seed(0)
    mean, std, u = torch.randn(6, A, 2), torch.rand(6, A, 2) + 0.2, torch.randn(6, A, 2)
    low, high = torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 5.0])
    squashed = torch.distributions.TransformedDistribution(
        torch.distributions.Normal(mean, std),
        [
            torch.distributions.TanhTransform(),
            torch.distributions.AffineTransform((low + high) / 2, (high - low) / 2),
        ],
    )
    action = low + (high - low) * (torch.tanh(u) + 1) / 2
    got = tanh_normal_log_prob(mean, std, action, low, high)
    assert got.shape == (6, A)
    torch.testing.assert_close(got, squashed.log_prob(action).sum(-1), rtol=1e-3, atol=1e-3)


def test_density_integrates_to_one():
    action = torch.linspace(-2, 3, 100_001)[:, None]
    args = (torch.tensor([0.4]), torch.tensor([0.7]), action, torch.tensor([-2.0]), torch.tensor([3.0]))
    density = tanh_normal_log_prob(*args).exp()
    assert torch.trapezoid(density, action[:, 0]).item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("bound", [-1.0, 1.0])
def test_actions_on_the_bounds_have_finite_log_probs_and_gradients(bound):
    mean, std = torch.zeros(1, 2, requires_grad=True), torch.full((1, 2), LOWEST_STD, requires_grad=True)
    log_prob = tanh_normal_log_prob(mean, std, torch.full((1, 2), bound), -ONE, ONE)
    log_prob.sum().backward()
    assert log_prob.isfinite().all() and mean.grad.isfinite().all() and std.grad.isfinite().all()
    assert mean.grad.sign().eq(bound).all()  # the mean is drawn towards the action


# --- homework 4 -----------------------------------------------------------------------------------


def test_history_is_newest_first_and_stops_where_the_episode_begins():
    observation = torch.arange(B * T * A * F, dtype=torch.float).reshape(B, T, A, F)
    begins = random_ends()[0]
    got = observation_history(observation, begins, 3)
    assert got.shape == (B, T, A, 3 * F)
    for b in range(B):
        first = 0
        for t in range(T):
            first = t if begins[b, t] else first
            expected = torch.cat([observation[b, max(t - age, first)] for age in range(3)], dim=-1)
            assert torch.equal(got[b, t], expected)
    assert torch.equal(observation_history(observation, begins, 1), observation)


def test_global_state_holds_the_agents_in_order():
    observation = torch.arange(B * A * F).reshape(B, A, F)
    assert torch.equal(global_state(observation), torch.cat([observation[:, i] for i in range(A)], dim=-1))


def test_central_value_depends_on_every_agent_and_is_the_same_for_all():
    critic = nn.Linear(A * F, 1)
    observation = torch.randn(B, T, A, F, requires_grad=True)
    value = centralized_value(critic, observation)
    assert value.shape == (B, T, A, 1)
    torch.testing.assert_close(value, critic(observation.flatten(-2))[..., None, :].repeat(1, 1, A, 1))
    value[0, 0, 0, 0].backward()
    assert (observation.grad[0, 0].abs().sum(dim=-1) > 0).all()
    assert observation.grad[1:].abs().sum() == observation.grad[0, 1:].abs().sum() == 0


def test_shared_policies_are_one_and_separate_ones_begin_apart():
    size = sum(p.numel() for p in MLP(F, 4, [8], 1.0).parameters())
    shared = policy_parameters(lambda: MLP(F, 4, [8], 1.0), A, share=True)
    apart = policy_parameters(lambda: MLP(F, 4, [8], 1.0), A, share=False)
    assert len(shared) == len(apart) == A
    assert sum(p.numel() for p in shared.parameters()) == size
    assert sum(p.numel() for p in apart.parameters()) == A * size
    assert not torch.equal(apart[0].head.weight, apart[1].head.weight)


def test_gae_is_the_discounted_sum_of_errors_within_the_episode():
    torch.manual_seed(0)
    reward, value, next_value = torch.randn(3, B, T, A, 1, dtype=torch.double)
    terminated, truncated = (expand_done(flag, A) for flag in random_ends())
    gamma, lmbda = 0.9, 0.8
    delta = reward + gamma * torch.where(terminated, 0.0, next_value) - value
    expected = torch.zeros_like(delta)
    for b in range(B):
        for t in range(T):
            for k in range(t, T):
                expected[b, t] += (gamma * lmbda) ** (k - t) * delta[b, k]
                if terminated[b, k, 0] or truncated[b, k, 0]:
                    break
    advantage, target = multi_agent_gae(
        reward, value.requires_grad_(), next_value, terminated, terminated | truncated, gamma, lmbda
    )
    torch.testing.assert_close(advantage, expected.detach())
    torch.testing.assert_close(target, expected.detach() + value.detach())
    assert not advantage.requires_grad and not target.requires_grad


def test_gae_keeps_agents_apart():
    torch.manual_seed(0)
    reward, value, next_value = torch.randn(3, B, T, A, 1)
    never = torch.zeros(B, T, A, 1, dtype=torch.bool)
    order = torch.tensor([2, 0, 1])
    plain = multi_agent_gae(reward, value, next_value, never, never, 0.9, 0.8)[0]
    moved = [tensor[:, :, order] for tensor in (reward, value, next_value)]
    permuted = multi_agent_gae(*moved, never, never, 0.9, 0.8)
    torch.testing.assert_close(permuted[0], plain[:, :, order])
    other = reward.clone()
    other[:, :, 1] += 1.0
    changed = multi_agent_gae(other, value, next_value, never, never, 0.9, 0.8)[0] - plain
    assert changed[:, :, [0, 2]].abs().max() == 0 and changed[:, :, 1].min() > 0.9


def test_loss_is_the_clipped_objective_of_each_agent():
    ratio = torch.tensor([[0.5, 1.5], [1.1, 1.5]])
    advantage = torch.tensor([[[1.0], [2.0]], [[-1.0], [-2.0]]])
    expected = -(0.5 + 1.2 * 2 - 1.1 - 1.5 * 2) / 4  # min(r A, clip(r) A) by hand
    value, target = torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]]), torch.zeros(2, 2, 1)
    entropy = torch.tensor(0.7)
    losses = mappo_loss(ratio.log(), torch.zeros(2, 2), advantage, entropy, value, target, 0.2, 0.1, 0.5)
    assert losses["loss_objective"].item() == pytest.approx(expected)
    assert losses["loss_entropy"].item() == pytest.approx(-0.07)
    assert losses["loss_critic"].item() == pytest.approx(0.5 * 0.5 * (1 + 4 + 9 + 16) / 4)


# --- networks -------------------------------------------------------------------------------------


def test_an_actor_sees_its_own_observations_alone():
    for share in (True, False):
        actor = TeamActor(PerAgent(lambda: MLP(F, 4, [8], 1.0), A, share))
        observation = torch.randn(B, A, F, requires_grad=True)
        mean, std = actor(observation)
        assert mean.shape == std.shape == (B, A, 2) and (std >= LOWEST_STD).all()
        (mean[0, 1].sum() + std[0, 1].sum()).backward()
        seen = observation.grad.abs().sum(dim=-1) > 0
        assert seen.nonzero().tolist() == [[0, 1]]


@pytest.mark.parametrize("initial_std", [0.05, 0.3, 1.0, 2.0])
def test_the_first_actions_have_the_standard_deviation_that_was_asked_for(initial_std):
    agent = make_agent(initial_std=initial_std)
    _, std = agent.actor(torch.randn(200, A, F))
    assert std.mean().item() == pytest.approx(initial_std, rel=0.02)


def test_network_equals_pytorchs_own_in_both_precisions():
    torch.manual_seed(0)
    network = MLP(F, 4, [64, 64], 1.0)
    plain = nn.Sequential(
        *[module for layer in network.layers for module in (layer, nn.Tanh())], network.head
    )

    def outcome(run, rough):
        network.zero_grad()
        x = torch.linspace(-1, 1, 40 * 2 * F).reshape(40, 2, F).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=rough):
            out = run(x)
        out.square().mean().backward()
        return out.detach(), x.grad, *[p.grad for p in network.parameters()]

    expected = outcome(plain, rough=False)
    for got, wanted in zip(outcome(network, rough=False), expected):
        torch.testing.assert_close(got, wanted)
    for got, wanted in zip(outcome(network, rough=True), expected):
        assert got.dtype == torch.float32 and got.shape == wanted.shape
        assert 0 < (got - wanted).norm() < 0.02 * wanted.norm()


# --- the agent ------------------------------------------------------------------------------------


def make_agent(**changes):
    settings = {
        "algorithm": "mappo",
        "share_parameters": True,
        "hidden": [16],
        "history_length": 1,
        "lr": (1e-3, 1e-3),
        "critic_lr": (1e-3, 1e-3),
        "gamma": 0.9,
        "lmbda": 0.8,
        "num_epochs": 2,
        "minibatch_size": 7,
        "clip_epsilon": 0.2,
        "entropy_eps": (0.01, 0.01),
        "critic_coef": 1.0,
        "max_grad_norm": 1.0,
        "target_kl": None,
        "normalize_advantages": True,
        "reward_scale": 1.0,
        "initial_std": 1.0,
        "precision": "float32",
        "seed": 1,
    }
    bounds = torch.ones(A, 2)
    return MAPPOAgent(A, F, -bounds, bounds, **{**settings, **changes})


def make_batch(agent, seed=0):
    torch.manual_seed(seed)
    terminated, truncated = random_ends()
    observation = torch.randn(B, T, A, F)
    begins = torch.cat([torch.ones(B, 1, 1, dtype=torch.bool), (terminated | truncated)[:, :-1]], dim=1)
    seen = agent.with_history(observation, begins)
    return {
        "observation": observation,
        "next_observation": torch.randn(B, T, A, F),
        "action": agent.act(seen.flatten(0, 1), agent.noise(B * T)).unflatten(0, (B, T)),
        "reward": torch.randn(B, T, A, 1),
        "terminated": terminated,
        "truncated": truncated,
        "begins": begins,
    }


def test_samples_carry_the_advantages_of_the_batch():
    agent = make_agent(normalize_advantages=False, reward_scale=2.0)
    batch = make_batch(agent)
    samples = agent.prepare(batch)
    value = agent.critic(batch["observation"]).detach()
    next_value = agent.critic(batch["next_observation"]).detach()
    terminated, truncated = (expand_done(batch[name], A) for name in ("terminated", "truncated"))
    advantage, target = multi_agent_gae(
        2.0 * batch["reward"], value, next_value, terminated, terminated | truncated, 0.9, 0.8
    )
    torch.testing.assert_close(samples["advantage"], advantage.flatten(0, 1))
    torch.testing.assert_close(samples["value_target"], target.flatten(0, 1))
    mean, std = agent.actor(batch["observation"])
    log_prob = tanh_normal_log_prob(mean, std, batch["action"], agent.low, agent.high)
    torch.testing.assert_close(samples["log_prob"], log_prob.flatten(0, 1).detach())
    assert samples["log_prob"].shape == (B * T, A)
    normalized = make_agent().prepare(batch)["advantage"]
    assert abs(normalized.mean()) < 1e-6 and normalized.std().item() == pytest.approx(1.0, abs=1e-4)


def test_next_histories_hold_the_next_observation_and_the_newest_of_this_one():
    agent = make_agent(history_length=2)
    batch = make_batch(agent)
    looked_at = []
    agent.critic.register_forward_pre_hook(lambda module, inputs: looked_at.append(inputs[0]))
    agent.prepare(batch)
    now, after = torch.cat(looked_at).chunk(2)
    assert torch.equal(now, agent.with_history(batch["observation"], batch["begins"]))
    assert torch.equal(after[..., :F], batch["next_observation"])
    assert torch.equal(after[..., F:], batch["observation"])


@pytest.mark.parametrize("algorithm, reach", [("mappo", [0, 1, 2]), ("ippo", [1])])
def test_mappos_critic_sees_the_team_and_ippos_its_agent(algorithm, reach):
    agent = make_agent(algorithm=algorithm)
    observation = torch.randn(B, A, F, requires_grad=True)
    agent.critic(observation)[0, 1].sum().backward()
    assert (observation.grad[0].abs().sum(dim=-1) > 0).nonzero().flatten().tolist() == reach
    assert isinstance(agent.critic, CentralCritic) == (algorithm == "mappo")


def test_every_frame_is_learned_from_once_an_epoch():
    agent = make_agent()
    samples = {"action": torch.arange(28.0), "value": torch.arange(28.0) * 10}
    rows = list(agent._minibatches(samples))
    assert len(rows) == 8 and all(torch.equal(row["value"], row["action"] * 10) for row in rows)
    epochs = torch.cat([row["action"] for row in rows]).reshape(2, 28)
    assert torch.equal(epochs.sort().values, torch.arange(28.0).repeat(2, 1))
    assert not torch.equal(epochs[0], epochs[1])
    agent.minibatch_size = 8  # four frames of 28 sit out
    assert [len(row["value"]) for row in agent._minibatches(samples)] == [8] * 6


def test_update_reinforces_what_was_better_than_expected():
    agent = make_agent(num_epochs=20, entropy_eps=(0.0, 0.0), lr=(1e-2, 1e-2), critic_lr=(1e-2, 1e-2))
    samples = agent.prepare(make_batch(agent))
    figures = agent.update(samples, 0.0)
    mean, std = agent.actor(samples["observation"])
    after = tanh_normal_log_prob(mean, std, samples["action"], agent.low, agent.high)
    change = (after - samples["log_prob"]).detach().flatten()
    advantage = samples["advantage"].flatten()
    assert change[advantage > 0.5].mean() > 0.02 > -0.02 > change[advantage < -0.5].mean()
    error = (agent.critic(samples["observation"]) - samples["value_target"]).square().mean()
    assert error < 0.9 * (samples["value"] - samples["value_target"]).square().mean()
    assert figures["approx_kl"] > 0 and 0 < figures["clip_fraction"] < 1


def test_learning_rates_are_separate_and_fall():
    agent = make_agent(lr=(1e-3, 0.0), critic_lr=(4e-3, 2e-3))
    figures = agent.update(agent.prepare(make_batch(agent)), 0.5)
    assert [group["lr"] for group in agent.optimizer.param_groups] == [5e-4, 3e-3]
    assert (figures["lr"], figures["critic_lr"]) == (5e-4, 3e-3)
    actor = agent.optimizer.param_groups[0]["params"]
    assert {id(p) for p in actor} == {id(p) for p in agent.actor.parameters()}


def test_the_entropys_weight_falls_in_a_straight_line():
    losses = []
    for weights, progress in (((0.2, 0.0), 0.75), ((0.05, 0.05), 0.0), ((0.2, 0.0), 0.0)):
        agent = make_agent(entropy_eps=weights, lr=(0.0, 0.0), critic_lr=(0.0, 0.0))
        figures = agent.update(agent.prepare(make_batch(agent)), progress)
        losses.append(figures["loss_entropy"])
    assert losses[0] == pytest.approx(losses[1]) and losses[2] == pytest.approx(4 * losses[1])
    assert losses[1] == pytest.approx(-0.05 * figures["entropy"])


def test_target_kl_ends_an_update_early():
    def kl(target):
        agent = make_agent(lr=(0.1, 0.1), num_epochs=10, target_kl=target)
        return agent.update(agent.prepare(make_batch(agent)), 0.0)["approx_kl"]

    assert kl(0.01) < kl(None) / 2


def test_the_first_minibatch_is_learned_from_however_far_the_policy_has_gone():
    agent = make_agent(target_kl=0.01)
    samples = agent.prepare(make_batch(agent))
    samples["log_prob"] = samples["log_prob"] - 1.0
    assert agent.update(samples, 0.0)["actor_grad_norm"] > 0


def test_entropy_is_estimated_without_bias():
    agent = make_agent()
    mean, std = torch.zeros(200_000, 1, 2), torch.full((200_000, 1, 2), 0.8)
    agent.low, agent.high = torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 4.0])
    u = torch.randn(200_000, 1, 2) * 0.8
    normal = torch.distributions.Normal(0.0, 0.8)
    widths = math.log(1.0) + math.log(2.0)
    truth = (-normal.log_prob(u) + log_tanh_slope(u)).sum(-1).mean().item() + widths
    assert agent._entropy(mean, std).item() == pytest.approx(truth, abs=0.02)


@pytest.mark.parametrize("mean_bias, std_bias", [(1e4, 0.0), (1e4, -50.0), (0.0, -50.0)])
def test_forced_actions_on_the_bounds_leave_the_training_finite(mean_bias, std_bias):
    agent = make_agent(num_epochs=10, lr=(0.1, 0.1))
    with torch.no_grad():  # means as far out as they go, scales also at their floor
        agent.actor.networks.networks[0].head.bias.copy_(
            torch.tensor([mean_bias, -mean_bias, std_bias, std_bias])
        )
    batch = make_batch(agent)
    batch["action"] = torch.randn_like(batch["action"]).sign()  # every action is +1 or -1 exactly
    figures = agent.update(agent.prepare(batch), 0.0)
    assert all(math.isfinite(value) for value in figures.values())
    assert all(p.isfinite().all() for p in agent.parameters())


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda batch: batch["reward"][1, 3].fill_(float("nan")), "reward is not finite at step 3"),
        (lambda batch: batch["observation"][1, 3].fill_(float("inf")), "observation is not finite at step 3"),
    ],
)
def test_spoilt_batches_stop_before_learning(spoil, message):
    agent = make_agent()
    batch = make_batch(agent)
    batch["terminated"][:] = batch["truncated"][:] = False
    spoil(batch)
    with pytest.raises(NonFiniteError, match=message):
        agent.prepare(batch)


def test_a_breakdown_during_the_update_names_the_minibatch():
    agent = make_agent()
    samples = agent.prepare(make_batch(agent))
    calls, loss = [], agent.optimizer.step

    def breaking_step():
        loss()
        calls.append(0)
        if len(calls) == 3:
            agent.critic.network.head.bias.data.fill_(float("nan"))

    agent.optimizer.step = breaking_step
    with pytest.raises(NonFiniteError, match="loss_critic is not finite at step 3"):
        agent.update(samples, 0.0)


def test_training_state_brings_back_everything():
    agent = make_agent()
    samples = agent.prepare(make_batch(agent))
    agent.update(samples, 0.0)
    other = make_agent(seed=2)
    other.load_training_state(copy.deepcopy(agent.training_state()))
    figures = [both.update(samples, 0.3) for both in (agent, other)]
    assert figures[0] == figures[1]
    assert all(torch.equal(p, q) for p, q in zip(agent.parameters(), other.parameters()))
