"""What the trusted side does with what a student wrote takes bounded time and memory, however it is written."""

import json

import numpy as np
import pytest

from autograder.nbgrader_plugin import submission
from autograder.trusted.judges.worlds import SPARE, CartPoleWorld

# Notebooks


@pytest.mark.parametrize("piece", [b":", b'"', b",", b'{"outputs":[""],'])
def test_a_notebook_of_too_many_tokens_is_refused(piece, monkeypatch):
    """A gigabyte of colons kept the process that all wait for busy for 25 minutes, and again when it wrote the page."""
    monkeypatch.setattr(submission, "TOKENS_LIMIT", 1000)
    with pytest.raises(submission.UnreadableSubmission, match="more than 1000 values"):
        submission.lean(piece * 3000)


def test_what_is_kept_may_hold_fewer_tokens_than_the_outputs(monkeypatch):
    """A million empty outputs in a cell that is not run again took a quarter of an hour."""
    monkeypatch.setattr(submission, "KEPT_LIMIT", 100)
    cell = '{"cells": [{"outputs": [' + "{}," * 100 + '{}], "metadata": {"tags": ["%s"]}}]}'
    assert submission.lean((cell % "other").encode()).count(b"{}") == 0
    with pytest.raises(submission.UnreadableSubmission, match="more than 100 values"):
        submission.lean((cell % "skip-execution").encode())


def test_an_object_with_many_outputs_is_read_once(monkeypatch):
    """Each of them made a copy of the whole object: a notebook of 10 MB would have taken hours."""
    monkeypatch.setattr(submission, "KEPT_LIMIT", 10**6)
    body = b'{"cells": [{' + b'"outputs": [1], ' * 50_000 + b'"source": "' + b"x" * 10**6 + b'"}]}'
    assert submission.lean(body).count(b'"outputs": []') == 50_000


def test_outputs_stay_where_the_cell_is_not_run_again_and_nowhere_else():
    def cell(tag, outputs):
        return {"metadata": {"tags": [tag]}, "outputs": [outputs]}

    cells = [
        cell("skip-execution", 1), cell("other", 2), {"outputs": ["skip-execution"]},
        {"outputs": [4], "metadata": {"tags": ["skip-execution"]}}, {"outputs": [5], "source": "skip-execution "},
    ]  # fmt: skip
    kept = json.loads(submission.lean(json.dumps({"cells": cells}).encode()))["cells"]
    assert [each["outputs"] for each in kept] == [[1], [], [], [4], []]


# Questions of a training


def world(steps=10):
    disguise = {"mix": np.eye(4, dtype=np.float32), "actions": np.array([1, 0])}
    played = CartPoleWorld(np.random.default_rng(0), steps, disguise, single=True)
    played(json.dumps({"do": "make", "num_envs": 1}))
    played(json.dumps({"do": "reset", "id": 0}))
    return played


@pytest.mark.parametrize("actions", [2, "0", None, [0], [[]], 10**400, ["x" * 1000, *["x"] * 1000], {"a": 1}])
def test_a_step_that_was_refused_is_not_played(actions):
    """Refused ones counted: whoever brought weights along had the steps of a training without playing."""
    played = world()
    assert "refused" in json.loads(played(json.dumps({"do": "step", "id": 0, "actions": actions})))
    assert played.played == 0 and played.failure is None


def test_texts_among_actions_never_become_an_array(monkeypatch):
    """One of 500 KB beside 100,000 of one letter would be an array of 200 GB."""
    played = world()
    monkeypatch.setattr(np, "asarray", lambda *_: pytest.fail("an array was made"))
    question = {"do": "step", "id": 0, "actions": ["x" * 500_000, *["y"] * 100_000]}
    assert "expected numbers" in json.loads(played(json.dumps(question)))["refused"]


def test_a_training_may_play_three_times_its_steps():
    played = world(steps=2)
    answers = [json.loads(played(json.dumps({"do": "step", "id": 0, "actions": 0}))) for _ in range(8)]
    assert ["refused" in answer for answer in answers] == [False] * 2 * SPARE + [True] * 2
