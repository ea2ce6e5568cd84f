"""Scalars to TensorBoard, videos to files, and a log that a resumed run continues without a seam."""

from __future__ import annotations

import contextlib
import math
import os
import time
from pathlib import Path

import imageio.v2 as imageio
import numpy as np


class Logger:
    """Writes a run's scalars and videos into its directory.

    Args:
        log_dir: the run's directory, made if missing.
    """

    def __init__(self, log_dir: str | Path):
        self.log_dir = Path(log_dir)
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._writer = None  # opened by the first scalar, so that a resumed log can be trimmed before

    def log_scalar(self, scalar: float, name: str, step: int) -> None:
        """Log one number under a tag."""
        self._opened().add_scalar(name, float(np.asarray(scalar).item()), step)

    def log_histogram(self, values: np.ndarray, name: str, step: int) -> None:
        """Log how numbers are spread under a tag; no scalar of the same tag."""
        self._opened().add_histogram(name, np.asarray(values), step)

    def _opened(self):
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter  # slow to import, and not every user logs

            self._writer = SummaryWriter(str(self.log_dir), flush_secs=30)
        return self._writer

    def log_trajs_as_videos(
        self,
        trajs: list[dict],
        step: int,
        max_videos_to_save: int = 2,
        fps: int = 30,
        video_title: str = "eval_rollouts",
    ) -> list[Path]:
        """Write the pictures of trajectories as MP4 files under ``videos/``; their paths."""
        paths = []
        for i, traj in enumerate(trajs[:max_videos_to_save]):
            path = self.log_dir / "videos" / f"{video_title}_{step}_{i}.mp4"
            paths.append(write_video(path, traj["image_obs"], fps))
        return paths

    def flush(self) -> None:
        """Bring everything logged so far to disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Flush and close the log."""
        if self._writer is not None:
            self._writer.close()

    def reopen(self) -> None:
        """Give up a log that could not be written: what follows goes to a new file beside it."""
        with contextlib.suppress(OSError):
            self.close()
        self._writer = None

    def forget_from(self, step: int) -> None:
        """Remove every scalar of ``step`` and later from the files of a log that nothing was written to yet.

        A killed run has logged past its last checkpoint; the resumed one logs those steps again.
        """
        if self._writer is not None:
            raise RuntimeError("a log is trimmed before anything is written to it")
        for path in event_files(self.log_dir):
            _drop_events_from(path, step)


class PatientLogger:
    """A logger that a full disk does not stop: what cannot be written is left out, and tried again a minute later.

    Args:
        logger: writes.

    Attributes:
        failures: how often the disk did not take something.
    """

    PAUSE = 60.0  # seconds

    def __init__(self, logger: Logger):
        self.logger, self.log_dir = logger, logger.log_dir
        self.failures, self._silent_until = 0, -math.inf

    def _try(self, name: str, *args):
        if time.monotonic() < self._silent_until:
            return None
        try:
            return getattr(self.logger, name)(*args)
        except OSError:
            self.failures += 1
            self._silent_until = time.monotonic() + self.PAUSE
            self.logger.reopen()
            return None

    def log_scalar(self, scalar: float, name: str, step: int) -> None:
        """Log one number under a tag, where there is room."""
        self._try("log_scalar", scalar, name, step)

    def log_histogram(self, values: np.ndarray, name: str, step: int) -> None:
        """Log how numbers are spread under a tag, where there is room."""
        self._try("log_histogram", values, name, step)

    def log_trajs_as_videos(self, *args) -> list[Path]:
        """Write videos, where there is room; their paths."""
        return self._try("log_trajs_as_videos", *args) or []

    def flush(self) -> None:
        """Bring everything logged so far to disk, where there is room."""
        self._try("flush")

    def forget_from(self, step: int) -> None:
        """As the logger's own."""
        self.logger.forget_from(step)


class NullLogger:
    """A logger that keeps nothing, for training that nobody watches."""

    def log_scalar(self, scalar: float, name: str, step: int) -> None:
        """Drop it."""

    def log_histogram(self, values: np.ndarray, name: str, step: int) -> None:
        """Drop it."""

    def log_trajs_as_videos(
        self,
        trajs: list[dict],
        step: int,
        max_videos_to_save: int = 2,
        fps: int = 30,
        video_title: str = "eval_rollouts",
    ) -> list[Path]:
        """Drop them."""
        return []

    def flush(self) -> None:
        """Nothing to flush."""

    def close(self) -> None:
        """Nothing to close."""


def write_video(path: str | Path, frames: np.ndarray, fps: int = 30) -> Path:
    """Write ``(time, height, width, 3)`` uint8 pictures as an MP4 that browsers play.

    Raises:
        ValueError: there are no pictures.
    """
    path = Path(path)
    if len(frames) == 0:
        raise ValueError(f"no pictures for {path}: sample the trajectory with render=True")
    path.parent.mkdir(parents=True, exist_ok=True)
    imageio.mimwrite(
        path, list(frames), fps=fps, codec="libx264", macro_block_size=2, output_params=["-loglevel", "error"]
    )
    return path


def event_files(log_dir: str | Path) -> list[Path]:
    """The TensorBoard files of a run, oldest first."""
    return sorted(Path(log_dir).glob("events.out.tfevents.*"))


def _drop_events_from(path: Path, step: int) -> None:
    """Rewrite one TensorBoard file without the scalars of ``step`` and later."""
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    from tensorboard.summary.writer.record_writer import RecordWriter

    rewritten = path.with_name("trimmed.writing")  # TensorBoard reads whatever has "tfevents" in its name
    with open(rewritten, "wb") as file:
        writer = RecordWriter(file)
        for event in LegacyEventFileLoader(str(path)).Load():
            if not event.HasField("summary") or event.step < step:
                writer.write(event.SerializeToString())
    os.replace(rewritten, path)
