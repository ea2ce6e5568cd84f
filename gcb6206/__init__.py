"""GCB6206: Deep Reinforcement Learning. The package under the book, the notebooks and the autograder."""

from gcb6206 import _moved

__version__ = "0.1.0"

_moved.install()
