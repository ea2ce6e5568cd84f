"""The vision-language-action policy: who sees what, what is executed, and what its log-probability is of."""

import math

import pytest
import torch
from vla_toys import SIZE, SMALL

from gcb6206.networks.value_network import (
    CentralizedValueNetwork,
    GlobalState,
    LightweightCentralizedCritic,
    TeamCritic,
)
from gcb6206.networks.vla import VLAConfig
from gcb6206.networks.vla_checkpoint import load_vla
from gcb6206.networks.vla_policy import MultiAgentVLAPolicy

INSTRUCTIONS = ["insert the peg", "hold the hole"]
STATISTICS = {
    "action": {"min": [-1.0, -1.0], "max": [1.0, 1.0], "mean": [0.0, 0.0], "std": [1.0, 1.0]},
    "proprio": {"mean": [0.0] * 3, "std": [1.0] * 3},
}


def make_policy(chunk: int = 2, instructions=INSTRUCTIONS, **kwargs) -> MultiAgentVLAPolicy:
    torch.manual_seed(0)
    sizes = VLAConfig(**SMALL, image_size=SIZE, action_dim=2, proprio_dim=3)
    loaded = load_vla(sizes, STATISTICS, instructions, num_actions_chunk=chunk)
    return MultiAgentVLAPolicy(loaded, instructions, -torch.ones(2), torch.ones(2), **kwargs)


def seen(batch: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    pictures = torch.randint(0, 256, (batch, 2, 4, SIZE, SIZE, 3), generator=generator, dtype=torch.uint8)
    return pictures, torch.randn(batch, 2, 3, generator=generator)


@pytest.mark.parametrize("share", [True, False])
def test_what_agent_1_sees_never_changes_what_agent_0_does(share):
    policy = make_policy(share_policy=share)
    pictures, proprio = seen()
    before, _ = policy.get_actions(pictures, proprio, deterministic=True)
    other = pictures.clone(), proprio.clone()
    other[0][:, 1], other[1][:, 1] = 255 - pictures[:, 1], proprio[:, 1] + 1.0
    after, _ = policy.get_actions(*other, deterministic=True)
    assert torch.equal(before[:, 0], after[:, 0]) and not torch.equal(before[:, 1], after[:, 1])


@pytest.mark.parametrize("pictures_too", [False, True])
def test_what_agent_1_sees_changes_agent_0s_value_in_mappo_and_not_in_ippo(pictures_too):
    def critic(agents):
        if pictures_too:
            return CentralizedValueNetwork(agents, 6, [8], pictures=4, patches=4, vision_dim=16)
        return LightweightCentralizedCritic(agents, 6, [8])

    torch.manual_seed(0)
    state = GlobalState(torch.randn(5, 2, 6), torch.randn(5, 2, 4, 4, 16))
    changed = [GlobalState(state.proprio.clone(), state.features.clone()) for _ in range(2)]
    changed[0].proprio[:, 1] += 1.0
    changed[1].features[:, 1] += torch.randn(16)
    central, own = TeamCritic([critic(2)], 2, True), TeamCritic([critic(1)], 2, False)
    for what, other in enumerate(changed):
        matters = what == 0 or pictures_too
        assert (central(state)[:, 0] != central(other)[:, 0]).all() == matters
        assert torch.equal(own(state)[:, 0], own(other)[:, 0])
        assert (own(state)[:, 1] != own(other)[:, 1]).all() == matters
    assert central(state).shape == own(state).shape == (5, 2, 1)


def test_each_picture_the_arm_and_the_instruction_matter():
    policy = make_policy()
    pictures, proprio = seen()
    before = policy.predict(pictures, proprio)
    for picture in range(4):
        other = pictures.clone()
        other[:, :, picture] = 255 - other[:, :, picture]
        assert (policy.predict(other, proprio) - before).abs().amax(dim=(2, 3)).min() > 1e-6
    assert (policy.predict(pictures, proprio + 1.0) - before).abs().amax(dim=(2, 3)).min() > 1e-6
    swapped = make_policy(instructions=INSTRUCTIONS)
    swapped.tokens_0, swapped.tokens_1 = swapped.tokens_1, swapped.tokens_0
    assert (swapped.predict(pictures, proprio) - before).abs().amax(dim=(2, 3)).min() > 1e-6


def test_a_placeholder_sees_those_behind_it():
    model = make_policy(chunk=3).vlas[0]
    first_with = {}
    for chunk in (1, 3):
        model.config = type(model.config)(**{**vars(model.config), "num_actions_chunk": chunk})
        features, proprio = torch.ones(1, 4, 4, 16), torch.ones(1, 3)
        first_with[chunk] = model(features, torch.tensor([[1, 3, 4]]), proprio)[0, 0]
    assert (first_with[1] - first_with[3]).abs().max() > 1e-7  # a causal model would give the same


@pytest.mark.parametrize("chunk", [1, 2, 4])
@pytest.mark.parametrize("distribution", ["laplace", "gaussian"])
def test_the_ratio_is_exactly_1_before_any_update(chunk, distribution):
    policy = make_policy(chunk, distribution=distribution, initial_scale=0.8)
    pictures, proprio = seen(64)
    actions, old = policy.get_actions(pictures, proprio)
    assert (actions.abs() == 1).any() and actions.abs().max() == 1  # some were cut
    new, _ = policy.evaluate_actions(policy.encode(pictures), actions, proprio)
    assert torch.equal((new - old).exp(), torch.ones(64, 2))


def test_actions_of_a_chunk_that_are_not_executed_do_not_count():
    policy = make_policy(chunk=4)
    pictures, proprio = seen()
    actions, old = policy.get_actions(pictures, proprio)
    predict = policy.predict

    def other_tail(*args):
        chunks = predict(*args).clone()
        chunks[:, :, 1:] += 3.0
        return chunks

    policy.predict = other_tail
    assert torch.equal(policy.evaluate_actions(pictures, actions, proprio)[0], old)
    assert actions.shape == (5, 2, 2) and old.shape == (5, 2)


@pytest.mark.parametrize("distribution", ["laplace", "gaussian"])
@pytest.mark.parametrize("mean", [-3.0, -0.9, 0.2, 1.0])
def test_density_and_the_two_limits_hold_all_probability(distribution, mean):
    policy = make_policy(distribution=distribution, initial_scale=0.3)
    inside = torch.linspace(-1 + 1e-5, 1 - 1e-5, 200_001)
    actions = torch.zeros(len(inside) + 2, 1, 2)
    actions[:, 0, 0] = torch.cat([torch.tensor([-1.0, 1.0]), inside])
    middle = torch.full((len(actions), 1, 2), 0.0)
    middle[..., 0] = mean
    log_prob = policy._log_prob(middle, actions)[:, 0]
    other = policy._log_prob(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2))[0, 0] / 2  # the second component's
    p = (log_prob - other).exp()
    total = p[0] + p[1] + torch.trapezoid(p[2:], inside)
    assert total.item() == pytest.approx(1.0, abs=1e-3)


def test_a_limit_is_as_likely_as_it_is_often():
    policy = make_policy(initial_scale=0.5)
    mean = torch.full((200_000, 1, 2), 0.7)
    drawn = (mean + policy.scale[0] * policy._noise(mean, torch.Generator().manual_seed(0))).clamp(-1, 1)
    often = (drawn[:, 0, 0] == 1.0).float().mean().item()
    at_limit = policy._log_prob(mean[:1], torch.ones(1, 1, 2))[0, 0].item()
    assert math.exp(at_limit / 2) == pytest.approx(often, abs=0.005) and often > 0.2


def test_gradients_stay_finite_where_the_mean_is_far_beyond_a_limit():
    for distribution in ("laplace", "gaussian"):
        policy = make_policy(distribution=distribution)
        mean = torch.tensor([[[30.0, -30.0]], [[0.0, 30.0]]], requires_grad=True)
        actions = torch.tensor([[[1.0, -1.0]], [[0.5, -1.0]]])
        policy._log_prob(mean, actions).sum().backward()
        assert mean.grad.isfinite().all() and policy.log_scale.grad.isfinite().all()


@pytest.mark.parametrize("trainable", ["head", "language", "all"])
def test_only_what_is_to_learn_gets_a_gradient(trainable):
    policy = make_policy(trainable=trainable, share_policy=False)
    pictures, proprio = seen()
    actions, _ = policy.get_actions(pictures, proprio)
    policy.evaluate_actions(pictures, actions, proprio)[0].sum().backward()
    learning = {
        name.split(".")[2] for name, p in policy.named_parameters() if p.grad is not None and "vlas" in name
    }
    heads, language = {"action_head"}, {"projector", "language_model", "proprio_projector"}
    wanted = heads | (language if trainable != "head" else set())
    assert learning == wanted | ({"vision_backbone"} if trainable == "all" else set())
    shared = policy.vlas[0].vision_backbone is policy.vlas[1].vision_backbone
    assert shared == (trainable != "all")
