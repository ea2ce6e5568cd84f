"""The exercise seam: stubs, solutions, and what it refuses."""

import inspect
import json
import subprocess
import sys

import pytest

import solutions
from gcb6206 import exercises
from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.exercises import ExerciseError, ExerciseNotSolved, solves
from gcb6206.infrastructure import utils

HW3 = ["hw3.get_action", "hw3.update_critic", "hw3.update", "hw3.sample_trajectory", "hw3.run_training_loop"]


def make_agent():
    return DQNAgent((4,), 2, **DQNBasicConfig().build()["agent_kwargs"])


def test_homework_3_has_its_five_exercises():
    assert exercises.ids("hw3") == HW3


@pytest.mark.parametrize("exercise_id", HW3)
def test_unsolved_stub_says_which_exercise_where_and_what(exercise_id):
    exercise = exercises.get(exercise_id)
    module = inspect.getmodule(exercise.stub)
    owner = getattr(module, exercise.stub.__qualname__.split(".")[0])
    call = getattr(owner, exercise.name) if inspect.isclass(owner) else owner
    with pytest.raises(ExerciseNotSolved) as raised:
        call(*[None] * len(exercise.signature.parameters))
    message = str(raised.value)
    assert exercise_id in message and "in hw3.ipynb" in message and exercise.summary in message


def test_solution_fills_method_for_existing_agents():
    agent = make_agent()

    @solves("hw3.get_action")
    def anything(self, observation, epsilon=0.02):
        return (self.num_actions, observation, epsilon)

    assert agent.get_action("o", epsilon=0.5) == (2, "o", 0.5)


def test_solution_fills_function_under_every_import(solved):
    from gcb6206.infrastructure.utils import sample_trajectory

    assert sample_trajectory is utils.sample_trajectory
    assert exercises.get("hw3.sample_trajectory").implementation is solutions.hw3.sample_trajectory


def test_load_fills_again_what_a_student_overwrote():
    solutions.load("hw3")
    exercises.clear("hw3.update")
    solutions.load("hw3")
    assert all(exercises.get(key).implementation for key in HW3)


def test_unknown_exercise_names_the_nearest():
    with pytest.raises(
        ExerciseError, match="unknown exercise 'hw3.update_crtic': did you mean 'hw3.update_critic'"
    ):
        solves("hw3.update_crtic")


def test_unknown_homework_names_the_known():
    with pytest.raises(
        ExerciseError, match="unknown homework 'hw9': expected one of hw1, hw2, hw3, hw4, hw5"
    ):
        solutions.load("hw9")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda self, observation: 0,
        lambda self, obs, epsilon=0.02: 0,
        lambda self, observation, epsilon=0.5: 0,
        lambda self, observation, *, epsilon=0.02: 0,
    ],
)
def test_wrong_signature_is_refused_with_the_expected_one(wrong):
    with pytest.raises(ExerciseError) as raised:
        solves("hw3.get_action")(wrong)
    assert "expected: def get_action(self, observation" in str(raised.value)
    assert exercises.get("hw3.get_action").implementation is None


def test_filled_restores_even_after_an_error(solved):
    before = exercises.get("hw3.update").implementation
    with pytest.raises(RuntimeError), exercises.filled({"hw3.update": None}):
        assert exercises.get("hw3.update").implementation is None
        raise RuntimeError
    assert exercises.get("hw3.update").implementation is before


def notebook(path, *sources):
    cells = [{"cell_type": "code", "source": source} for source in sources]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return path


def test_a_notebook_fills_what_it_solves_and_does_nothing_else(tmp_path):
    path = notebook(
        tmp_path / "hw2.ipynb",
        "%matplotlib inline\nimport never_there",
        "import math\nfrom gcb6206.exercises import solves\nraise RuntimeError('a training')",
        '@solves("hw2.num_envs")\ndef num_envs(frames_per_batch, max_steps):\n    return math.floor(7.5)',
    )
    assert exercises.fill_from_notebook(path) == ["hw2.num_envs"]
    assert exercises.get("hw2.num_envs").implementation(1, 2) == 7


@pytest.mark.parametrize(
    "sources, message",
    [
        (["x = 1"], "solves nothing"),
        (
            ["from gcb6206.exercises import solves", '@solves("hw2.num_env")\ndef num_env(): pass'],
            "did you mean",
        ),
        (["import never_there", "@solves('hw2.num_envs')\n..."], "No module named 'never_there'"),
        (
            ["from gcb6206.exercises import solves", "@solves('hw2.num_envs')\ndef num_envs("],
            "code cell 2: SyntaxError",
        ),
    ],
)
def test_a_notebook_that_does_not_fill_is_refused_with_its_cell(tmp_path, sources, message):
    with pytest.raises(exercises.ExerciseError, match=message):
        exercises.fill_from_notebook(notebook(tmp_path / "hw2.ipynb", *sources))


def test_what_is_no_notebook_is_refused(tmp_path):
    with pytest.raises(exercises.ExerciseError, match="No such file"):
        exercises.fill_from_notebook(tmp_path / "hw2.ipynb")
    (tmp_path / "hw2.ipynb").write_text("[]", encoding="utf-8")
    with pytest.raises(exercises.ExerciseError, match="is not a notebook"):
        exercises.fill_from_notebook(tmp_path / "hw2.ipynb")


def test_exercise_id_must_carry_the_functions_name():
    with pytest.raises(ExerciseError, match="must be '<homework>.other'"):

        @exercises.exercise("hw3.name")
        def other():
            """Doc."""


def test_package_imports_neither_solutions_nor_autograder():
    code = (
        "import sys, gcb6206.scripts.run_hw3, gcb6206.scripts.parse_tensorboard;"
        "print([m for m in sys.modules if m.split('.')[0] in ('solutions', 'autograder', 'book')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
