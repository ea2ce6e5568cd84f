"""Shared by all tests: exercises are unsolved before and after each, and torch keeps to one thread."""

import fcntl
import os
from pathlib import Path

import pyglet  # noqa: F401  (before Sphinx, or it takes the process for a build of its manual and cannot draw)
import pytest
import torch

from gcb6206 import exercises

STATIC = Path(__file__).resolve().parents[1] / "book" / "_static"

CHROMIUM = "/usr/bin/chromium"
LOCKS = Path(__file__).resolve().parents[1] / "build" / "tests"
# A process takes whole files, in this order: a long one that begins last would leave the others without work.
LONG = (
    "test_attacks",
    "test_book",
    "test_judges",
    "test_grading_runs",
    "test_habits",
    "test_homeworks",
    "test_sandbox",
    "test_nbgrader",
)
INSIDE = "PYTEST_CURRENT_TEST" in os.environ  # a test started this process, and has its turn

torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """What draws in a browser is slow, without having to say so; the files that last long come first."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """A test marked ``alone`` waits until no other runs, in any process, and no other begins before it has ended.

    Waiting is no part of its time limit.
    """
    if INSIDE:
        return (yield)
    LOCKS.mkdir(parents=True, exist_ok=True)
    with (LOCKS / "turn").open("ab") as turn, (LOCKS / "machine").open("ab") as machine:
        fcntl.flock(turn, fcntl.LOCK_EX)  # first come, first served: short tests would never leave it a gap
        fcntl.flock(machine, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_UN)
        return (yield)


@pytest.fixture(autouse=True)
def unsolved():
    """Each test says itself what is solved."""
    exercises.clear()
    yield
    exercises.clear()


@pytest.fixture
def solved():
    """The reference solutions of all homeworks."""
    import solutions

    solutions.load()


@pytest.fixture(scope="module")
def browser():
    """A headless browser for the tests of a file; what comes after it may run event loops of its own again."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=600_000)
        yield started
        started.close()


@pytest.fixture
def open_widget(browser, tmp_path):
    """Opens a page, from a file, of scripts' sources and a widget's HTML; errors in it fail the test."""
    pages = []

    def open_page(scripts, body, **media):
        style = (STATIC / "course.css").read_text(encoding="utf-8")
        head = "".join(f"<script>{script}</script>" for script in scripts)
        file = tmp_path / "page.html"
        file.write_text(
            f'<meta charset="utf-8"><style>{style}</style>{head}<article>{body}</article>', encoding="utf-8"
        )
        page = browser.new_page()
        page.set_default_timeout(600_000)  # on a busy machine everything takes long
        page.emulate_media(**media)
        page.trouble = []
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("console", lambda said: said.type == "error" and page.trouble.append(said.text))
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        assert page.trouble == []
        page.close()
