"""What a step of each benchmark needs at least, and the limit that follows on a machine.

A limit is a rate that no program reaches which computes the same with the same libraries:

    seconds = max(products, memory) + calls + world

``products``: the matrix products and convolutions, each in the time that this machine took for that very shape.
``memory``: the bytes that have to be moved, at the speed of a copy of about the same size, since a layer's
numbers may stay in a cache. A processor moves them while it multiplies, so only the larger of the two counts. ``calls``: the other passes over the numbers, each at least one call
into a library, at the cost of the cheapest call. ``world``: what physics or games cost alone (``worlds.py``).

What a limit leaves out, such as a buffer's samples or random numbers, makes it too high, never too low.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch.utils.flop_counter import FlopCounterMode

import solutions
from benchmarks import realm as realm_program
from benchmarks import realm_roles, vla
from benchmarks.speed.machine import Convolution, Product
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.env_configs.mappo_config import MAPPOConfig, resolve_precision
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.envs.realm.observation import LAYERS, NUMBERS, VIEW
from gcb6206.infrastructure.distributed.throughput import predicted
from gcb6206.networks.realm import PACKED

FLOAT = 4  # bytes
VLA_TOKENS = 97  # that the language model sees for each arm: pictures, joints, words, actions
CACHE, SHARED = (
    2**20,
    2**24,
)  # bytes that surely stay in a core's second cache, and in the one that cores share
CORES = os.cpu_count() or 1


@dataclass
class Need:
    """What something needs at least; ``+`` adds two, ``*`` repeats one.

    Attributes:
        products: how many of each.
        bytes: moved, from and to the ``cache`` of a core, the ``shared cache`` or the ``memory``.
        calls: into a library, besides the products.
        worlds: how many of each of ``worlds.WORLDS``.
    """

    products: Counter = field(default_factory=Counter)
    bytes: Counter = field(default_factory=Counter)
    calls: float = 0.0
    worlds: Counter = field(default_factory=Counter)

    @property
    def flops(self) -> float:
        """Of all products."""
        return sum(product.flops * count for product, count in self.products.items())

    def __add__(self, other: Need) -> Need:
        total = Need(self.products.copy(), self.bytes.copy(), self.calls + other.calls, self.worlds.copy())
        for name in ("products", "bytes", "worlds"):
            getattr(total, name).update(getattr(other, name))
        return total

    def __mul__(self, times: float) -> Need:
        products, moved, worlds = (
            Counter({key: count * times for key, count in counter.items()})
            for counter in (self.products, self.bytes, self.worlds)
        )
        return Need(products, moved, self.calls * times, worlds)


def mlp(sizes: list[int], rows: int, learn: bool = False, rough: str = "float32", stack: int = 1) -> Need:
    """One pass of a network of full layers over ``rows`` observations; with ``learn`` its gradients too.

    A layer's gradients are two more products: of its weights and, but for the first layer, of its input. Bytes:
    weights are read once a pass and their gradients written, each layer's numbers written and read again.

    Args:
        sizes: of the input, the hidden layers and the output.
        rows: observations.
        learn: whether gradients are wanted.
        rough: the type of the hidden layers' products; the last layer's is float32.
        stack: networks of this shape that are computed at once.
    """
    need = Need()
    for depth, (i, o) in enumerate(itertools.pairwise(sizes)):
        last = depth == len(sizes) - 2
        dtype = "float32" if last else rough
        need.products[Product(rows, i, o, dtype, stack)] += 1
        need.calls += not last
        if learn:
            need.products[Product(i, rows, o, dtype, stack)] += 1
            if depth:
                need.products[Product(rows, o, i, dtype, stack)] += 1
                need.calls += 1
        held = (
            stack * FLOAT * (i * o + o),
            stack * FLOAT * rows * (i + o),
        )  # weights, and numbers of this layer
        need.bytes[where(sum(held))] += held[0] * (1 + 2 * learn) + held[1] * (1 + learn)
    return need


def adam(parameters: int) -> Need:
    """A step of Adam: reads weights, gradients and two moments, writes all but the gradients; one call."""
    return Need(bytes=Counter({where(4 * FLOAT * parameters): 7 * FLOAT * parameters}), calls=1)


def where(held: float) -> str:
    """Where so many bytes stay that are used again and again."""
    return "cache" if held <= CACHE else "shared cache" if held <= SHARED else "memory"


def size(sizes: list[int]) -> int:
    """Weights and biases of a network of full layers."""
    return sum(i * o + o for i, o in itertools.pairwise(sizes))


# --- the benchmarks: what one unit of its rate needs


def dqn_cartpole() -> Need:
    """A step: the world, one action, one update of 128: two passes forward, one back, a loss, Adam."""
    config = DQNBasicConfig()
    return Need(worlds=Counter({"cartpole": 1})) + mlp([4, 64, 64, 2], 1) + dqn_update(config.batch_size, 64)


def dqn_update(batch: int, width: int) -> Need:
    """An update of the small Q-network at a batch and a width."""
    sizes = [4, width, width, 2]
    return mlp(sizes, batch) + mlp(sizes, batch, learn=True) + adam(size(sizes)) + Need(calls=1)


def dqn_atari() -> Need:
    """An agent step: 4 frames of one of 8 games, an action in a batch of 8, a quarter of an update of 32."""
    able = torch.cpu._is_avx512_bf16_supported()
    dtype = "bfloat16" if able else "float32"
    acting = nature(8, dtype) * (1 / 8)
    update = nature(32, dtype) + nature(32, dtype, learn=True) + adam(nature_size(18)) + Need(calls=1)
    return Need(worlds=Counter({"atari, 8 at once": 1})) + acting + update * (1 / 4)


def nature(batch: int, dtype: str, learn: bool = False, actions: int = 18) -> Need:
    """One pass of the Nature network; bytes are those of its pictures and weights."""
    shapes = [(4, 32, 84, 8, 4), (32, 64, 20, 4, 2), (64, 64, 9, 3, 1)]
    need = mlp([64 * 7 * 7, 512, actions], batch, learn, dtype)
    for depth, shape in enumerate(shapes):
        need.products[Convolution(batch, *shape, dtype, learn, first=depth == 0)] += 1
        need.calls += 1 + learn
    if learn:  # the gradient of the first full layer's input, which the convolutions learn from
        need.products[Product(batch, 512, 64 * 7 * 7, dtype)] += 1
    need.bytes[where(batch * 4 * 84 * 84)] += batch * 4 * 84 * 84
    return need


def nature_size(actions: int) -> int:
    """Weights and biases of the Nature network."""
    return 32 * 4 * 64 + 32 + 64 * 32 * 16 + 64 + 64 * 64 * 9 + 64 + size([64 * 7 * 7, 512, actions])


def ppo_cartpole() -> Need:
    """A step: the world, an action in a batch of 4, its value and that of the next, 10 passes in batches of 64."""
    config = PPOConfig()
    sizes = [4, *[config.hidden_size] * config.num_layers, 2]
    rollout = config.n_steps * config.num_envs
    update = mlp(sizes, config.batch_size, learn=True, stack=2) + adam(2 * size(sizes)) + Need(calls=1)
    return (
        Need(worlds=Counter({"cartpole, 4 at once": 1}))
        + mlp(sizes, config.num_envs) * (1 / config.num_envs)
        + (mlp(sizes, rollout, stack=2) + mlp(sizes, rollout, stack=2)) * (1 / rollout)
        + update * (config.n_epochs / config.batch_size)
    )


def vmas_navigation() -> Need:
    """A frame: the world, an action, values of now and next, 30 passes of actor and critic in batches of 400."""
    config = MAPPOConfig(n_agents=3)
    envs, frames = config.frames_per_batch // config.max_steps, config.frames_per_batch
    acting = team_actor(envs, config) * (1 / envs)
    whole = (team_actor(frames, config) + team_critic(frames, config) * 2) * (1 / frames)
    batch = config.minibatch_size
    update = team_actor(batch, config, learn=True) + team_critic(batch, config, learn=True)
    update += adam(size([18, 256, 256, 4]) + size([54, 256, 256, 1])) + Need(calls=1)
    return (
        Need(worlds=Counter({"navigation, 60 at once": 1}))
        + acting
        + whole
        + update * (config.num_epochs / batch)
    )


def vmas_scaling() -> Need:
    """A frame of collecting with 6000 environments: the world and an action."""
    return Need(worlds=Counter({"navigation, 6000 at once": 1})) + team_actor(6000, MAPPOConfig()) * (
        1 / 6000
    )


def team_actor(frames: int, config: MAPPOConfig, learn: bool = False) -> Need:
    """The actor of navigation, which sees each of three agents: 18 numbers to means and deviations of 2."""
    return mlp([18, *[config.num_cells] * config.depth, 4], 3 * frames, learn, _team_dtype(config))


def team_critic(frames: int, config: MAPPOConfig, learn: bool = False) -> Need:
    """The central critic of navigation."""
    return mlp([54, *[config.num_cells] * config.depth, 1], frames, learn, _team_dtype(config))


def _team_dtype(config: MAPPOConfig) -> str:
    return resolve_precision(config.precision, torch.device("cpu"))


def vla_update() -> Need:
    """A sample: its picture encoded once in 4 passes, the language model forward and back, counted by torch.

    The FLOPs count at the speed of the language model's most frequent product, its attention's projections.
    """
    solutions.load("hw2", "hw4")
    batch = 64
    agent = vla.make_agent()
    rollout = vla.Rollout(agent, batch)
    with FlopCounterMode(display=False) as encoding:
        features = vla.encoded(agent, rollout.pictures)
    with FlopCounterMode(display=False) as learning:
        vla.at_once(agent, rollout, features, torch.arange(batch))
    flops = encoding.get_total_flops() / vla.EPOCHS + learning.get_total_flops()
    product = Product(batch * 2 * VLA_TOKENS, 64, 64)
    parameters = sum(p.numel() for p in agent.parameters() if p.requires_grad)
    moved = rollout.pictures.nbytes / vla.EPOCHS + features.nbytes + 3 * FLOAT * parameters
    return Need(Counter({product: flops / product.flops}), Counter({"shared cache": moved})) * (1 / batch)


def roarm() -> Need:
    """A step of the slower task's physics."""
    return Need(worlds=Counter({"pick and place": 1}))


def two_arm() -> Need:
    """A step of the physics."""
    return Need(worlds=Counter({"two arms": 1}))


def realm() -> Need:
    """A step of a game with full maps: two layers of the map are read, four are written, and the numbers."""
    moved = (2 + len(LAYERS)) * VIEW * VIEW + 2 * FLOAT * NUMBERS
    held = max(realm_program.BATCHES) * moved
    return Need(bytes=Counter({where(held): moved}), calls=1 / max(realm_program.BATCHES))


def realm_roles_parts() -> dict[str, Need]:
    """A step, a prediction in a batch of 32 and a sample in a batch of 128, counted by torch; a byte packed."""
    solutions.load()
    agent = realm_roles.make_agent(realm_roles.settings(1, 10**6).build())
    first = {"channels": 4, "filters": 8, "size": 51, "kernel": 5, "stride": 3}
    needs = {"step": realm()}
    for name, batch, learn in (("prediction", 32, False), ("sample", 128, True)):
        observations = torch.zeros(batch, PACKED, dtype=torch.uint8)
        with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(learn):
            log_probs, values = agent.policy(observations)
            if learn:
                (log_probs.sum() + values.sum()).backward()
        product = Convolution(batch, **first, learn=learn, first=True)
        count = counter.get_total_flops() / product.flops
        needs[name] = Need(Counter({product: count}), Counter({where(batch * PACKED): batch * PACKED})) * (
            1 / batch
        )
    needs["byte"] = Need(bytes=Counter({"shared cache": 2}))  # read and written
    return needs


def autograde() -> Need:
    """A submission: its judges alone, on one core of those that grade."""
    return Need(worlds=Counter({"judges": 1 / CORES}))


@dataclass(frozen=True)
class Limited:
    """A benchmark's needs for one unit of its rate, and the threads that it may use."""

    need: Callable[[], Need]
    threads: int
    says: str


LIMITS = {
    "autograde": Limited(autograde, 1, "the judges alone, shared out over the cores"),
    "dqn_atari": Limited(dqn_atari, CORES, "games alone, and the network's products"),
    "dqn_cartpole": Limited(dqn_cartpole, 1, "the world alone, and the network's products"),
    "ppo_cartpole": Limited(ppo_cartpole, 1, "the world alone, and the networks' products"),
    "realm": Limited(realm, 1, "bytes of an observation"),
    "roarm": Limited(roarm, 1, "the physics alone"),
    "two_arm": Limited(two_arm, 1, "the physics alone"),
    "vla": Limited(vla_update, CORES, "arithmetic of the layers"),
    "vmas_navigation": Limited(vmas_navigation, CORES, "the world alone, and the networks' products"),
    "vmas_scaling": Limited(vmas_scaling, CORES, "the world alone, and the actor's products"),
}


def seconds_of(need: Need, machine: dict) -> dict[str, float]:
    """What a need costs on a machine, part by part, and together.

    Args:
        need: of one unit.
        machine: ``products`` (seconds of each by name), ``bytes`` (a second, of each kind of copy), ``call`` and ``worlds``
            (seconds of each by name).
    """
    parts = {
        "products": sum(machine["products"][str(p)] * count for p, count in need.products.items()),
        "memory": sum(count / machine["bytes"][name] for name, count in need.bytes.items()),
        "calls": need.calls * machine["call"],
        "world": sum(machine["worlds"][name] * count for name, count in need.worlds.items()),
    }
    total = max(parts["products"], parts["memory"]) + parts["calls"] + parts["world"]
    return {**parts, "total": total}


def roles_limit(needs: dict[str, Need], machine: dict, bytes_a_step: float) -> float:
    """Steps per second of one process by the model of the realm's roles, each role at its limit."""
    costs = {name: seconds_of(need, machine)["total"] for name, need in needs.items()}
    return predicted({**costs, "bytes_a_step": bytes_a_step}, 1)["steps"]
