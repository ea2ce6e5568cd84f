"""What every training run shares: seeds, progress, evaluation, checkpoint and exact resume, films, the log.

    rounds:   before, then the caller collects and learns, then evaluation and checkpoint where they are due
    evaluate: play, with the training's random streams untouched, and log the figures
    save:     settle, then write whatever the next round depends on
    resume:   read it, refuse other settings, settle, let the log forget what came after

A run says what is its own: what it is made of (``build``, ``begin``), how long it is (``total``), how it plays
(``play``, ``films``) and what it goes on from (``state``, ``load_state``). Its caller writes the loop.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from tqdm.auto import tqdm

from gcb6206.errors import CheckpointError
from gcb6206.infrastructure.checkpoint import load_checkpoint, load_run, save_checkpoint
from gcb6206.infrastructure.logger import NullLogger

CHECKPOINT = "checkpoint.pt"
LONGEST_EPISODE = 10_000  # steps of an evaluated episode where neither configuration nor world sets a limit
REPAINT = 0.5  # seconds between two paintings of the progress bar


class Run(ABC):
    """One training run.

    A resumed run repeats exactly what the killed one would have done: a checkpoint holds the run's ``state``, the
    random streams of numpy and of torch on the CPU, and how far evaluation and log had come. What draws on a GPU, or
    from a stream of its own, is the run's to keep in ``state`` or to begin anew in ``settle``.

    Args:
        config: the run's parts, as its configuration's ``build()`` gives them; ``settings``, where there are any,
            must be the same for a run to go on.
        logger: a ``Logger`` or ``NullLogger``; without a directory there are no checkpoints.
        args: ``seed``, and where given ``eval_interval``, ``checkpoint_interval`` (0 for none), ``resume`` and the
            number of films.

    Attributes:
        done: how far the training has come, in units of ``counter``.
        figures: what the progress bar shows.

    Raises:
        CheckpointError: ``args.resume`` is set and the checkpoint is missing, damaged, of other settings or of a
            finished run that wants no films.
    """

    counter: ClassVar[str] = "step"
    """What ``done`` counts: its name in the checkpoint and in the progress bar."""
    evaluates: ClassVar[bool] = True
    """Whether ``rounds`` evaluates; otherwise the caller does."""
    film_flag: ClassVar[str] = "num_render_episodes"
    """The argument that says how many films are wanted."""
    film_title: ClassVar[str] = "eval_rollouts"

    def __init__(self, config: dict, logger, args: argparse.Namespace):
        self.config, self.logger, self.args = config, logger, args
        directory = getattr(logger, "log_dir", None)
        self.directory = Path(directory) if directory else None
        self.done = self._saved_at = self._evaluated_at = 0
        self.figures: dict[str, float] = {}
        self.film_fps = 30
        np.random.seed(args.seed % 2**32)
        torch.manual_seed(args.seed)
        self.build()
        if getattr(args, "resume", None):
            self._restore()
        else:
            self.begin()

    # What a run says of its own

    @abstractmethod
    def build(self) -> None:
        """Make the parts: environments, agent and the like."""

    @property
    @abstractmethod
    def total(self) -> int:
        """How far the training goes, in units of ``counter``."""

    def play(self, seed: int) -> tuple[Sequence[float], dict[str, float]]:
        """Play the episodes of one evaluation, without noise.

        Args:
            seed: decided by the run's seed and how far it is.

        Returns:
            The episodes' returns, and the figures to log.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it plays")

    @abstractmethod
    def state(self) -> dict:
        """What the next round depends on, besides random streams: nested dicts of tensors, arrays and numbers.

        ``counter``'s name and ``evaluated_at, settings, figures, random`` are taken.
        """

    @abstractmethod
    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""

    def begin(self) -> None:
        """Begin a training that resumes nothing."""

    def before(self) -> None:
        """Done before each round."""

    def settle(self) -> None:
        """Bring what no checkpoint can hold, such as episodes in progress, into a state that the step decides."""

    @property
    def resting(self) -> bool:
        """Whether a checkpoint can be taken now."""
        return True

    @property
    def steps_done(self) -> int:
        """Environment steps so far: where the log's figures stand."""
        return self.done

    def films(self, wanted: int) -> Iterator[np.ndarray]:
        """So many episodes' pictures, ``(time, height, width, 3)`` uint8 each."""
        raise ValueError(f"{type(self).__name__} has no films: leave --{self.film_flag} out")

    # What all share

    def rounds(self) -> Iterator[float]:
        """The part of the training done, before each round still to do; evaluates and saves between rounds."""
        total = self.total
        evaluations = getattr(self.args, "eval_interval", 0) if self.evaluates else 0
        checkpoints = getattr(self.args, "checkpoint_interval", 0) if self.directory else 0
        silent = isinstance(self.logger, NullLogger)
        with tqdm(
            total=total, initial=self.done, unit=self.counter, dynamic_ncols=True, disable=silent
        ) as bar:
            painted = -math.inf
            while self.done < total:
                self.before()
                before = self.done
                yield before / total
                if self.done <= before:
                    raise RuntimeError(
                        f"the loop over {type(self).__name__}.rounds() left done at {before}: each round must raise it, or "
                        "the run never ends"
                    )
                over = self.done >= total
                if self.evaluates and (
                    over or (evaluations and self.done - self._evaluated_at >= evaluations)
                ):
                    self.evaluate()
                due = checkpoints and self.done - self._saved_at >= checkpoints and self.resting
                if due or (over and checkpoints):
                    self.save()
                if (now := time.monotonic()) - painted >= REPAINT or over:
                    bar.set_postfix({k: f"{value:.4g}" for k, value in self.figures.items()}, refresh=False)
                    bar.update(self.done - bar.n)
                    painted = now
        if self.evaluates:
            self.film()
        self.logger.flush()

    def evaluate(self, step: int | None = None) -> Sequence[float]:
        """Play the episodes of one evaluation and log their figures; their returns.

        Args:
            step: where the figures stand in the log; by default the steps done.
        """
        step = self.steps_done if step is None else step
        with random_streams_untouched():
            returns, figures = self.play(seed_of(self.args.seed, self.done, "evaluation"))
        for name, value in figures.items():
            self.logger.log_scalar(value, name, step)
        self.logger.flush()
        self._evaluated_at = self.done
        self.figures["eval"] = float(np.mean([float(value) for value in returns]))
        return returns

    def film(self, step: int | None = None) -> None:
        """Write the films that are wanted."""
        wanted = getattr(self.args, self.film_flag, 0)
        if wanted:
            with random_streams_untouched():
                films = [{"image_obs": np.asarray(pictures)} for pictures in self.films(wanted)]
            step = self.steps_done if step is None else step
            self.logger.log_trajs_as_videos(films, step, len(films), self.film_fps, self.film_title)

    def save(self) -> None:
        """Write the checkpoint."""
        self.logger.flush()
        self._saved_at = self.done
        self.settle()
        save_checkpoint(self.directory / CHECKPOINT, self.snapshot())

    def snapshot(self) -> dict:
        """Everything that a checkpoint holds."""
        numpy_state = np.random.get_state()
        names = ("keys", "position", "has_gauss", "gauss")
        shared = {
            self.counter: self.done,
            "evaluated_at": self._evaluated_at,
            "settings": self._settings(),
            "figures": dict(self.figures),
            "random": {"numpy": dict(zip(names, numpy_state[1:])), "torch": torch.get_rng_state()},
        }
        own = self.state()
        if taken := sorted(shared.keys() & own.keys()):
            raise ValueError(
                f"{type(self).__name__}.state() has {taken[0]!r}, which every run's checkpoint holds: name it otherwise"
            )
        return {**shared, **own}

    def _restore(self) -> None:
        if self.directory is None:
            raise CheckpointError(
                f"nothing to resume: a {type(self.logger).__name__} has no directory with a checkpoint; give the run "
                "Logger(DIR)"
            )
        path = self.directory / CHECKPOINT
        state = load_run(path, self._settings())
        try:
            self.done = self._saved_at = state[self.counter]
            self._evaluated_at, self.figures = state["evaluated_at"], state["figures"]
            self.load_state(state)
            numpy_state, torch_state = state["random"]["numpy"], state["random"]["torch"]
        except KeyError as error:
            raise CheckpointError(
                f"checkpoint {path} lacks {error}: another version of the course wrote it, so train again"
            ) from None
        films = self.evaluates and getattr(self.args, self.film_flag, 0)  # may be all that a kill left to do
        if self.done >= self.total and not films:
            raise CheckpointError(
                f"the run in {self.directory} is finished, {self.done} of {self.total} {self.counter}s are done: begin "
                "another without --resume"
            )
        try:
            keys = numpy_state["keys"].numpy()
            np.random.set_state(
                ("MT19937", keys, *(numpy_state[n] for n in ("position", "has_gauss", "gauss")))
            )
            torch.set_rng_state(torch_state)
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"checkpoint {path} holds random numbers' states that are none ({error}): train again"
            ) from None
        self.settle()
        self.logger.forget_from(self.first_after)

    @property
    def first_after(self) -> int:
        """The first step of the log that belongs to the next round."""
        return self.steps_done + 1

    def _settings(self) -> dict:
        """What must be the same for a run to go on: the seed and the configuration's fields."""
        return {"seed": self.args.seed, **self.config.get("settings", {})}


def seed_of(*parts: object) -> int:
    """A seed that depends on every part."""
    text = "/".join(map(str, parts)).encode()
    return int(np.random.SeedSequence(list(text)).generate_state(1)[0])


def load_trained(agent, log_dir: str | Path):
    """The agent, as the checkpoint of a run's directory left it.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
    """
    agent.load_training_state(load_checkpoint(Path(log_dir) / CHECKPOINT)["agent"])
    return agent


@contextlib.contextmanager
def random_streams_untouched() -> Iterator[None]:
    """Give the process's random streams of numpy, and of torch on the CPU, back as they were."""
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)
