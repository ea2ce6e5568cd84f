"""The course's nbgrader configuration: one call in a course root's `nbgrader_config.py`."""

from __future__ import annotations

import copy
import glob
import logging
import os
import sys
import warnings
from pathlib import Path

import nbgrader.apps.api
import nbgrader.apps.autogradeapp
import nbgrader.apps.generatefeedbackapp
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import GenerateAssignment, GenerateSolution
from nbgrader.converters.base import BaseConverter, NbGraderException
from sqlalchemy.exc import SAWarning
from tornado.log import LogFormatter
from traitlets.config import Config

from autograder.nbgrader_plugin.autograde import Autograde
from autograder.nbgrader_plugin.collect import PlatformArchives, PlatformNames
from autograder.nbgrader_plugin.exporters import GradesCSV
from autograder.nbgrader_plugin.feedback import GenerateFeedback
from autograder.nbgrader_plugin.insert_sources import InsertSources
from autograder.student_side.text import clean

_usual_format_source, _usual_init_notebooks = BaseConverter._format_source, BaseConverter.init_notebooks


def _format_source(self, assignment_id: str, student_id: str, escape: bool = False) -> str:
    """nbgrader's own; as a pattern, it also fits a student's id that holds a line break."""
    path = _usual_format_source(self, assignment_id, student_id, escape=escape)
    return f"(?s){path}" if escape else path


def _init_notebooks(self) -> None:
    """nbgrader's own, which passes over a student whose id looks like a pattern, such as a[b], or is hidden, such as .a."""
    try:
        _usual_init_notebooks(self)
    except NbGraderException:
        if not self.assignments and not _strange(self):
            raise
    self.assignments.update(_strange(self))


def _strange(self) -> dict[str, list[str]]:
    """The notebooks in folders whose name is a pattern that does not fit itself, or begins with a dot."""
    pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
    usual = set(glob.glob(pattern))
    found = {
        folder: glob.glob(os.path.join(glob.escape(folder), f"{self.coursedir.notebook_id}.ipynb"))
        for folder in glob.glob(pattern, include_hidden=True)
        if glob.escape(folder) != folder or folder not in usual
    }
    return {folder: notebooks for folder, notebooks in found.items() if notebooks}


class HarmlessLines(LogFormatter):
    """The log's own form, in which a student's name or text can neither command the terminal nor look like a line.

    Every line but the first of an entry stands further in.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One entry."""
        record = copy.copy(record)
        record.msg, record.args = clean(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = clean(self.formatException(record.exc_info))
        return super().format(record)


def configure(c: Config) -> None:
    """Sets the course's options, and puts our converter behind `nbgrader autograde` and formgrader.

    Args:
        c: the configuration object, from `get_config()`.
    """
    programs = Path(sys.executable).parent  # nbgrader calls alembic by its plain name
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    nbgrader.apps.autogradeapp.Autograde = nbgrader.apps.api.Autograde = Autograde
    nbgrader.apps.generatefeedbackapp.GenerateFeedback = nbgrader.apps.api.GenerateFeedback = GenerateFeedback
    warnings.filterwarnings(
        "ignore", category=SAWarning, module="nbgrader"
    )  # nbgrader's own, one for every student
    NbGrader._log_formatter_cls = HarmlessLines
    c.NbGrader.logging_config = {
        "formatters": {"console": {"class": f"{HarmlessLines.__module__}.{HarmlessLines.__qualname__}"}}
    }
    c.CourseDirectory.course_id = "gcb6206"
    c.CourseDirectory.source_directory = "assignments"
    c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "data"]
    for converter in (GenerateAssignment, GenerateSolution):
        usual = converter.preprocessors.default_args[0]
        c[converter.__name__].preprocessors = [InsertSources, *usual]
    c.ExportApp.plugin_class = GradesCSV  # nbgrader's own neither quotes a name nor sees a formula in it
    c.ZipCollectApp.extractor_plugin = PlatformArchives
    c.ZipCollectApp.collector_plugin = PlatformNames
    BaseConverter._format_source = _format_source
    BaseConverter.init_notebooks = _init_notebooks
    c.Execute.timeout = (
        600  # validate and generate_solution run trusted code; the convergence check trains an agent
    )
