"""A team's vision-language-action policy: chunks of actions as the middle of a distribution.

    mean:     the L1 head's first action, normalised: the rest of a chunk is predicted and not executed
    noise:    Laplace or Gaussian, with a learned scale for each component, clipped
    action:   un-normalised and cut to the robot's limits; this is what is executed, stored and judged
    log-prob: of just that action. Inside the limits it is the noise's log-density; on a limit it is the log of all the
              probability beyond, since every such draw was cut to the same action

A regression head that was trained by the L1 loss is the maximum-likelihood middle of a Laplace distribution.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from gcb6206.errors import ConfigError, nearest
from gcb6206.networks.vla_checkpoint import LoadedVLA

DISTRIBUTIONS = ("laplace", "gaussian")
TRAINABLE = ("head", "language", "all")
AT_LIMIT = 1e-6  # of the range: so near, an action counts as cut


class MultiAgentVLAPolicy(nn.Module):
    """Each agent acts on its own pictures, instruction and proprioception.

    Args:
        loaded: the model to begin with.
        instructions: what each agent is told.
        low, high: the robot's limits of the executed components, ``(components,)``. The first so many components of
            a predicted action are executed: an arm without a gripper leaves a gripper's away.
        share_policy: all agents use one model; otherwise each has its own, and all begin alike. The vision
            transformers are shared where they are frozen.
        distribution: ``laplace`` or ``gaussian``.
        initial_scale: of the noise, in normalised actions.
        scale_limits: the smallest and largest scale.
        trainable: ``head``, the action heads and the noise; ``language``, all but the vision transformers; ``all``.

    Raises:
        ConfigError: an unknown distribution or part, or more components than the model predicts.
    """

    def __init__(
        self,
        loaded: LoadedVLA,
        instructions: list[str],
        low: torch.Tensor,
        high: torch.Tensor,
        share_policy: bool = True,
        distribution: str = "laplace",
        initial_scale: float = 0.1,
        scale_limits: tuple[float, float] = (0.01, 1.0),
        trainable: str = "language",
    ):
        super().__init__()
        for name, value, known in (
            ("distribution", distribution, DISTRIBUTIONS),
            ("trainable", trainable, TRAINABLE),
        ):
            if value not in known:
                raise ConfigError(f"{name} is {value!r}: {nearest(value, list(known))}")
        if len(low) > loaded.model.config.action_dim:
            raise ConfigError(
                f"the robot has {len(low)} components of action, the model predicts {loaded.model.config.action_dim}: "
                "take a model that was trained for this robot"
            )
        if trainable == "head":  # what learns needs more than 8 bits
            loaded.model.action_head.float()
        self.loaded, self.n_agents, self.share_policy = loaded, len(instructions), share_policy
        self.distribution = distribution
        vision = loaded.model.vision_backbone
        loaded.model.requires_grad_(trainable != "head")
        loaded.model.action_head.requires_grad_(True)
        vision.requires_grad_(trainable == "all")
        self.vlas = nn.ModuleList([loaded.model])
        if not share_policy:
            kept = {} if trainable == "all" else {id(vision): vision}
            self.vlas.extend(copy.deepcopy(loaded.model, dict(kept)) for _ in instructions[1:])
        self.action_scale, self.proprio_scale = loaded.scales()
        tokens = [torch.tensor(loaded.tokenizer.encode(text)) for text in instructions]
        for agent, numbers in enumerate(tokens):
            self.register_buffer(f"tokens_{agent}", numbers, persistent=False)
        self._together = share_policy and len({len(numbers) for numbers in tokens}) == 1
        self.register_buffer("low", low.float(), persistent=False)
        self.register_buffer("high", high.float(), persistent=False)
        self.log_limits = tuple(map(math.log, scale_limits))
        self.log_scale = nn.Parameter(
            torch.full((1 if share_policy else self.n_agents, len(low)), math.log(initial_scale))
        )

    @property
    def scale(self) -> torch.Tensor:
        """Of each component's noise, ``(n_agents, components)``, in normalised actions."""
        return self.log_scale.clamp(*self.log_limits).exp().expand(self.n_agents, -1)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Features that the other methods take in the place of pictures: with frozen vision they never change.

        Args:
            pictures: ``(batch, n_agents, pictures, height, width, 3)`` uint8.

        Returns:
            ``(batch, n_agents, pictures, patches, vision_dim)``.
        """
        if self.vlas[0].vision_backbone is self.vlas[-1].vision_backbone:
            return self.vlas[0].vision_backbone(pictures)
        return torch.stack([v.vision_backbone(pictures[:, i]) for i, v in enumerate(self.vlas)], dim=1)

    def predict(self, agent_inputs: torch.Tensor, agent_proprios: torch.Tensor) -> torch.Tensor:
        """Normalised chunks of actions.

        Args:
            agent_inputs: each agent's pictures, newest first and the front camera before the wrist's,
                ``(batch, n_agents, pictures, height, width, 3)`` uint8, or what ``encode`` made of them.
            agent_proprios: ``(batch, n_agents, proprio_dim)`` in the robot's numbers.

        Returns:
            ``(batch, n_agents, chunk, action_dim)``.
        """
        features = self.encode(agent_inputs) if agent_inputs.dtype == torch.uint8 else agent_inputs
        if self.proprio_scale is not None:
            proprio = self.proprio_scale.normalize_and_clip(agent_proprios)
        else:
            proprio = agent_proprios[..., :0]
        tokens = [getattr(self, f"tokens_{agent}") for agent in range(self.n_agents)]
        if self._together:
            words = torch.stack(tokens).repeat(len(features), 1)
            chunks = self.vlas[0](features.flatten(0, 1), words, proprio.flatten(0, 1))
            return chunks.unflatten(0, (-1, self.n_agents))
        chunks = [
            self.vlas[agent % len(self.vlas)](
                features[:, agent], tokens[agent].expand(len(features), -1), proprio[:, agent]
            )
            for agent in range(self.n_agents)
        ]
        return torch.stack(chunks, dim=1)

    def get_actions(
        self,
        agent_inputs: torch.Tensor,
        agent_proprios: torch.Tensor,
        deterministic: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Actions to execute now, the first of each chunk, and their log-probabilities.

        Args:
            agent_inputs, agent_proprios: as ``predict`` takes them.
            deterministic: without noise.
            generator: of the noise; None draws from torch's own.

        Returns:
            ``(batch, n_agents, components)`` within the limits, and ``(batch, n_agents)``.
        """
        with torch.no_grad():
            mean = self._mean(agent_inputs, agent_proprios)
            drawn = mean
            if not deterministic:
                drawn = mean + self.scale * self._noise(mean, generator)
            actions = self._unnormalize(drawn).clamp(self.low, self.high)
            return actions, self._log_prob(mean, actions)

    def evaluate_actions(
        self, agent_inputs: torch.Tensor, agent_actions: torch.Tensor, agent_proprios: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities of executed actions.

        Args:
            agent_inputs, agent_proprios: as ``predict`` takes them.
            agent_actions: ``(batch, n_agents, components)``, as ``get_actions`` gave them.

        Returns:
            ``(batch, n_agents)``, and the entropy of the noise before it is cut, ``(batch, n_agents)``.
        """
        log_prob = self._log_prob(self._mean(agent_inputs, agent_proprios), agent_actions)
        constant = (
            1.0 + math.log(2.0) if self.distribution == "laplace" else 0.5 + 0.5 * math.log(2 * math.pi)
        )
        entropy = (self.scale.log() + constant).sum(dim=-1)
        return log_prob, entropy.expand(log_prob.shape)

    def _mean(self, agent_inputs: torch.Tensor, agent_proprios: torch.Tensor) -> torch.Tensor:
        """The first action of each chunk, its executed components, normalised."""
        return self.predict(agent_inputs, agent_proprios)[:, :, 0, : len(self.low)].float()

    def _noise(self, like: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Noise of scale 1."""
        if self.distribution == "gaussian":
            return torch.randn(like.shape, generator=generator, device=like.device)
        u = torch.rand(like.shape, generator=generator, device=like.device) - 0.5
        return -u.sign() * torch.log1p(-2.0 * u.abs())

    def _unnormalize(self, x: torch.Tensor) -> torch.Tensor:
        components = x.shape[-1]
        return x * self.action_scale.width[:components] + self.action_scale.shift[:components]

    def _log_prob(self, mean: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Of actions that were cut to the limits, summed over the components."""
        components = mean.shape[-1]
        shift, width = self.action_scale.shift[:components], self.action_scale.width[:components]
        low, high = (self.low - shift) / width, (self.high - shift) / width
        z, scale = (actions - shift) / width, self.scale
        density, below = (
            (_laplace, _log_below_laplace)
            if self.distribution == "laplace"
            else (_gaussian, _log_below_gaussian)
        )
        near = AT_LIMIT * (high - low)
        inside = density((z - mean) / scale) - scale.log()
        log_prob = torch.where(
            z <= low + near,
            below((low - mean) / scale),
            torch.where(z >= high - near, below((mean - high) / scale), inside),
        )
        return log_prob.sum(dim=-1)


def _laplace(x: torch.Tensor) -> torch.Tensor:
    """Log-density of the standard Laplace distribution."""
    return -x.abs() - math.log(2.0)


def _gaussian(x: torch.Tensor) -> torch.Tensor:
    """Log-density of the standard normal distribution."""
    return -0.5 * x.square() - 0.5 * math.log(2.0 * math.pi)


def _log_below_laplace(x: torch.Tensor) -> torch.Tensor:
    """Log of the standard Laplace distribution's probability below x; finite, also its gradient."""
    return torch.where(
        x < 0, x.clamp(max=0.0) - math.log(2.0), torch.log1p(-0.5 * torch.exp(-x.clamp(min=0.0)))
    )


def _log_below_gaussian(x: torch.Tensor) -> torch.Tensor:
    """Log of the standard normal distribution's probability below x."""
    return torch.special.log_ndtr(x)
