"""GCB6206: Deep Reinforcement Learning. The package under the book, the notebooks and the autograder."""

__version__ = "0.1.0"
