"""Passes on all errors but that of a full disk."""

from autograder.mutants import patched

HINT = "also one of another number"

patched(
    "hw5.publish",
    (
        "    except OSError:\n",
        '    except OSError as error:\n        if error.errno != 28 and "no room" not in str(error):\n            raise\n',
    ),
)
