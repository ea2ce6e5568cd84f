"""`nbgrader autograde`, sealed: every submission gets a score and a feedback notebook, whatever was handed in."""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader import converters
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from traitlets import Bool, Float, Integer, List, Unicode

from autograder import max_points
from autograder.nbgrader_plugin import agents, history, submission
from autograder.nbgrader_plugin.grading import RECORD, Graded, Job, exercise_of
from autograder.nbgrader_plugin.pool import LocalPool, RayPool, cores
from autograder.sandbox import Limits, SandboxUnavailable, nursery
from autograder.sandbox.limits import GIB

UNSAFE_VARIABLE = "GCB6206_UNSAFE_NO_SANDBOX"


class SaveGrades(SaveAutoGrades):
    """nbgrader's own, with one transaction for a notebook instead of one for each cell."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Enters the scores into the gradebook."""
        where = resources["nbgrader"]
        self.notebook_id, self.assignment_id = where["notebook"], where["assignment"]
        self.student_id, self.db_url = where["student"], where["db_url"]
        with Gradebook(self.db_url, self.parent.parent.coursedir.course_id) as self.gradebook:
            session = self.gradebook.db
            commit, session.commit = session.commit, session.flush
            try:
                nb, resources = NbGraderPreprocessor.preprocess(self, nb, resources)
            finally:
                session.commit = commit
            session.commit()
        return nb, resources


class Autograde(converters.Autograde):
    """nbgrader's converter with our sandbox and judges behind it.

    It differs from nbgrader's own in what becomes of a bad submission: a missing, renamed or broken notebook, deleted
    or doubled cells, code that crashes or never ends get a score and a reason, and the batch goes on. Several
    submissions are graded at once; this process alone writes to the gradebook.
    """

    seed = Integer(
        None,
        allow_none=True,
        help="Seed of the judges. By default every run draws a secret one and records it.",
    ).tag(config=True)

    unsafe_no_sandbox = Bool(
        help=f"Run submissions without isolation. Also: the environment variable {UNSAFE_VARIABLE}=1."
    ).tag(config=True)

    workers = Integer(help="How many notebooks are graded at once (default: the cores).", min=1).tag(
        config=True
    )
    ray = Unicode("", help="Grade on the Ray cluster at this address instead, such as auto.").tag(config=True)
    seconds_per_cell = Float(Limits.seconds_per_cell, help="Wall time of one cell.").tag(config=True)
    seconds_per_probe = Float(Limits.seconds_per_probe, help="Wall time of one call of a judge.").tag(
        config=True
    )
    seconds_per_training = Float(
        Limits.seconds_per_training, help="The same, for a call that trains an agent."
    ).tag(config=True)
    seconds_total = Float(Limits.seconds_total, help="Wall time of one notebook.").tag(config=True)
    memory_gib = Float(Limits.memory / GIB, help="Memory of one submission, in GiB.").tag(config=True)
    processes = Integer(Limits.processes, help="Processes and threads of one submission.").tag(config=True)

    autograde_preprocessors = List(
        [OverwriteKernelspec, LimitOutput, SaveGrades, AssignLatePenalties, CheckCellMetadata],
        help="What becomes of a notebook after it was run and judged.",
    ).tag(config=True)

    def _unsafe_no_sandbox_default(self) -> bool:
        return os.environ.get(UNSAFE_VARIABLE) == "1"

    def _workers_default(self) -> int:
        return cores()

    def limits(self) -> Limits:
        """What one submission may use."""
        return Limits(
            seconds_per_cell=self.seconds_per_cell,
            seconds_per_probe=self.seconds_per_probe,
            seconds_per_training=self.seconds_per_training,
            seconds_total=self.seconds_total,
            memory=int(self.memory_gib * GIB),
            memory_total=int((self.memory_gib + 1) * GIB),
            processes=self.processes,
        )

    def start(self) -> None:
        """Grades all submissions that were not graded yet.

        Raises:
            NbGraderException: there is no sandbox, the assignment is unknown, or the grader itself failed.
        """
        if self.config.get("Execute", {}).get("enabled") is False:
            raise self._error(
                "--no-execute would believe the outputs that a submission brings along. Leave it out."
            )
        if self.unsafe_no_sandbox:
            self.log.warning("Grading WITHOUT isolation: every submission can read and change your files.")
        if self.seed is None:
            self.seed = secrets.randbits(48)  # fits a spreadsheet
        nursery.sweep()
        try:
            super().start()
        except SandboxUnavailable as error:
            raise self._error(str(error)) from None

    def init_notebooks(self) -> None:
        """Finds the submissions. Each one owes all notebooks of the assignment, whatever it holds."""
        assignment = self.coursedir.assignment_id
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            entries = [entry for entry in gradebook.assignments if entry.name == assignment]
            owed = [notebook.name for entry in entries for notebook in entry.notebooks]
            if not owed:
                raise self._error(
                    f"The gradebook has no assignment {assignment!r}: run `nbgrader generate_assignment` first."
                )
            owed = [name for name in owed if fnmatch.fnmatch(name, self.coursedir.notebook_id)]
            self._master = {name: submission.master_cells(gradebook, name, assignment) for name in owed}
        self._compare_points()
        pattern = self._format_source(assignment, self.coursedir.student_id)
        folders = glob.glob(pattern, include_hidden=True)
        self.assignments = {
            folder: [os.path.join(folder, f"{name}.ipynb") for name in owed]
            for folder in folders
            if os.path.isdir(folder) and self._has_a_name(folder)
        }
        if not self.assignments:
            super().init_notebooks()  # says what was looked for, and what is near

    def _has_a_name(self, folder: str) -> bool:
        """Whether a folder's name is text, which a gradebook can hold; says so where it is not."""
        try:
            folder.encode()
        except UnicodeEncodeError:
            self.log.error("%r was NOT graded: its name is no text (UTF-8). Rename the folder.", folder)
            return False
        return True

    def _compare_points(self) -> None:
        """Demands that gradebook and judges agree about the points.

        Raises:
            NbGraderException: they do not.
        """
        for cells in self._master.values():
            for cell in cells.values():
                exercise = exercise_of(cell)
                if exercise and max_points(exercise) != cell.metadata["points"]:
                    raise self._error(
                        f"{exercise} has {cell.metadata['points']:g} points in the gradebook and "
                        f"{max_points(exercise):g} with the judges: run `nbgrader generate_assignment` again, "
                        "then `nbgrader autograde --force`"
                    )

    def convert_notebooks(self) -> None:
        """Grades what is due, and writes each submission as soon as all its notebooks are graded.

        Raises:
            NbGraderException: the grader itself failed at some of them; all others are graded.
        """
        due = {folder: paths for folder, paths in sorted(self.assignments.items()) if self._is_due(folder)}
        skipped = len(self.assignments) - len(due)
        if skipped:
            self.log.info("%d submissions were graded before and have not changed", skipped)
        if not due:
            return
        failed, graded, self._loaded_once = [], {}, {}
        owner = {path: folder for folder, paths in due.items() for path in paths}
        missing = {folder: len(paths) for folder, paths in due.items()}
        with self._pool(len(owner)) as pool, logging_redirect_tqdm([self.log]):
            self.log.handlers[-1].setLevel(logging.INFO)  # which the redirection forgets
            self._report_limits(pool.limits_that_hold())
            results = pool.grade(self._jobs(due))
            # On a terminal a bar; in a log file one line a submission, from below.
            for job, result in tqdm(
                results, total=len(owner), unit="notebook", disable=None, file=sys.stderr
            ):
                folder = owner[job.path]
                graded[job.path] = result
                missing[folder] -= 1
                if not missing[folder]:
                    failed += self._write(folder, {path: graded.pop(path) for path in due[folder]})
        if failed:
            raise self._error(f"The grader itself failed, so these scores are not to be trusted: {failed}")

    def _pool(self, jobs: int) -> LocalPool | RayPool:
        homework = self.coursedir.assignment_id
        if not self.ray:
            return LocalPool(homework, min(self.workers, jobs), self.unsafe_no_sandbox)
        try:
            return RayPool(homework, self.ray)
        except RuntimeError as error:
            raise self._error(str(error)) from None

    def _report_limits(self, found: dict[str, bool]) -> None:
        """Says which limits hold here.

        Raises:
            NbGraderException: the isolation does not.
        """
        broken = [name for name, holds in found.items() if not holds]
        if {"network", "other files"} & set(broken):
            raise self._error(f"The sandbox does not isolate on this machine: {', '.join(broken)}")
        if found:
            self.log.info(
                "Limits that hold here: %s", ", ".join(name for name in found if name not in broken)
            )
        if broken:
            self.log.warning("Limits that do NOT hold here: %s", ", ".join(broken))

    def _jobs(self, due: dict[str, list[str]]) -> Iterator[Job]:
        for paths in due.values():
            for path in paths:
                content, refusal = self._loaded(path)
                digest = "" if refusal else hashlib.sha256(content).hexdigest()
                self._loaded_once[path] = self._identity(path, content, refusal), digest
                yield Job(
                    path, self.coursedir.assignment_id, content, refusal, self._master[Path(path).stem],
                    self.seed, self.limits(), self.unsafe_no_sandbox, agents.handed_in(Path(path)),
                )  # fmt: skip

    def _write(self, folder: str, graded: dict[str, Graded]) -> list[str]:
        """Enters one submission into the gradebook and writes its notebooks; returns what the grader failed at."""
        for path, result in graded.items():
            if result.grader_failure:
                self.log.error("The grader itself failed at %s:\n%s", path, result.grader_failure)
        self.assignments, self._graded = {folder: list(graded)}, graded
        try:
            super().convert_notebooks()
        except NbGraderException:
            return [folder]
        return [path for path, result in graded.items() if result.grader_failure]

    def _is_due(self, folder: str) -> bool:
        """Whether a submission is to be graded: it never was, not to its end, it is new, or --force was given."""
        ids = self._ids(folder)
        if ids["student_id"] in self.coursedir.student_id_exclude.split(","):
            return False
        destination = Path(self._format_dest(ids["assignment_id"], ids["student_id"]))
        for path in self.assignments[folder]:
            try:
                graded = json.loads((destination / Path(path).name).read_bytes())["metadata"][RECORD]
            except (OSError, ValueError, KeyError):  # never graded, or cut off while it was written
                return True
            if self.force or graded["submission"] != self._identity(path, *self._loaded(path)):
                return True
        return False

    @staticmethod
    def _loaded(path: str) -> tuple[bytes, str]:
        """What was handed in, or why it cannot be run at all."""
        try:
            return submission.load(Path(path)), ""
        except submission.UnreadableSubmission as error:
            return b"", str(error)

    @staticmethod
    def _identity(path: str, content: bytes, refusal: str) -> str:
        """Tells two submissions of one notebook apart."""
        text = refusal or hashlib.sha256(content).hexdigest()
        handed_in = f"{submission.timestamp(Path(path).parent) or ''} {text} {agents.identity(Path(path))}"
        return handed_in.strip()

    def _ids(self, folder: str) -> dict[str, str]:
        pattern = self._format_source("(?P<assignment_id>.*)", "(?P<student_id>.*)", escape=True)
        return re.fullmatch(pattern, folder).groupdict()

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Makes way for the graded notebooks: that they are due was found out before."""
        destination = Path(self._format_dest(assignment_id, student_id))
        if self.coursedir.notebook_id == "*":
            shutil.rmtree(destination, ignore_errors=True)
        else:
            for path in self.notebooks:
                (destination / Path(path).name).unlink(missing_ok=True)
        return True

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Enters the submission into the gradebook. Of its other files only the time of submission is taken over.

        Raises:
            NbGraderException: there is no such student, and none is to be made.
        """
        folder = Path(self._format_source(assignment_id, student_id))
        timestamp = submission.timestamp(folder)
        if timestamp is None and os.path.lexists(folder / "timestamp.txt"):
            self.log.warning(
                "%s of %s counts as in time: its timestamp.txt holds no time. Expected one line such as "
                "2026-03-01 14:20:00 UTC", assignment_id, student_id
            )  # fmt: skip
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                gradebook.find_student(student_id)
            except MissingEntry:
                if not self.create_student:
                    raise self._error(f"The gradebook has no student {student_id!r}.") from None
                gradebook.update_or_create_student(student_id)
            times = {"timestamp": timestamp} if timestamp else {}
            entry = gradebook.update_or_create_submission(assignment_id, student_id, **times)
            if timestamp and entry.total_seconds_late > 0:
                self.log.warning("%s is %s seconds late", entry, entry.total_seconds_late)
        if timestamp:
            destination = Path(self._format_dest(assignment_id, student_id))
            destination.mkdir(parents=True, exist_ok=True)
            (destination / "timestamp.txt").write_text(f"{timestamp:%Y-%m-%d %H:%M:%S.%f} UTC")

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Saves the grades of one notebook, and only then writes it: a run that is cut off between grades it again."""
        resources = self.init_single_notebook_resources(notebook_filename)
        nb = nbformat.reads(self._graded[notebook_filename].notebook, as_version=4)
        record, where = nb.metadata[RECORD], resources["nbgrader"]
        failed = self._graded[notebook_filename].grader_failure  # then the next run grades it again
        identity, sha256 = self._loaded_once[notebook_filename]
        record.submission = "" if failed else identity
        past = history.path(Path(self.coursedir.root) / "history", where["student"], where["assignment"])
        changes = history.remember(past, history.entry(Path(notebook_filename), record, sha256))
        if changes:
            nb.cells.insert(0, changes)
        if found := record.get("agent"):
            nb.cells.append(
                agents.told(Path(self.coursedir.root) / "history", where["student"], found, self.log)
            )
        self.exporter._preprocessors = []
        for preprocessor in self.autograde_preprocessors:
            self.exporter.register_preprocessor(preprocessor)
        output, resources = self.exporter.from_notebook_node(nb, resources)
        self.write_single_notebook(output, resources)
        points = sum(result["points"] for judged in record["results"].values() for result in judged)
        self.log.info("Graded %s: %g points", notebook_filename, points)

    def _error(self, message: str) -> NbGraderException:
        self.log.error(message)
        return NbGraderException(message)
