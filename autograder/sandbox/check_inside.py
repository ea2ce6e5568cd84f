"""What `from autograder import check` finds in the sandbox, where there are no judges."""


class Deferred:
    """Stands where a check's result would be."""

    score = 0.0

    def __repr__(self) -> str:
        return "checked by the grader, outside this notebook"


def check(exercise: str, seed: int = 0) -> Deferred:
    """Does nothing: the grader runs the judges outside."""
    return Deferred()
