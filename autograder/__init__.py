"""The course's grader: probes run beside the student's code, judges decide in a process of their own.

from autograder import check
check("hw3.update_critic")      # in a notebook: a table of what was tried, came back and was expected
"""

__all__ = ["PUBLISHED_SEED", "check", "max_points", "run_judges"]  # noqa: F822  (by __getattr__)

PUBLISHED_SEED = 6206  # the seed of `check`; graded runs use secret ones


def __getattr__(name: str):
    """Loads the public names on first use: `from autograder import check` stays quick."""
    if name == "check":
        from autograder.check import check as value
    elif name in ("max_points", "run_judges"):
        from autograder.trusted import runner

        value = getattr(runner, name)
    else:
        raise AttributeError(f"module 'autograder' has no attribute {name!r}")
    globals()[name] = value
    return value
