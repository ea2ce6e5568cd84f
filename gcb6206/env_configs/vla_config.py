"""MAPPO for a vision-language-action policy on two arms, and the cloning before it.

The fields are the flags of ``python -m gcb6206.scripts.train_mappo`` and of ``python -m gcb6206.scripts.clone_vla``;
names and defaults are those of the original notes as far as they have them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from gcb6206.agents.mappo_agent import ALGORITHMS
from gcb6206.env_configs.config import check_fields
from gcb6206.env_configs.mappo_config import check_device
from gcb6206.envs.vla_world import TwoArmWorld
from gcb6206.errors import ConfigError, nearest
from gcb6206.infrastructure.data_parallel import Ranks
from gcb6206.networks.vla_checkpoint import PLATFORMS
from gcb6206.networks.vla_policy import DISTRIBUTIONS, TRAINABLE

CRITICS = ("lightweight", "central")


def check_choices(config, choices: dict[str, tuple[str, ...]]) -> None:
    """Refuse a word that a field does not take.

    Raises:
        ConfigError: names the field, its value and the nearest word.
    """
    for name, known in choices.items():
        value = getattr(config, name)
        if value not in known:
            raise ConfigError(f"{name} is {value!r}: {nearest(value, list(known))}")


@dataclass(frozen=True)
class MAPPOConfig:
    """The original notes' settings, on their task."""

    pretrained_checkpoint: str | None = None
    """Directory of the policy to begin with: a cloned one, or OpenVLA-OFT's; none: a new small model."""
    platform: str = "two_arm"
    """Which robot the checkpoint was trained for: two_arm, libero, bridge or aloha."""
    unnorm_key: str | None = None
    """Which data set's statistics to take where the checkpoint has several."""
    use_l1_regression: bool = True
    """Use the action head that gives numbers; the one that gives tokens is not offered."""
    use_proprio: bool = True
    """The policy feels its arm."""
    history_length: int = 2
    """Observations that policy and critic see: this step's and those before it."""
    num_actions_chunk: int = 2
    """Actions predicted at once; the first is executed."""
    share_policy: bool = True
    """Both arms use one model; otherwise each has its own."""
    distribution: str = "laplace"
    """Noise around the predicted action: laplace or gaussian."""
    initial_scale: float | None = None
    """Scale of the noise at the start, as a part of the largest action; none: the checkpoint's, or 0.1."""
    smallest_scale: float = 0.01
    """Lower limit of the learned scale."""
    largest_scale: float = 0.5
    """Upper limit of the learned scale."""
    trainable: str = "language"
    """What learns: head (action head and noise), language (all but the vision transformers), or all."""
    store_images: bool = False
    """Keep the pictures of a rollout and not their features; only for trainable all, which needs them."""
    algorithm: str = "mappo"
    """mappo: the critic sees both arms; ippo: only the arm whose value it estimates."""
    critic: str = "lightweight"
    """lightweight: the critic sees proprioception; central: the pictures too."""
    critic_hidden: int = 256
    """Units in each of the critic's two hidden layers."""
    gamma: float = 0.99
    """Discount, from 0 to 1."""
    gae_lambda: float = 0.95
    """Lambda of the advantage estimate: 0 trusts the critic, 1 the rewards."""
    clip_epsilon: float = 0.2
    """How far the ratio of new and old probability may leave 1 before its gradient is cut off."""
    entropy_coef: float = 0.01
    """Weight of the entropy in what is maximised."""
    value_coef: float = 1.0
    """Weight of the critic's loss, 1/2 (V - R)^2."""
    actor_lr: float = 1e-4
    """Step size of Adam for the policy."""
    critic_lr: float = 5e-4
    """Step size of Adam for the critic."""
    max_grad_norm: float | None = 1.0
    """Largest norm of the policy's gradient, and of the critic's; none does not clip."""
    target_kl: float | None = None
    """An update stops before a step where approx_kl exceeds 1.5 times this; none never stops."""
    reward_scale: float = 0.1
    """What rewards are multiplied by for learning; what is logged stays as it is."""
    critic_warmup: float = 0.0
    """The first part of the training, in which only the critic learns."""
    reward_shaping: bool = True
    """Dense reward; otherwise 1 on success and nothing else."""
    max_episode_steps: int = 300
    """Time limit of an episode, which truncates it."""
    image_size: int = 64
    """Width and height of a picture in pixels, as the checkpoint was trained."""
    num_envs: int = 4
    """Environments side by side, on each rank."""
    num_workers: int | None = 0
    """Processes that play them; 0: the rank itself; none: one for each processor."""
    env_kwargs: dict | None = None
    """Further options of the environment; in the YAML file only."""
    total_timesteps: int = 1_000_000
    """Environment steps of all ranks."""
    num_steps_per_rollout: int = 256
    """Steps of every environment in one rollout."""
    num_epochs: int = 4
    """Passes over a rollout."""
    num_minibatches: int = 4
    """Minibatches in each pass."""
    device: str = "cpu"
    """Where to compute: cpu, or cuda: each rank then takes the GPU with its own number."""
    use_wandb: bool = False
    """Log to Weights & Biases too; needs the package wandb."""
    wandb_entity: str | None = None
    """Account at Weights & Biases."""
    wandb_project: str = "mappo-twoarm"
    """Project at Weights & Biases."""
    exp_name: str | None = None
    """Name of the run's directory; none builds one."""

    def __post_init__(self):
        check_fields(self, {
            "at least 1": "history_length num_actions_chunk critic_hidden max_episode_steps image_size num_envs "
            "total_timesteps num_steps_per_rollout num_epochs num_minibatches",
            "a number from 0 to 1": "gamma gae_lambda critic_warmup",
            "above 0": "clip_epsilon actor_lr critic_lr max_grad_norm target_kl reward_scale initial_scale "
            "smallest_scale largest_scale",
            "at least 0": "entropy_coef value_coef num_workers",
        })  # fmt: skip
        check_choices(self, {
            "platform": tuple(PLATFORMS), "distribution": DISTRIBUTIONS, "trainable": TRAINABLE,
            "algorithm": ALGORITHMS, "critic": CRITICS,
        })  # fmt: skip
        if not self.use_l1_regression:
            raise ConfigError(
                "use_l1_regression is False: only the continuous action head is offered, leave it true"
            )
        if self.store_images and self.trainable != "all":
            raise ConfigError(
                f"store_images is True with trainable {self.trainable!r}: frozen vision transformers give the same "
                "features every time, so leave it false, or set trainable to all"
            )
        if not self.smallest_scale <= (self.initial_scale or self.smallest_scale) <= self.largest_scale:
            raise ConfigError(
                f"initial_scale is {self.initial_scale}, not from smallest_scale {self.smallest_scale} to "
                f"largest_scale {self.largest_scale}: change one of the three"
            )
        if self.num_minibatches > self.num_envs * self.num_steps_per_rollout:
            raise ConfigError(
                f"num_minibatches is {self.num_minibatches}, more than the "
                f"{self.num_envs * self.num_steps_per_rollout} samples of a rollout: lower it"
            )

    @property
    def num_images_in_input(self) -> int:
        """Pictures that an agent sees: front and wrist, now and before."""
        return 2 * self.history_length

    def build(self) -> dict:
        """The run's parts: what ``VLARun`` takes as ``config``.

        Raises:
            ConfigError: a device that is not there.
        """
        device = check_device(Ranks.device(self.device))
        make_world = functools.partial(
            TwoArmWorld,
            image_size=self.image_size,
            reward_shaping=self.reward_shaping,
            max_episode_steps=self.max_episode_steps,
            num_workers=self.num_workers,
            env_kwargs=self.env_kwargs,
        )
        names = ("history_length", "num_steps_per_rollout", "num_minibatches", "num_envs", "total_timesteps",
                 "algorithm", "critic")  # fmt: skip
        agent_names = ("gamma", "gae_lambda", "clip_epsilon", "entropy_coef", "value_coef", "actor_lr", "critic_lr",
                       "max_grad_norm", "target_kl", "reward_scale", "critic_warmup", "num_epochs",
                       "num_minibatches")  # fmt: skip
        return {
            **{name: getattr(self, name) for name in names},
            "device": device,
            "make_world": make_world,
            "make_eval_world": make_world,
            "critic_hidden": [self.critic_hidden] * 2,
            "pretrained_checkpoint": self.pretrained_checkpoint,
            "vla_kwargs": {
                name: getattr(self, name)
                for name in ("platform", "num_actions_chunk", "unnorm_key", "use_proprio")
            },
            "policy_kwargs": {
                **{name: getattr(self, name) for name in ("share_policy", "distribution", "trainable")},
                "initial_scale": self.initial_scale,
                "scale_limits": (self.smallest_scale, self.largest_scale),
            },
            "agent_kwargs": {name: getattr(self, name) for name in agent_names},
            "log_name": self.exp_name or "two_arm",
        }


@dataclass(frozen=True)
class CloningConfig:
    """Cloning of demonstrations with pictures by a new small model."""

    demonstrations: str = "data/two_arm/demonstrations.npz"
    """File of demonstrations with pictures."""
    episodes: int | None = 60
    """How many demonstrations, from the first on; none: all."""
    use_proprio: bool = True
    """The policy feels its arm."""
    history_length: int = 2
    """Observations that the policy sees: this step's and those before it."""
    num_actions_chunk: int = 2
    """Actions predicted at once."""
    share_policy: bool = True
    """Both arms use one model; otherwise each has its own."""
    distribution: str = "laplace"
    """Noise around the predicted action, which a later training needs: laplace or gaussian."""
    updates: int = 700
    """Steps of the optimiser."""
    batch_size: int = 32
    """Steps of demonstrations in one batch, each of which teaches both arms."""
    lr: float = 1e-3
    """Step size of Adam at the start; it falls to a tenth in a straight line."""
    max_grad_norm: float | None = 1.0
    """Largest norm of the gradient; none does not clip."""
    max_episode_steps: int = 300
    """Time limit of an episode of the evaluation."""
    num_envs: int = 4
    """Environments side by side in the evaluation."""
    num_workers: int | None = 0
    """Processes that play them; 0: this one; none: one for each processor."""
    env_kwargs: dict | None = None
    """Further options of the environment; in the YAML file only."""
    device: str = "cpu"
    """Where to compute: cpu, or cuda:0 and so on."""
    exp_name: str | None = None
    """Name of the run's directory; none builds one."""

    def __post_init__(self):
        check_fields(self, {
            "at least 1": "episodes history_length num_actions_chunk updates batch_size max_episode_steps num_envs",
            "above 0": "lr max_grad_norm",
            "at least 0": "num_workers",
        })  # fmt: skip
        check_choices(self, {"distribution": DISTRIBUTIONS})

    def build(self) -> dict:
        """The run's parts: what ``CloningRun`` takes as ``config``.

        Raises:
            ConfigError: a device or demonstrations that are not there.
        """
        names = ("history_length", "updates", "batch_size", "lr", "max_grad_norm", "num_envs", "demonstrations",
                 "episodes")  # fmt: skip
        return {
            **{name: getattr(self, name) for name in names},
            "device": check_device(self.device),
            "make_eval_world": functools.partial(
                TwoArmWorld,
                reward_shaping=True,
                max_episode_steps=self.max_episode_steps,
                num_workers=self.num_workers,
                env_kwargs=self.env_kwargs,
            ),
            "vla_kwargs": {name: getattr(self, name) for name in ("num_actions_chunk", "use_proprio")},
            "policy_kwargs": {
                **{name: getattr(self, name) for name in ("share_policy", "distribution")},
                "trainable": "all",
            },
            "log_name": self.exp_name or "two_arm",
        }
