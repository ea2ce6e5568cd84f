"""Networks and the optimiser against PyTorch's own."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd.gradcheck import GradcheckError

from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.networks.critics import AtariCritic, mlp_critic
from gcb6206.networks.optimizers import LeanAdam
from gcb6206.networks.small_mlp import SmallMLP


def as_sequential(network):
    """The same network out of PyTorch's layers."""
    layers = []
    for matrix, bias in network.layers():
        linear = nn.Linear(*matrix.shape)
        linear.weight.data, linear.bias.data = matrix.detach().T.clone(), bias.detach().clone()
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("sizes", [[3, 2], [4, 8, 2], [4, 64, 64, 2]])
def test_small_mlp_gives_pytorchs_output_and_gradient(sizes):
    torch.manual_seed(0)
    network, x = SmallMLP(sizes), torch.randn(9, sizes[0])
    peer = as_sequential(network)
    (network(x) ** 2).sum().backward()
    (peer(x) ** 2).sum().backward()
    peers = torch.cat(
        [
            p
            for layer in peer
            if isinstance(layer, nn.Linear)
            for p in (layer.weight.grad.T.reshape(-1), layer.bias.grad)
        ]
    )
    torch.testing.assert_close(network.weights.grad, peers, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(network(x), peer(x), rtol=1e-4, atol=1e-5)


def test_small_mlp_passes_gradcheck_and_a_wrong_backward_does_not(monkeypatch):
    torch.manual_seed(0)
    network, x = SmallMLP([3, 5, 4, 2]).double(), torch.randn(6, 3, dtype=torch.double)
    weights = network.weights.detach().clone().requires_grad_()

    def output(vector):
        return torch.func.functional_call(network, {"weights": vector}, (x,))

    assert torch.autograd.gradcheck(output, (weights,))
    monkeypatch.setattr(
        "gcb6206.networks.small_mlp.np.matmul", lambda a, b, out: np.multiply(a @ b, 0.5, out=out)
    )
    with pytest.raises(GradcheckError):
        torch.autograd.gradcheck(output, (weights,))


def test_small_mlp_copies_and_loads_like_any_module():
    network, other = SmallMLP([4, 8, 2]), SmallMLP([4, 8, 2])
    x = torch.randn(5, 4)
    before = network(x).detach()
    other.load_state_dict(network.state_dict())
    copied = copy.deepcopy(network)
    with torch.no_grad():
        network.weights.add_(1.0)
    torch.testing.assert_close(other(x).detach(), before)
    torch.testing.assert_close(copied(x).detach(), before)
    assert not torch.allclose(network(x), before)


def test_small_mlp_on_another_device_computes_with_pytorch():
    network = SmallMLP([4, 8, 2]).to("meta")
    assert network(torch.zeros(5, 4, device="meta")).shape == (5, 2)


def test_small_mlp_refuses_a_backward_pass_after_its_weights_changed():
    network = SmallMLP([4, 8, 2])
    loss = network(torch.randn(5, 4)).sum()
    with torch.no_grad():
        network.weights.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_clip_grad_norm_without_gradients_says_what_to_do():
    with pytest.raises(ValueError, match="call loss.backward"):
        ptu.clip_grad_norm(nn.Linear(2, 2).parameters(), 1.0)


def test_lean_adam_is_adam():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    optimizers = [
        LeanAdam(ours.parameters(), lr=1e-2, eps=1e-4),
        torch.optim.Adam(theirs.parameters(), lr=1e-2, eps=1e-4),
    ]
    schedules = [torch.optim.lr_scheduler.ExponentialLR(o, 0.9) for o in optimizers]
    for step in range(30):
        x = torch.randn(7, 5)
        for network, optimizer, schedule in zip((ours, theirs), optimizers, schedules):
            optimizer.zero_grad()
            (network(x) ** 2).mean().backward()
            optimizer.step()
            schedule.step()
        if step == 15:  # and its state can be stored and taken up
            optimizers[0].load_state_dict(copy.deepcopy(optimizers[0].state_dict()))
    torch.testing.assert_close(ours.weight, theirs.weight)


@pytest.mark.parametrize("limit", [None, 0.1, 1e6])
def test_clip_grad_norm_is_pytorchs(limit):
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    for network in (ours, theirs):
        for parameter in network.parameters():
            parameter.grad = torch.linspace(-1, 1, parameter.numel()).reshape(parameter.shape)
    norm = nn.utils.clip_grad_norm_(theirs.parameters(), float("inf") if limit is None else limit)
    torch.testing.assert_close(ptu.clip_grad_norm(ours.parameters(), limit), norm)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)


def test_critics_shapes_and_refusals():
    assert mlp_critic((4,), 3, n_layers=2, size=8)(torch.zeros(5, 4)).shape == (5, 3)
    assert AtariCritic((4, 84, 84), 18)(torch.zeros(2, 4, 84, 84, dtype=torch.uint8)).shape == (2, 18)
    with pytest.raises(ValueError, match=r"\(4, 64, 64\) does not fit"):
        AtariCritic((4, 64, 64), 18)
    with pytest.raises(ValueError, match="unknown activation 'tan'"):
        ptu.build_mlp(1, 1, 1, 1, activation="tan")


def test_from_numpy_keeps_whole_numbers_and_halves_doubles():
    batch = {"a": np.zeros(3), "b": np.zeros(3, np.uint8), "c": np.zeros(3, bool)}
    assert {k: v.dtype for k, v in ptu.from_numpy(batch).items()} == {
        "a": torch.float32,
        "b": torch.uint8,
        "c": torch.bool,
    }
    np.testing.assert_array_equal(ptu.to_numpy(ptu.from_numpy(batch))["b"], batch["b"])
