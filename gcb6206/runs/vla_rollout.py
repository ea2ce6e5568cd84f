"""How worlds with pictures are played by a vision-language-action policy."""

from __future__ import annotations

import numpy as np
import torch

from gcb6206.envs.vla_world import World
from gcb6206.networks.vla_policy import MultiAgentVLAPolicy
from gcb6206.runs.rollout_buffer import Ended, RolloutBuffer


class VLACollector:
    """Plays worlds with a policy, and keeps what it saw.

    Args:
        world: the environments.
        policy: acts.
        steps: of every environment in one rollout.
        history_length: observations that are seen at once.

    Attributes:
        buffer: the last rollout.
        episodes: what is told of the episodes that ended in it.
    """

    def __init__(self, world: World, policy: MultiAgentVLAPolicy, steps: int, history_length: int):
        self.world, self.policy = world, policy
        self.device = policy.log_scale.device
        self.buffer = RolloutBuffer(steps, world.num_envs, history_length, world.views)
        self.frozen = not any(p.requires_grad for p in policy.vlas[0].vision_backbone.parameters())
        self.episodes: list[dict[str, float]] = []
        self._everywhere = torch.arange(world.num_envs)

    def restart(self, seed: int) -> None:
        """Begin new episodes in all environments."""
        self._observation = self.world.reset(seed)
        self._fresh = True
        self._return = np.zeros(self.world.num_envs)
        self._ever = np.zeros(self.world.num_envs, bool)

    def collect(self, generator: torch.Generator | None, deterministic: bool = False) -> RolloutBuffer:
        """Play one rollout; the buffer holds ``action, log_prob, reward, terminated, done, success``."""
        buffer = self.buffer
        self.episodes = []
        if self._fresh:
            buffer.start(self.see(self._observation.pictures), self._observation.proprio)
        else:
            buffer.go_on()
        self._fresh = False
        for step in range(buffer.steps):
            self._step(step, generator, deterministic)
        return buffer

    @torch.no_grad()
    def see(self, pictures: torch.Tensor) -> torch.Tensor:
        """What is kept of pictures: their features where the vision transformers are frozen."""
        if not self.frozen:
            return pictures
        return self.policy.vlas[0].vision_backbone(pictures.to(self.device)).float().cpu()

    def _step(self, step: int, generator: torch.Generator | None, deterministic: bool) -> None:
        buffer = self.buffer
        steps = torch.full_like(self._everywhere, step)
        actions, log_prob = self.policy.get_actions(
            buffer.inputs(steps, self._everywhere).to(self.device),
            buffer.proprios(steps, self._everywhere).to(self.device),
            deterministic,
            generator,
        )
        observation, reward, terminated, truncated, info = self.world.step(actions.cpu().numpy())
        ended = terminated | truncated
        buffer.record(
            step,
            action=actions.cpu(),
            log_prob=log_prob.cpu(),
            reward=torch.as_tensor(reward, dtype=torch.float32),
            terminated=torch.as_tensor(terminated),
            done=torch.as_tensor(ended),
            success=torch.as_tensor(info["success"]),
        )
        self._return += reward.mean(axis=1)
        self._ever |= info["success"]
        if ended.any():
            which, final = np.flatnonzero(ended), info["final"]
            buffer.ended.append(Ended(step, torch.from_numpy(which), self.see(final.pictures), final.proprio))
            for env in which:
                self.episodes.append(
                    {
                        "return": float(self._return[env]),
                        "success_at_end": float(info["success"][env]),
                        "success_ever": float(self._ever[env]),
                    }
                )
            self._return[which], self._ever[which] = 0.0, False
        buffer.put(step + 1, self.see(observation.pictures), observation.proprio, torch.as_tensor(ended))


def play_episodes(
    world: World, policy: MultiAgentVLAPolicy, seed: int, episodes: int, history_length: int, watch=None
) -> dict[str, np.ndarray]:
    """Play episodes without noise.

    Args:
        world: the environments; each plays one episode at a time, from ``seed``, ``seed + 1`` and so on.
        policy: acts.
        seed: of the first of them.
        episodes: how many to play.
        history_length: observations that are seen at once.
        watch: called before every step.

    Returns:
        ``return, success_at_end, success_ever``, each ``(episodes,)``.
    """
    played: list[dict[str, float]] = []
    while len(played) < episodes:
        collector = VLACollector(world, policy, 1, history_length)
        collector.restart(seed + len(played))
        open_ = world.num_envs
        first: dict[int, dict[str, float]] = {}
        while open_:
            if watch:
                watch()
            buffer = collector.collect(None, deterministic=True)
            if buffer.ended:
                for env, told in zip(buffer.ended[0].envs.tolist(), collector.episodes):
                    if env not in first:
                        first[env], open_ = told, open_ - 1
        played += [first[env] for env in sorted(first)]
    return {name: np.array([told[name] for told in played[:episodes]]) for name in played[0]}
