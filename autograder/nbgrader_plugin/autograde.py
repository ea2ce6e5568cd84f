"""`nbgrader autograde`, sealed: every submission gets a score and a feedback notebook, whatever was handed in."""

from __future__ import annotations

import fnmatch
import glob
import os
import secrets
import shutil
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader import converters, utils
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from traitlets import Bool, Integer, List

from autograder.nbgrader_plugin import submission
from autograder.nbgrader_plugin.execute import RUN, GradingRun, SealedExecute
from autograder.sandbox import SandboxUnavailable, bubblewrap

UNSAFE_VARIABLE = "GCB6206_UNSAFE_NO_SANDBOX"


class RestoreCells(NbGraderPreprocessor):
    """Replaces the submitted notebook by a clean one; see `submission.restored`."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Restores the notebook from what the gradebook knows."""
        where = resources["nbgrader"]
        with Gradebook(where["db_url"]) as gradebook:
            master = submission.master_cells(gradebook, where["notebook"], where["assignment"])
        return submission.restored(nb, master, tell_missing=not resources[RUN].refusal), resources


class Autograde(converters.Autograde):
    """nbgrader's converter with our sandbox and judges behind it.

    It differs from nbgrader's own in what becomes of a bad submission: a missing, renamed or broken notebook, deleted
    or doubled cells, code that crashes or never ends get a score and a reason, and the batch goes on.
    """

    seed = Integer(
        None,
        allow_none=True,
        help="Seed of the judges. By default every run draws a secret one and records it.",
    ).tag(config=True)

    unsafe_no_sandbox = Bool(
        help=f"Run submissions without isolation. Also: the environment variable {UNSAFE_VARIABLE}=1."
    ).tag(config=True)

    sanitize_preprocessors = List([RestoreCells, OverwriteKernelspec, CheckCellMetadata]).tag(config=True)
    autograde_preprocessors = List(
        [SealedExecute, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]
    ).tag(config=True)

    def _unsafe_no_sandbox_default(self) -> bool:
        return os.environ.get(UNSAFE_VARIABLE) == "1"

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
        else:
            try:
                bubblewrap.require()
            except SandboxUnavailable as error:
                raise self._error(str(error)) from None
        if self.seed is None:
            self.seed = secrets.randbits(62)
        self._failed: list[str] = []
        super().start()
        if self._failed:
            raise self._error(
                f"The grader itself failed, so these scores are not to be trusted: {self._failed}"
            )

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
        folders = glob.glob(self._format_source(assignment, self.coursedir.student_id))
        self.assignments = {
            folder: [os.path.join(folder, f"{name}.ipynb") for name in owed]
            for folder in folders
            if os.path.isdir(folder)
        }
        if not self.assignments:
            super().init_notebooks()  # says what was looked for, and what is near

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Whether a submission is to be graded: also when an earlier run was cut off in the midst of it."""
        if student_id in self.coursedir.student_id_exclude.split(","):
            return False
        destination = self._format_graded(assignment_id, student_id)
        if any(not (destination / os.path.basename(notebook)).exists() for notebook in self.notebooks):
            return True
        return super().init_destination(assignment_id, student_id)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Enters the submission into the gradebook. Of its other files only the timestamp is taken over."""
        ignored = self.coursedir.ignore
        self.coursedir.ignore = ["*"]
        try:
            super().init_assignment(assignment_id, student_id)
        finally:
            self.coursedir.ignore = ignored
        timestamp = Path(self._format_source(assignment_id, student_id)) / "timestamp.txt"
        if timestamp.is_file() and not timestamp.is_symlink():
            destination = self._format_graded(assignment_id, student_id)
            destination.mkdir(parents=True, exist_ok=True)
            shutil.copy(timestamp, destination)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Grades one notebook: read, restore, run and judge, and only then write."""
        self.log.info("Grading %s", notebook_filename)
        resources = self.init_single_notebook_resources(notebook_filename)
        run = resources[RUN] = GradingRun(self.seed, self.unsafe_no_sandbox)
        try:
            nb = submission.read(Path(notebook_filename))
        except submission.UnreadableSubmission as error:
            self.log.warning("%s", error)
            run.refusal = str(error)
            nb = submission.unreadable(run.refusal)
        nb, resources = self._convert(nb, resources, self.sanitize_preprocessors)
        with utils.setenv(NBGRADER_EXECUTION="autograde"):
            nb, resources = self._convert(nb, resources, self.autograde_preprocessors)
        if resources[RUN].grader_failed:
            self._failed.append(f"{resources['nbgrader']['student']}/{resources['nbgrader']['notebook']}")
        self.write_single_notebook(nbformat.writes(nb), resources)

    def _convert(
        self, nb: NotebookNode, resources: dict, preprocessors: list
    ) -> tuple[NotebookNode, ResourcesDict]:
        self.exporter._preprocessors = []
        for preprocessor in preprocessors:
            self.exporter.register_preprocessor(preprocessor)
        output, resources = self.exporter.from_notebook_node(nb, resources)
        return nbformat.reads(output, as_version=4), resources

    def _format_graded(self, assignment_id: str, student_id: str) -> Path:
        return Path(
            self.coursedir.format_path(self.coursedir.autograded_directory, student_id, assignment_id)
        )

    def _error(self, message: str) -> NbGraderException:
        self.log.error(message)
        return NbGraderException(message)
