"""Shared by all tests: exercises are unsolved before and after each, and torch keeps to one thread."""

import pytest
import torch

from gcb6206 import exercises

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
