"""Checkpoints: plain tensors, numbers and strings in one file, written whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import torch

from gcb6206.errors import CheckpointError


def save_checkpoint(path: str | Path, content: dict) -> Path:
    """Write a checkpoint beside its place, then move it there: a kill leaves the old one.

    Args:
        path: the file.
        content: nested dicts and lists of tensors, numpy arrays, numbers, strings and None.

    Raises:
        CheckpointError: it cannot be written, as on a full disk; nothing is left of it.
    """
    path = Path(path)
    unfinished = path.with_name(path.name + ".writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(_map(content, np.ndarray, torch.from_numpy), unfinished)
        os.replace(unfinished, path)
    except (OSError, RuntimeError) as error:  # torch tells a full disk by a RuntimeError
        unfinished.unlink(missing_ok=True)
        free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
        raise CheckpointError(
            f"cannot write checkpoint {path} ({_reason(error)}): {free / 1e6:.0f} MB are free there; make room, or "
            "begin a run elsewhere with --log_root"
        ) from error
    return path


def load_checkpoint(path: str | Path) -> dict:
    """Read a checkpoint; tensors stay tensors.

    Raises:
        CheckpointError: the file is missing or damaged; the message names it.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(
            f"no checkpoint {path}: a run writes its first one after --checkpoint_interval steps, and none if that is 0; "
            "begin another run"
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(
            f"checkpoint {path} is damaged ({_reason(error)}): delete it and train again"
        ) from error


def load_run(path: str | Path, settings: dict) -> dict:
    """Read the checkpoint of a run that is to go on; its ``settings`` must be the run's.

    Raises:
        CheckpointError: the file is missing or damaged, or was written with other settings; the message names
            those that differ.
    """
    state = load_checkpoint(path)
    if not isinstance(state, dict) or not isinstance(state.get("settings"), dict):
        raise CheckpointError(f"checkpoint {path} is not that of a run: delete it and train again")
    differing = [
        f"{name} was {state['settings'].get(name)!r}, is {settings.get(name)!r}"
        for name in {**state["settings"], **settings}
        if state["settings"].get(name) != settings.get(name)
    ]
    if differing:
        raise CheckpointError(f"cannot resume {path} with other settings: {'; '.join(differing)}")
    return state


def _reason(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def tensors_to_numpy(content):
    """A nested structure with numpy arrays in the place of tensors."""
    return _map(content, torch.Tensor, lambda tensor: tensor.numpy())


def copied(content):
    """A nested structure with copies of its tensors."""
    return _map(content, torch.Tensor, lambda tensor: tensor.detach().clone())


def _map(content, kind: type, function):
    """Apply a function to every leaf of a kind."""
    if isinstance(content, kind):
        return function(content)
    if isinstance(content, dict):
        return {key: _map(value, kind, function) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_map(value, kind, function) for value in content)
    return content
