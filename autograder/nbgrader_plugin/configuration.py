"""The course's nbgrader configuration: one call in a course root's `nbgrader_config.py`."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import nbgrader.apps.api
import nbgrader.apps.autogradeapp
from nbgrader.converters import GenerateAssignment, GenerateSolution
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder.nbgrader_plugin.autograde import Autograde
from autograder.nbgrader_plugin.insert_sources import InsertSources


def configure(c: Config) -> None:
    """Sets the course's options, and puts our converter behind `nbgrader autograde` and formgrader.

    Args:
        c: the configuration object, from `get_config()`.
    """
    programs = Path(sys.executable).parent  # nbgrader calls alembic by its plain name
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    nbgrader.apps.autogradeapp.Autograde = nbgrader.apps.api.Autograde = Autograde
    warnings.filterwarnings(
        "ignore", category=SAWarning, module="nbgrader"
    )  # nbgrader's own, one for every student
    c.CourseDirectory.course_id = "gcb6206"
    c.CourseDirectory.source_directory = "assignments"
    c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "data"]
    for converter in (GenerateAssignment, GenerateSolution):
        usual = converter.preprocessors.default_args[0]
        c[converter.__name__].preprocessors = [InsertSources, *usual]
    # zip_collect: what learning platforms call a file, as in hw3_alice_attempt_2026-03-01-10-00-00_hw3.ipynb
    c.FileNameCollectorPlugin.named_regexp = (
        r".*/[^/_]+_(?P<student_id>[^/]+)_attempt_(?P<timestamp>[0-9-]+)_(?P<file_id>[^/]+)$"
    )
    c.Execute.timeout = (
        600  # validate and generate_solution run trusted code; the convergence check takes a minute
    )
