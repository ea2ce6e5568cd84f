"""Demonstrations with pictures, and the chunks of actions that a policy is to predict from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from gcb6206.errors import ConfigError

FIELDS = ("pictures", "proprio", "action", "first")


class Demonstrations:
    """Episodes one behind the other.

    Args:
        pictures: before each step, ``(steps, cameras, height, width, 3)`` uint8.
        proprio: ``(steps, n_agents, proprio_dim)``.
        action: ``(steps, n_agents, components)``, what was done then.
        first: ``(steps,)`` bool, the step is its episode's first.
        views: for each agent the numbers of its cameras.
    """

    def __init__(
        self,
        pictures: np.ndarray,
        proprio: np.ndarray,
        action: np.ndarray,
        first: np.ndarray,
        views: tuple[tuple[int, ...], ...],
    ):
        self.pictures = torch.from_numpy(pictures)
        self.proprio = torch.from_numpy(proprio.astype(np.float32))
        self.action = torch.from_numpy(action.astype(np.float32))
        self.views = torch.tensor(views)
        steps = torch.arange(len(first))
        begins = torch.from_numpy(first)
        self.begin = torch.where(begins, steps, 0).cummax(0).values
        ends = torch.cat([begins[1:], torch.tensor([True])])
        self.end = torch.where(ends, steps, len(steps)).flip(0).cummin(0).values.flip(0)

    @classmethod
    def read(cls, path: str | Path, views, episodes: int | None = None) -> Demonstrations:
        """The first so many episodes of a file; None: all.

        Raises:
            ConfigError: no such file, not one of demonstrations, or too few episodes in it.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in FIELDS}
        except FileNotFoundError:
            raise ConfigError(f"no demonstrations {path}: record them first") from None
        except (KeyError, ValueError, OSError) as error:
            raise ConfigError(f"{path} holds no demonstrations ({error}): record them again") from None
        begins = np.flatnonzero(arrays["first"])
        if episodes is not None:
            if episodes > len(begins):
                raise ConfigError(
                    f"{path} has {len(begins)} demonstrations, {episodes} are asked for: record more"
                )
            if episodes < len(begins):
                arrays = {name: array[: begins[episodes]] for name, array in arrays.items()}
        return cls(**arrays, views=views)

    @property
    def steps(self) -> int:
        """Steps of all episodes."""
        return len(self.begin)

    @property
    def episodes(self) -> int:
        """How many there are."""
        return len(self.begin.unique())

    @property
    def image_size(self) -> int:
        """Side of the pictures."""
        return self.pictures.shape[2]

    @property
    def n_agents(self) -> int:
        """How many agents act."""
        return self.proprio.shape[1]

    @property
    def proprio_dim(self) -> int:
        """Proprioceptive features of an agent."""
        return self.proprio.shape[2]

    def statistics(self, low: np.ndarray, high: np.ndarray) -> dict:
        """What ``dataset_statistics.json`` says of a data set; the bounds of the actions are the robot's limits."""
        found = {}
        for name, data in (("action", self.action), ("proprio", self.proprio)):
            flat = data.flatten(0, 1).double()
            found[name] = {
                "mean": flat.mean(0).tolist(),
                "std": flat.std(0).tolist(),
                "min": flat.amin(0).tolist(),
                "max": flat.amax(0).tolist(),
                "q01": flat.quantile(0.01, 0).tolist(),
                "q99": flat.quantile(0.99, 0).tolist(),
            }
        found["action"] |= {"min": np.asarray(low).tolist(), "max": np.asarray(high).tolist()}
        return {**found, "num_transitions": self.steps, "num_trajectories": self.episodes}

    def rows(self, steps: torch.Tensor, history_length: int) -> torch.Tensor:
        """The steps of a history, newest first, ``(batch, history)``."""
        return torch.maximum(steps[:, None] - torch.arange(history_length), self.begin[steps, None])

    def chunks(self, steps: torch.Tensor, length: int) -> torch.Tensor:
        """The actions from each step on, the last one repeated at the end, ``(batch, n_agents, length, components)``."""
        rows = torch.minimum(steps[:, None] + torch.arange(length), self.end[steps, None])
        return self.action[rows].transpose(1, 2)

    def batch(self, steps: torch.Tensor, history_length: int, chunk: int, policy, device) -> tuple:
        """What a policy is trained with: features, each picture encoded once; proprioception; chunks.

        Args:
            steps: ``(batch,)``.
            history_length, chunk: observations that are seen, actions that are predicted at once.
            policy: encodes, with gradients where its vision transformers learn.
            device: where it does.
        """
        rows = self.rows(steps, history_length)
        needed, place = rows.unique(return_inverse=True)
        vlas = policy.vlas
        if vlas[0].vision_backbone is not vlas[-1].vision_backbone:  # each agent has an encoder of its own
            seen = self.pictures[rows[:, None, :, None], self.views[None, :, None, :]].flatten(2, 3)
            inputs = policy.encode(seen.to(device))
        else:
            features = vlas[0].vision_backbone(self.pictures[needed].to(device))
            inputs = features[place.to(device)[:, None, :, None], self.views.to(device)[None, :, None, :]]
            inputs = inputs.flatten(2, 3)
        return inputs, self.proprio[steps].to(device), self.chunks(steps, chunk).to(device)
