"""The measurements of the chapter on vision-language-action policies: each defect broken and mended."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import nn

from book import figures
from gcb6206.env_configs.config import read_yaml
from gcb6206.errors import CheckpointError
from gcb6206.networks.value_network import GlobalState, LightweightCentralizedCritic
from gcb6206.networks.vla import VLAConfig
from gcb6206.networks.vla_checkpoint import LoadedVLA, load_vla, save_vla
from gcb6206.networks.vla_policy import MultiAgentVLAPolicy

INSTRUCTIONS = ["insert the peg into the hole", "hold the hole towards the peg"]
PROPRIO, ACTIONS = 46, 6


def small_policy(chunk: int = 2, **changes) -> MultiAgentVLAPolicy:
    """The small model with random weights, for both arms."""
    torch.manual_seed(0)
    unit = {"min": [-1.0] * ACTIONS, "max": [1.0] * ACTIONS, "mean": [0.0] * ACTIONS, "std": [1.0] * ACTIONS}
    data = {"action": unit, "proprio": {"mean": [0.0] * PROPRIO, "std": [1.0] * PROPRIO}}
    loaded = load_vla(VLAConfig(), data, INSTRUCTIONS, num_actions_chunk=chunk)
    return MultiAgentVLAPolicy(loaded, INSTRUCTIONS, -torch.ones(ACTIONS), torch.ones(ACTIONS), **changes)


def seen(batch: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Made-up pictures and proprioception of both arms."""
    rng = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (batch, 2, 4, 64, 64, 3), generator=rng, dtype=torch.uint8)
    return pictures, torch.randn(batch, 2, PROPRIO, generator=rng)


@torch.no_grad()
def clipped_parts(chunk: int, changes: list[float]) -> dict[str, list[float]]:
    """The part of the samples that is clipped after the weights changed, by what is counted.

    Args:
        chunk: actions predicted at once.
        changes: sizes of a random change of the head's weights, of their own size.
    """
    policy = small_policy(chunk)
    pictures, proprio = seen(16)
    features = policy.encode(pictures)
    before = policy.predict(features, proprio)
    drawn = before + policy.scale[0] * policy._noise(before, torch.Generator().manual_seed(1))
    found = {"the executed action": [], "the whole chunk": []}
    weight = policy.vlas[0].action_head.model.fc1.weight
    kept, way = weight.clone(), torch.randn(weight.shape, generator=torch.Generator().manual_seed(2))
    for change in changes:
        weight.copy_(kept + change * kept.std() * way)
        log_ratio = (
            (drawn - before).abs() - (drawn - policy.predict(features, proprio)).abs()
        ) / policy.scale[0]
        for name, part in (
            ("the executed action", log_ratio[:, :, 0]),
            ("the whole chunk", log_ratio.flatten(2)),
        ):
            ratio = part.sum(dim=-1).exp()
            found[name].append(((ratio - 1.0).abs() > 0.2).float().mean().item())
    weight.copy_(kept)
    return found


@torch.no_grad()
def ratio_errors(means: list[float]) -> dict[str, list[float]]:
    """Mean distance of the ratio from 1 before any update, against the mean action, for what is judged and stored."""
    policy = small_policy()
    found = {"judged unclamped, stored clamped": [], "what was executed": []}
    for mean in means:
        middle = torch.full((4096, 1, ACTIONS), mean)
        policy._mean = lambda inputs, proprios, middle=middle: middle  # a policy with this mean everywhere
        drawn = middle + policy.scale * policy._noise(middle, torch.Generator().manual_seed(0))
        actions, log_prob = policy.get_actions(None, None, generator=torch.Generator().manual_seed(0))
        again, _ = policy.evaluate_actions(None, actions, None)
        broken = (((drawn - middle).abs() - (actions - middle).abs()) / policy.scale).sum(dim=-1)
        for name, log_ratio in zip(found, (broken, again - log_prob)):
            found[name].append(log_ratio.expm1().abs().clamp(max=100).mean().item())
    return found


def two_hands(number: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Where two hands are, ``(number, 2, 3)`` from -1 to 1, and a value: how far they are apart along the first axis."""
    hands = 2.0 * torch.rand(number, 2, 3, generator=torch.Generator().manual_seed(seed)) - 1.0
    return hands, hands[:, 0, :1] - hands[:, 1, :1]


def fitted(agents: int, lr: float, steps: int = 200, scale: torch.Tensor | None = None) -> np.ndarray:
    """How much of the value a critic explains while it learns, every tenth step.

    Args:
        agents: whose hands it sees, from the first.
        lr: step size of Adam.
        steps: of 64 samples each.
        scale: what each of the three coordinates is multiplied by first.
    """
    torch.manual_seed(0)
    critic = LightweightCentralizedCritic(agents, 3, [32, 32])
    optimizer = torch.optim.Adam(critic.parameters(), lr=lr)
    held, value = two_hands(1000, seed=10**6)
    factor = torch.ones(3) if scale is None else scale
    explained = []
    for step in range(steps):
        hands, target = two_hands(64, seed=step)
        loss = 0.5 * (critic(GlobalState(factor * hands[:, :agents])) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            with torch.no_grad():
                error = value - critic(GlobalState(factor * held[:, :agents]))
            explained.append(1.0 - (error.var() / value.var()).item())
    return np.array(explained)


def refused_without(name: str) -> str:
    """What the loader says where a checkpoint's file is missing."""
    policy = small_policy()
    with tempfile.TemporaryDirectory() as folder:
        directory = save_vla(Path(folder) / "checkpoint", policy.loaded, 150000)
        next(directory.glob(name)).unlink()
        try:
            load_vla(directory)
        except CheckpointError as error:
            return str(error).replace(str(directory), "checkpoint")
    return "not refused"


@torch.no_grad()
def reinitialised(pictures: torch.Tensor, proprio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Predicted actions of a model whose head was loaded, and of one whose head begins again at random."""
    policy = small_policy()
    kept = policy.predict(pictures, proprio)
    other = copy.deepcopy(policy.loaded.model)
    for layer in other.action_head.modules():
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    policy.vlas[0] = LoadedVLA(other, None, {}, "two_arm").model
    return kept, policy.predict(pictures, proprio)


def draw(ax: Axes, x, lines: dict, xlabel: str, ylabel: str) -> None:
    """Lines over a common axis, the broken one dashed."""
    for (name, values), style in zip(lines.items(), ("-", "--", ":", "-.")):
        ax.plot(x, values, style, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize=8)


def ends(name: str) -> dict[str, list[float]]:
    """Each seed's last evaluation of a recorded run: ``success_at_end, success_ever`` in percent, ``return``."""
    logged = figures.curves(name).values()
    last = {
        tag: [curves[f"eval/{tag}"][1][-1] for curves in logged]
        for tag in ("success_at_end", "success_ever", "return")
    }
    return {tag: [v if tag == "return" else 100 * v for v in values] for tag, values in last.items()}


def played(runs: dict[str, str]) -> figures.Markdown:
    """A table of recorded runs: success at the end, at any time, and return, each seed's last evaluation."""
    lines = [
        "| | steps of MAPPO | in the hole at the end, % | at any time, % | return |",
        "|---|---|---|---|---|",
    ]
    for label, name in runs.items():
        logged = figures.curves(name)
        if not logged:
            lines.append(f"| {label} | | not recorded yet: `make results NAME={name}` | | |")
            continue
        at_end, ever, returns = ends(name).values()
        cells = [", ".join(f"{value:.0f}" for value in values) for values in (at_end, ever)]
        cells.append(", ".join(f"{value:.1f}" for value in returns))
        steps = next(iter(logged.values()))["eval/return"][0][-1] if "mappo" in name else 0
        lines.append(f"| {label} | {steps:,.0f} | {' | '.join(cells)} |")
    return figures.Markdown("\n".join(lines))


def divergence(ax: Axes, name: str) -> None:
    """``approx_kl`` of each seed of a recorded run, and the target."""
    for seed, curves in figures.curves(name).items():
        steps, values = curves["train/approx_kl"]
        ax.plot(steps, values, label=f"seed {seed}")
    settings = read_yaml(figures.ROOT / "experiments" / "two_arm" / "vla_mappo.yaml")
    ax.axhline(settings["target_kl"], color="0.4", ls="--", label="target")
    ax.set(xlabel="environment steps", ylabel="approx_kl")
    ax.legend()


def speed() -> figures.Markdown:
    """The recorded benchmark as a table."""
    file = figures.RESULTS / "vla_speed" / "speed.json"
    if not file.is_file():
        command = f"python benchmarks/vla.py --output {file.relative_to(figures.ROOT)}"
        return figures.Markdown(f"Not recorded yet: `{command}`")
    found = json.loads(file.read_text(encoding="utf-8"))
    lines = ["| | samples per second | per second of processor time |", "|---|---|---|"]
    for name, rate in found["samples_per_second"].items():
        lines.append(f"| {name} | {rate:.0f} | {found['samples_per_processor_second'][name]:.0f} |")
    lines.append(f"| ratio | {found['ratio']:.1f} | {found['ratio_of_processor_time']:.1f} |")
    return figures.Markdown("\n".join(lines))
