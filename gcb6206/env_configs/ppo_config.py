"""PPO on environments with a vector observation, discrete or bounded real-valued actions."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from gcb6206.agents.ppo_agent import linear_schedule
from gcb6206.env_configs.config import check_fields
from gcb6206.envs.vector import make_render_env, make_vector_env
from gcb6206.errors import ConfigError
from gcb6206.networks.optimizers import LeanAdam


@dataclass(frozen=True)
class PPOConfig:
    """The usual settings (those of Stable-Baselines3), with four environments and constant rates."""

    env_name: str = "CartPole-v1"
    """Gymnasium id; one-dimensional observations, discrete or bounded real-valued actions."""
    env_kwargs: dict | None = None
    """Arguments of the environment; only in the YAML file."""
    exp_name: str | None = None
    """Name of the run's directory; None builds one out of the settings."""
    total_steps: int = 100_000
    """Environment steps of the whole training, all environments together; rounded down to whole rollouts."""
    num_envs: int = 4
    """Environments that run side by side."""
    n_steps: int = 2048
    """Steps of every environment in one rollout."""
    batch_size: int = 64
    """Samples in one minibatch; divides n_steps * num_envs."""
    n_epochs: int = 10
    """Passes over a rollout's samples in one update."""
    gamma: float = 0.99
    """Discount, from 0 to 1."""
    gae_lambda: float = 0.95
    """Lambda of the advantage estimate: 0 trusts the critic, 1 the rewards."""
    learning_rate: float = 3e-4
    """Step size of Adam at the start."""
    learning_rate_final: float | None = None
    """Step size at the end, approached in a straight line; None keeps it constant."""
    clip_range: float = 0.2
    """How far the ratio of new and old probability may leave 1 before its gradient is cut off, at the start."""
    clip_range_final: float | None = None
    """The same at the end, approached in a straight line; None keeps it constant."""
    clip_range_vf: float | None = None
    """Largest step of a value that lowers the value loss; None does not clip."""
    ent_coef: float = 0.0
    """Weight of the entropy in what is maximised, at the start."""
    ent_coef_final: float | None = None
    """The same at the end, approached in a straight line; None keeps it constant."""
    vf_coef: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float | None = 0.5
    """Largest norm of the gradient; None does not clip."""
    target_kl: float | None = None
    """An update stops before a minibatch whose approx_kl exceeds 1.5 times this; None never stops."""
    normalize_advantages: bool = True
    """Bring each minibatch's advantages to mean 0 and standard deviation 1."""
    normalize_observations: bool = False
    """Bring observations to mean 0 and standard deviation 1 by running statistics."""
    normalize_rewards: bool = False
    """Divide rewards by the running standard deviation of the discounted return."""
    num_layers: int = 2
    """Hidden layers of actor and critic."""
    hidden_size: int = 64
    """Units in each hidden layer."""
    log_std_init: float = 0.0
    """Logarithm of the standard deviation at the start; real-valued actions only."""
    difficulty_start: float | None = None
    """Curriculum: the environments' attribute ``difficulty`` at the start; None leaves it alone."""
    difficulty_fraction: float = 0.5
    """Curriculum: part of the training in which the difficulty rises to 1 in a straight line."""

    def __post_init__(self):
        check_fields(self, {
            "at least 1": "total_steps num_envs n_steps n_epochs hidden_size",
            "a number from 0 to 1": "gamma gae_lambda",
            "above 0": "learning_rate clip_range clip_range_vf max_grad_norm target_kl difficulty_fraction",
            "at least 0": "learning_rate_final clip_range_final ent_coef ent_coef_final vf_coef num_layers",
        })  # fmt: skip
        rollout = self.n_steps * self.num_envs
        if self.total_steps < rollout:
            raise ConfigError(
                f"total_steps is {self.total_steps}, less than one rollout of n_steps * num_envs = {rollout}"
                ": raise it, or lower n_steps"
            )
        if self.batch_size < 2 or rollout % self.batch_size:
            fitting = [size for size in range(2, rollout + 1) if rollout % size == 0]
            near = min(fitting, key=lambda size: abs(size - self.batch_size), default="more samples")
            raise ConfigError(
                f"batch_size is {self.batch_size}: it must divide n_steps * num_envs = {self.n_steps} * "
                f"{self.num_envs} = {rollout}; the nearest that does is {near}"
            )

    def build(self) -> dict:
        """The run's parts: what ``PPORun`` takes as ``config``."""
        curriculum = None
        if self.difficulty_start is not None:
            curriculum = functools.partial(
                linear_curriculum, start=self.difficulty_start, fraction=self.difficulty_fraction
            )
        names = ("gamma", "gae_lambda", "n_epochs", "batch_size", "vf_coef", "max_grad_norm", "target_kl",
                 "clip_range_vf", "normalize_advantages", "normalize_observations",
                 "normalize_rewards")  # fmt: skip
        built = f"{self.env_name}_lr{self.learning_rate:g}_n{self.n_steps}x{self.num_envs}_b{self.batch_size}"
        env_kwargs = self.env_kwargs or {}
        return {
            "make_envs": functools.partial(make_vector_env, self.env_name, **env_kwargs),
            "make_render_env": functools.partial(make_render_env, self.env_name, **env_kwargs),
            "curriculum": curriculum,
            "policy_kwargs": {
                "hidden": [self.hidden_size] * self.num_layers,
                "log_std_init": self.log_std_init,
            },
            "agent_kwargs": {
                "make_optimizer": functools.partial(LeanAdam, lr=self.learning_rate, eps=1e-5),
                **{name: getattr(self, name) for name in names},
                **{name: self._line(name) for name in ("learning_rate", "clip_range", "ent_coef")},
            },
            "updates": self.total_steps // (self.n_steps * self.num_envs),
            "num_envs": self.num_envs,
            "n_steps": self.n_steps,
            "log_name": (self.exp_name or built).replace("/", "-"),
        }

    def _line(self, name: str) -> tuple[float, float]:
        """First and last value of a field that may change during the training."""
        start, final = getattr(self, name), getattr(self, f"{name}_final")
        return start, start if final is None else final


def linear_curriculum(
    difficulty: float, progress: float, success_rate: float | None, start: float, fraction: float
) -> float:
    """A difficulty that rises from ``start`` to 1 within a part of the training, whatever the success.

    Args:
        difficulty: the present one.
        progress: the part of the training that is done.
        success_rate: of the last episodes; None where the environments do not tell.
        start: the difficulty at progress 0.
        fraction: the progress at which it is 1.
    """
    return linear_schedule(start, 1.0, progress / fraction)
