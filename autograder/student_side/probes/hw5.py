"""Probes of homework 5 (distributed PPO): what the judges can do with a student's functions."""

from __future__ import annotations

import contextlib
import copy
import errno
import hashlib
import inspect
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn

from autograder.student_side.probes import describe, kind, number_kind, plain, probe
from autograder.student_side.probes.tensors import side_effects
from gcb6206 import exercises
from gcb6206.agents import realm_agent
from gcb6206.agents import vtrace as vtrace_module
from gcb6206.env_configs import realm_config
from gcb6206.infrastructure.distributed import pool as pool_module
from gcb6206.infrastructure.distributed import trajectory as trajectories_module
from gcb6206.infrastructure.distributed.buffer import TrajectoryBuffer
from gcb6206.infrastructure.distributed.pool import ModelPool
from gcb6206.infrastructure.distributed.trajectory import Trajectory
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.networks import realm as networks


@probe("hw5.mask_logits")
def mask_logits(logits: np.ndarray, legal: np.ndarray, weights: np.ndarray) -> dict:
    """One call; what came back, and the gradient of its legal entries' weighted sum, 0 where there is none."""
    leaf = torch.from_numpy(logits.copy()).requires_grad_()
    given = {"logits": leaf * 1.0, "legal": torch.from_numpy(legal.copy())}
    with side_effects(given) as changed:
        result = networks.mask_logits(*given.values())
    slope = None
    if isinstance(result, torch.Tensor) and result.requires_grad and result.shape == leaf.shape:
        total = (result * torch.from_numpy(weights)).sum()
        (slope,) = torch.autograd.grad(total, leaf, allow_unused=True)
    gradient = np.zeros_like(logits) if slope is None else plain(slope)
    return {"type": kind(result), "value": plain(result), "gradient": gradient, "changed": changed}


class ScriptedPolicy(nn.Module):
    """Says at each call what a script wants: another call finds other weights, as in a distributed training."""

    def __init__(self, log_probs: np.ndarray, values: np.ndarray):
        super().__init__()
        self.script = [torch.from_numpy(array.copy()) for array in (log_probs, values)]
        self.weight = nn.Parameter(torch.zeros(()))
        self.asked: list[object] = []
        self.shown: list[str] = []
        self.with_gradients = False

    def forward(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.asked.append(plain(observations))
        self.shown.append(kind(observations))
        self.with_gradients |= torch.is_grad_enabled()
        turn = min(len(self.asked), len(self.script[0])) - 1
        log_probs, values = (part[turn] for part in self.script)
        return log_probs + self.weight, values + self.weight

    def evaluate(self, observations: torch.Tensor, actions: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """As RealmPolicy has it."""
        log_probs, values = self(observations)
        taken = log_probs.gather(1, torch.as_tensor(actions)[:, None])[:, 0]
        return taken, -(log_probs.exp() * log_probs).sum(dim=1).mean(), values

    def value(self, observations: torch.Tensor) -> torch.Tensor:
        """As RealmPolicy has it."""
        return self(observations)[1]


@probe("hw5.behaviour_log_prob")
def behaviour_log_prob(
    log_probs: np.ndarray,
    values: np.ndarray,
    observations: np.ndarray,
    noise: np.ndarray | None,
    training: bool = True,
    times: int = 1,
) -> dict:
    """The last of some calls with a policy that says log_probs[k] and values[k] when it is asked for the k-th time.

    Args:
        training: the policy's mode.
        times: how many calls.
    """
    policy = ScriptedPolicy(log_probs, values).train(training)
    given = {"observations": observations} | ({} if noise is None else {"noise": noise})
    with side_effects(given) as changed:
        for _ in range(times):
            result = realm_agent.behaviour_log_prob(policy, observations, noise)
    if policy.training != training:
        changed.append("the policy's mode")
    if not policy.weight.requires_grad:
        changed.append("whether the policy's weights learn")
    parts = result if isinstance(result, (tuple, list)) and len(result) == 3 else (None, None, None)
    size = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
    return {
        "returned": f"{kind(result)}{size}",
        "types": [kind(part) for part in parts],
        "dtypes": [str(getattr(part, "dtype", "")) for part in parts],
        "actions": plain(parts[0]),
        "log_probs": plain(parts[1]),
        "values": plain(parts[2]),
        "asked": policy.asked[:5],
        "shown": policy.shown[:5],
        "times": len(policy.asked),
        "with_gradients": policy.with_gradients,
        "changed": changed,
    }


def insides(buffer: TrajectoryBuffer) -> dict[str, object]:
    """All that a buffer holds, to be compared."""
    held = {name: value for name, value in vars(buffer).items() if name != "_generator"}
    held["the draws' generator"] = buffer._generator.bit_generator.state
    return {name: (repr(value) if name == "_items" else copy.deepcopy(value)) for name, value in held.items()}


@probe("hw5.should_train")
def should_train(
    capacity: int,
    train_batch_size: int,
    preload_ratio: float,
    production_consume_ratio: float,
    sampler: str,
    events: np.ndarray,
    follow: bool = False,
) -> dict:
    """A buffer's life, in which it is asked twice after each event.

    Args:
        capacity, train_batch_size, preload_ratio, production_consume_ratio, sampler: of the buffer.
        events: 1 inserts a trajectory, 2 sends the last one again, 3 inserts one after two that got lost, 0 trains (as
            far as there are enough), -1 clears.
        follow: train as well wherever the answer is True, at most ten times in a row.

    Returns:
        answers and again, the first and the second one after each event; types of the answers; trainings after each
        event, where they follow the answers; changed, what asking changed.
    """
    arguments = (capacity, train_batch_size, preload_ratio, production_consume_ratio, sampler)
    buffer, sent = TrajectoryBuffer(*arguments), 0
    answers, again, types, trainings, changed = [], [], set(), [], set()
    with side_effects({}) as outside:
        for event in events.tolist():
            if event in (1, 3):
                sent += 2 * (event == 3)
                buffer.insert(Trajectory(0, sent, 0, {}))
                sent += 1
            elif event == 2:
                buffer.insert(Trajectory(0, sent - 1, 0, {}))
            elif event == 0 and len(buffer) >= train_batch_size:
                buffer.sample()
            elif event == -1:
                buffer.clear()
            before = insides(buffer)
            first, second = buffer.should_train(), buffer.should_train()
            after = insides(buffer)
            changed |= {name for name in before | after if before.get(name) != after.get(name)}
            types |= {number_kind(first), number_kind(second)}
            answers.append(bool(first))
            again.append(bool(second))
            times = 0
            while follow and len(buffer) >= train_batch_size and times < 10 and buffer.should_train():
                buffer.sample()
                times += 1
            trainings.append(times)
    return {
        "answers": np.array(answers),
        "again": np.array(again),
        "types": sorted(types),
        "trainings": np.array(trainings),
        "changed": sorted(changed | set(outside)),
    }


@probe("hw5.drop_stale")
def drop_stale(versions: np.ndarray, order: np.ndarray, version: int, max_lag: int | None) -> dict:
    """One call with trajectories of these versions; the numbers of those in the two lists, -1 for other objects.

    Args:
        versions: of each trajectory.
        order: the numbers of those that the list holds; one may stand there twice.
    """
    made = [
        Trajectory(0, number, int(played), {"rewards": np.full(2, number, np.float32)})
        for number, played in enumerate(versions.tolist())
    ]
    given = [made[number] for number in order.tolist()]
    kept_list = list(given)
    arrays = {f"the arrays of trajectory {t.sequence}": t.arrays["rewards"] for t in made}
    with side_effects(arrays) as changed:
        try:
            result = trajectories_module.drop_stale(given, version, max_lag)
            other = trajectories_module.drop_stale(given, version, max_lag)
        except ValueError as error:
            told = {"message": str(error)[:1000], "raised": describe(error)["message"]}
            return {"refused": True, **told} | dict.fromkeys(
                ("returned", "types", "kept", "dropped", "own"), ""
            )
    if len(given) != len(kept_list) or any(a is not b for a, b in zip(given, kept_list)):
        changed.append("trajectories")
    is_pair = isinstance(result, (tuple, list)) and len(result) == 2
    parts = result if is_pair else (None, None)

    def numbers(part: object) -> object:
        if not isinstance(part, (list, tuple)):
            return plain(part)
        return np.array([next((n for n, t in enumerate(made) if t is one), -1) for one in part], int)

    return {
        "refused": False,
        "message": "",
        "raised": "",
        "returned": f"{kind(result)} of {len(result)}" if isinstance(result, (tuple, list)) else kind(result),
        "types": [kind(part) for part in parts],
        "kept": numbers(parts[0]),
        "dropped": numbers(parts[1]),
        "own": all(part is not given for part in parts) and not _shares_a_part(parts, other),
        "changed": changed,
    }


def _shares_a_part(parts: tuple, others: object) -> bool:
    """Whether two calls handed out the same list."""
    others = others if isinstance(others, (tuple, list)) else ()
    return any(part is other for part in parts for other in others)


@probe("hw5.vtrace")
def vtrace(
    log_ratio: np.ndarray,
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    gamma: float,
    options: dict,
) -> dict:
    """One call; what came back, and what it changed beside that."""
    given = {
        "log_ratio": log_ratio, "rewards": rewards, "values": values, "next_values": next_values,
        "terminated": terminated, "truncated": truncated,
    }  # fmt: skip
    with side_effects(given) as changed, np.errstate(all="ignore"):
        result = vtrace_module.vtrace(*given.values(), gamma, **options)
    is_pair = isinstance(result, (tuple, list)) and len(result) == 2
    parts = result if is_pair else (None, None)
    size = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
    return {
        "returned": f"{kind(result)}{size}",
        "types": [kind(part) for part in parts],
        "dtypes": [str(getattr(part, "dtype", "")) for part in parts],
        "targets": plain(parts[0]),
        "advantages": plain(parts[1]),
        "apart": not (
            all(isinstance(part, np.ndarray) for part in parts)
            and any(np.shares_memory(part, other) for part in parts for other in given.values())
        ),
        "changed": changed,
    }


# --- the model pool ---------------------------------------------------------------------------------


WRITE = os.write


class Killed(BaseException):
    """The process ends here."""


class Watch:
    """Sees what happens to the files of a directory, and makes some of it fail.

    Python tells its audit hooks of every file that is opened, renamed, linked or removed, by whatever function.
    """

    current: Watch | None = None
    hooked = False

    def __init__(self, directory: Path):
        self.directory, self.journal = directory, []
        self.fails, self.kills = "", ""  # at which kind of event
        self.error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.synced: dict[int, int] = {}  # of each file that was synchronised, its size then
        self._busy = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """While it holds."""
        if not Watch.hooked:
            sys.addaudithook(Watch._heard)
            Watch.hooked = True
        implementation = exercises.get("hw5.publish").implementation
        names = getattr(inspect.unwrap(implementation), "__globals__", {}) if implementation else {}
        bare = {name: self._fsync for name, value in names.items() if value is os.fsync}
        bare |= {name: self._write for name, value in names.items() if value is os.write}
        Watch.current = self
        try:
            with (
                mock.patch.object(os, "fsync", self._fsync),
                mock.patch.object(os, "fdatasync", self._fsync, create=True),
                mock.patch.object(os, "write", self._write),
                mock.patch.dict(names, bare) if bare else contextlib.nullcontext(),
            ):
                yield
        finally:
            Watch.current = None

    @staticmethod
    def _heard(event: str, arguments: tuple) -> None:
        watch = Watch.current
        if watch is None or watch._busy or event not in ("open", "os.rename", "os.link", "os.remove"):
            return
        watch._busy = True
        try:
            watch._see(event, arguments)
        finally:
            watch._busy = False

    def _see(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else flags & 3
            if writes and isinstance(path, (str, bytes, os.PathLike)) and self._inside(path):
                self._note("write", name=Path(os.fsdecode(path)).name)
            return
        if event == "os.remove":
            if self._inside(arguments[0]):
                self._note("remove", name=Path(os.fsdecode(arguments[0])).name)
            return
        source, target = (Path(os.fsdecode(path)) for path in arguments[:2])
        if self._inside(target):
            status = source.stat() if source.exists() else None
            self._note(
                "rename",
                by=event,
                name=target.name,
                source=source.name,
                near=self._inside(source),
                size=status.st_size if status else -1,
                synced=self.synced.get(status.st_ino, -1) if status else -1,
            )

    def _inside(self, path: object) -> bool:
        try:
            return Path(os.fsdecode(path)).resolve().parent == self.directory
        except (TypeError, OSError):
            return False

    def _fsync(self, file: object) -> None:
        """Stands for the real one, which may take long and has no say in what a reader finds."""
        descriptor = file if isinstance(file, int) else file.fileno()
        status = os.fstat(descriptor)
        self.synced[status.st_ino] = status.st_size
        self._busy = True
        try:
            self._note("sync", size=status.st_size)
        finally:
            self._busy = False

    @staticmethod
    def _write(descriptor: int, content: bytes) -> int:
        """As os.write, which may take a part of a file only, and here does."""
        most = max(1, len(content) // 2) if stat.S_ISREG(os.fstat(descriptor).st_mode) else len(content)
        return WRITE(descriptor, content[:most])

    def _note(self, what: str, **values: object) -> None:
        """Write down an event and what a reader finds just now; then fail, where that is wanted."""
        versions, damaged = readable(self.directory)
        self.journal.append({"what": what, **values, "versions": versions, "damaged": damaged})
        if what == self.kills:
            self.kills = ""
            raise Killed
        if what == self.fails:
            raise self.error


def readable(directory: Path) -> tuple[list[int], list[int]]:
    """The versions that another process finds, and those of them that it cannot read."""
    reader, damaged = ModelPool(directory), []
    versions = reader.versions()
    for version in versions:
        expected, _, content = reader.path(version).read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != expected:
            damaged.append(version)
    return versions, damaged


def weights(version: int, size: int) -> dict[str, torch.Tensor]:
    """Weights that tell their version."""
    return {"w": torch.full((size,), float(version)), "b": torch.arange(3) + version}


@probe("hw5.publish")
def publish(publications: list, keep: int, size: int = 50, others: list | None = None) -> dict:
    """Publications, one after the other.

    Args:
        publications: a dictionary each: `version`; `numpy`, whether it is a number of NumPy; `fails`, at which event
            the disk refuses ("write", "sync", "rename"), and `error`, the name of its number or ""; `kills`, at which
            the process ends ("write", "sync",
            "rename", "remove"); `room`, how many bytes fewer than needed are free (0: just enough); `again`, whether
            another process goes on with the same directory, and keeps `keep` versions if that is named; `damages`, the
            version whose file is spoilt before.
        keep: versions that stay.
        size: numbers in the weights.
        others: names of files that lie there already.

    Returns:
        A dictionary for each publication: what it returned or raised, and what is there afterwards.
    """
    told = []
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder).resolve() / "pool"
        model_pool = ModelPool(directory, keep)
        for name in others or []:
            (directory / name).write_text("here before")
        for wanted in publications:
            if wanted.get("again"):
                model_pool = ModelPool(directory, wanted.get("keep", keep))
            if "damages" in wanted:
                model_pool.path(wanted["damages"]).write_bytes(b"spoilt")
            for known in model_pool.versions():  # a file's time says nothing about its version
                os.utime(model_pool.path(known), (10**9 - known,) * 2)
            told.append(_one_publication(model_pool, wanted, size, set(others or [])))
    return {"publications": told}


def _one_publication(model_pool: ModelPool, wanted: dict, size: int, others: set[str]) -> dict:
    version, directory = wanted["version"], model_pool.directory
    state, watch = weights(version, size), Watch(directory)
    needed = len(pool_module.to_bytes(state))
    files = {path.name for path in directory.iterdir()}
    watch.fails, watch.kills = wanted.get("fails", ""), wanted.get("kills", "")
    if "error" in wanted:
        number = getattr(errno, wanted["error"], 0)
        watch.error = OSError(number, os.strerror(number)) if number else OSError("no answer")
    free = shutil.disk_usage(directory)._replace(free=10**9)
    lacking = wanted.get("room")
    model_pool.min_free = 0 if lacking is None else 10**9 - needed + lacking
    answer = {"returned": "", "raised": "", "message": "", "killed": False}
    before = model_pool.failures
    with (
        side_effects(state) as changed,
        watch.watching(),
        mock.patch.object(shutil, "disk_usage", lambda path: free),
    ):
        try:
            result = model_pool.publish(state, np.int64(version) if wanted.get("numpy") else version)
            answer |= {"returned": kind(result), "value": plain(result)}
        except Killed:
            answer["killed"] = True
        except Exception as error:
            message = describe(error)["message"]
            answer |= {"raised": type(error).__name__, "message": str(error)[:1000], "told": message}
            if not isinstance(error, (ValueError, OSError)):
                raise
    versions, damaged = readable(directory)
    now = {path.name for path in directory.iterdir()}
    named = {model_pool.path(known).name for known in versions}
    right = [
        known
        for known in versions
        if known not in damaged
        and all(
            torch.equal(value, model_pool.load(known)[1].get(name, torch.zeros(0)))
            for name, value in weights(known, size).items()
        )
    ]
    return {
        "value": False,
        "told": "",
        **answer,
        "failures": plain(model_pool.failures - before),
        "versions": np.array(versions, int),
        "right": np.array(right, int),
        "left": sorted(now - files - named)[:5],
        "lost": sorted(others - now)[:5],
        "journal": watch.journal[:40],
        "changed": changed,
    }


# --- shaping ----------------------------------------------------------------------------------------


@probe("hw5.shaping")
def shaping() -> dict:
    """The settings as they are written down."""
    result = realm_config.shaping()
    return {"type": kind(result), "text": plain(result)}


class Figures(NullLogger):
    """Keeps every scalar."""

    def __init__(self):
        self.seen: dict[str, list[float]] = {}

    def log_scalar(self, scalar: float, name: str, step: int) -> None:
        """Keep it."""
        self.seen.setdefault(name, []).append(float(np.asarray(scalar).item()))
