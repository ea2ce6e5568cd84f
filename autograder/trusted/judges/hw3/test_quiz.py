"""Judges of the quiz of homework 3: four statements, true or false.

This file is public, so the key is kept as salted hashes. They keep the answers from being read at a glance and no
more: whoever wants to can try both. The quiz is there to make up one's mind before seeing.
"""

import hashlib

from autograder.trusted.judging import judge, require

EXERCISE = "hw3.quiz"
KEY = {
    "a": "4e9ea023d476f735",
    "b": "29e3bd1a5c5ba97c",
    "c": "ac94666657ecc316",
    "d": "3bb2319085670f69",
}


def digest(letter: str, answer: bool) -> str:
    """The salted hash of an answer."""
    return hashlib.sha256(f"gcb6206 hw3 quiz, statement {letter}: {answer}".encode()).hexdigest()[:16]


def answer(student, letter: str, hint: str) -> None:
    """Judges one statement."""
    given = student.run("quiz.answers")["answers"].get(letter)
    require(
        isinstance(given, bool),
        tried=f"quiz[{letter!r}]",
        got=given,
        expected="True or False",
        hint=f"Decide: quiz[{letter!r}] = True or quiz[{letter!r}] = False.",
    )
    require(
        digest(letter, given) == KEY[letter],
        tried=f"quiz[{letter!r}]",
        got=given,
        expected="the other answer",
        hint=hint,
    )


@judge(
    EXERCISE,
    points=0.5,
    title="statement a: the end of an episode",
    read="dqn/terminated-truncated",
    why="Being cut off and coming to an end are two different things for the value of a state.",
)
def test_a(student, rng):
    answer(student, "a", "What could still be earned from the state at which the clock stopped the episode?")


@judge(
    EXERCISE,
    points=0.5,
    title="statement b: who learns from what",
    read="dqn/q-learning",
    why="The target of Q-learning holds a maximum over actions, not the action that was taken next.",
)
def test_b(student, rng):
    answer(student, "b", "Does anything in the target depend on the policy that chose the stored action?")


@judge(
    EXERCISE,
    points=0.5,
    title="statement c: two networks, two roles",
    read="dqn/double-dqn",
    why="Choosing and valuing with one network makes its errors look like values.",
)
def test_c(student, rng):
    answer(student, "c", "Write down the target of double Q-learning, and look at the index inside.")


@judge(
    EXERCISE,
    points=0.5,
    title="statement d: a falling loss",
    read="dqn/reading-curves",
    why="The loss measures the distance to a target that moves with the network itself.",
)
def test_d(student, rng):
    answer(student, "d", "What does the loss do when both networks are wrong in the same way?")
