"""GCB6206: Deep Reinforcement Learning. The package under the book, the notebooks and the autograder."""

import os

from gcb6206 import _moved

__version__ = "0.1.0"

# PyTorch's threads wait for each other by spinning, some milliseconds long. Where other programs want the cores, that
# made a training 30 times slower. A short wait costs under a tenth where nothing else runs. Read when torch is loaded.
if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
    os.environ["GOMP_SPINCOUNT"] = "1000"

_moved.install()
