"""Shared by all tests: exercises are unsolved before and after each, and torch keeps to one thread."""

from pathlib import Path

import pyglet  # noqa: F401  (before Sphinx, or it takes the process for a build of its manual and cannot draw)
import pytest
import torch

from gcb6206 import exercises

CHROMIUM = "/usr/bin/chromium"

torch.set_num_threads(1)


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


@pytest.fixture(scope="session")
def browser():
    """A headless browser, one for all tests of a process: Playwright allows no second one."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
