"""Multi-agent PPO on VMAS; the fields are the flags of ``python -m gcb6206.scripts.train``."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from gcb6206.agents.mappo_agent import ALGORITHMS
from gcb6206.env_configs.config import check_fields
from gcb6206.envs.vmas import VmasTeam, num_envs
from gcb6206.errors import ConfigError, nearest
from gcb6206.exercises import exercise

# Two settings of the original notes hold no whole number of episodes. They are kept running, rounded down.
ROUNDED_DOWN = {(32768, 500), (4096, 150)}


@dataclass(frozen=True)
class MAPPOConfig:
    """The original notes' navigation."""

    scenario_name: str = "navigation"
    """VMAS scenario."""
    n_agents: int | None = None
    """Number of agents; none: 3, or the scenario's own number if it is fixed."""
    scenario_kwargs: dict | None = None
    """Further arguments of the scenario; in the YAML file only."""
    frames_per_batch: int = 6000
    """Frames of one iteration, all environments together; a multiple of max_steps."""
    max_steps: int = 100
    """Time limit of an episode; frames_per_batch / max_steps environments run side by side."""
    n_iters: int = 10
    """Iterations: collect a batch, learn from it."""
    num_epochs: int = 30
    """Passes over a batch."""
    minibatch_size: int = 400
    """Frames in one minibatch, at most frames_per_batch."""
    lr: float = 3e-4
    """Step size of Adam at the start, for the actor."""
    lr_final: float | None = None
    """Step size at the end, approached in a straight line; none keeps it constant."""
    critic_lr: float | None = None
    """Step size for the critic; none takes the actor's. It falls in the same proportion."""
    max_grad_norm: float | None = 1.0
    """Largest norm of the actor's gradient, and of the critic's; none does not clip."""
    clip_epsilon: float = 0.2
    """How far the ratio of new and old probability may leave 1 before its gradient is cut off."""
    entropy_eps: float = 1e-4
    """Weight of the entropy in what is maximised, at the start."""
    entropy_eps_final: float | None = None
    """That weight at the end, approached in a straight line; none keeps it constant."""
    critic_coef: float = 1.0
    """Weight of the critic's loss."""
    gamma: float = 0.99
    """Discount, from 0 to 1."""
    lmbda: float = 0.9
    """Lambda of the advantage estimate: 0 trusts the critic, 1 the rewards."""
    target_kl: float | None = None
    """An update stops before a minibatch whose approx_kl exceeds 1.5 times this; none never stops."""
    normalize_advantages: bool = True
    """Bring each batch's advantages to mean 0 and standard deviation 1."""
    reward_scale: float = 1.0
    """What rewards are multiplied by for learning; what is logged stays as it is."""
    initial_std: float = 1.0
    """Standard deviation of the actions at the start, before tanh; each action's range counts as -1 to 1."""
    algorithm: str = "mappo"
    """mappo: the critic sees all agents; ippo: only the agent whose value it estimates."""
    share_parameters: bool = True
    """All agents use the same network."""
    history_length: int = 1
    """Observations of each agent that its actor and the critic see, the newest and those before it."""
    depth: int = 2
    """Hidden layers of actor and critic."""
    num_cells: int = 256
    """Units in each hidden layer."""
    precision: str = "auto"
    """Precision of the hidden layers' products: float32, bfloat16, or auto: bfloat16 if the chip has it."""
    device: str = "cpu"
    """Where to simulate and learn: cpu, or cuda:0 and so on."""

    def __post_init__(self):
        check_fields(self, {
            "at least 1": "frames_per_batch max_steps n_iters num_epochs minibatch_size history_length num_cells "
            "n_agents",
            "a number from 0 to 1": "gamma lmbda",
            "above 0": "lr critic_lr max_grad_norm clip_epsilon target_kl reward_scale initial_std",
            "at least 0": "lr_final entropy_eps entropy_eps_final critic_coef depth",
        })  # fmt: skip
        for name, known in (("algorithm", ALGORITHMS), ("precision", ("auto", "float32", "bfloat16"))):
            if getattr(self, name) not in known:
                value = getattr(self, name)
                raise ConfigError(f"{name} is {value!r}: {nearest(value, list(known))}")
        if self.minibatch_size > self.whole_frames:
            raise ConfigError(
                f"minibatch_size is {self.minibatch_size}, more than the {self.whole_frames} frames of a batch: "
                "lower it, or raise frames_per_batch"
            )

    @property
    def whole_frames(self) -> int:
        """Frames of a batch: those asked for, but for the notes' two settings that are rounded down."""
        if (self.frames_per_batch, self.max_steps) in ROUNDED_DOWN:
            return self.frames_per_batch - self.frames_per_batch % self.max_steps
        return self.frames_per_batch

    @property
    def total_steps(self) -> int:
        """Frames of the whole training."""
        return self.n_iters * self.whole_frames

    def build(self) -> dict:
        """The run's parts: what ``MultiAgentRun`` takes as ``config``.

        Raises:
            ConfigError: a device that is not there.
            ValueError: the batch holds no whole number of episodes.
        """
        device = check_device(self.device)
        falls = 1.0 if self.lr_final is None else self.lr_final / self.lr
        critic_lr = self.critic_lr or self.lr
        entropy_final = self.entropy_eps if self.entropy_eps_final is None else self.entropy_eps_final
        names = ("algorithm", "share_parameters", "history_length", "gamma", "lmbda", "num_epochs",
                 "minibatch_size", "clip_epsilon", "critic_coef", "max_grad_norm", "target_kl",
                 "normalize_advantages", "reward_scale", "initial_std")  # fmt: skip
        return {
            "make_team": functools.partial(
                VmasTeam,
                self.scenario_name,
                device=device,
                n_agents=self.n_agents,
                scenario_kwargs=self.scenario_kwargs,
            ),
            "num_envs": num_envs(self.whole_frames, self.max_steps),
            "max_steps": self.max_steps,
            "n_iters": self.n_iters,
            "device": device,
            "log_name": self.scenario_name,
            "agent_kwargs": {
                **{name: getattr(self, name) for name in names},
                "hidden": [self.num_cells] * self.depth,
                "lr": (self.lr, self.lr * falls),
                "critic_lr": (critic_lr, critic_lr * falls),
                "entropy_eps": (self.entropy_eps, entropy_final),
                "precision": resolve_precision(self.precision, device),
            },
        }


@exercise("hw2.tuning")
def tuning() -> str:
    """Settings with which a team of three learns navigation within a budget, as YAML text.

    Lines ``name: value``, such as ``lr: 0.001``; the names are fields of ``MAPPOConfig``, what is left out keeps
    its default. The task and the networks are given; the budget limits frames, iterations, epochs and gradient
    steps.

    Returns:
        The text.
    """


def check_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        ConfigError: there is no such device here.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"device is {name!r}: expected cpu, or cuda:0 and so on") from None
    if device.type == "cuda" and not (device.index or 0) < torch.cuda.device_count():
        found = torch.cuda.device_count()
        gpus = f"only {found} GPUs, counted from cuda:0" if found else "no GPU"
        raise ConfigError(f"device is {name!r}, but PyTorch finds {gpus} here: take --device cpu")
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device is {name!r}: expected cpu, or cuda:0 and so on")
    return device


def resolve_precision(precision: str, device: torch.device) -> str:
    """What ``auto`` means here: bfloat16 where matrix units compute it, float32 elsewhere."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if torch.cpu._is_amx_tile_supported() else "float32"
