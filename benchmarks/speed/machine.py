"""What this machine can do: matrix products and convolutions at a given shape, memory, and calls into the libraries."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import threadpoolctl
import torch
import torch.nn.functional as F

from gcb6206.networks.optimizers import LeanAdam

# bytes: what a core keeps near itself, what all cores share, and far more
COPIED = {"cache": 2**18, "shared cache": 2**23, "memory": 2**27}


@dataclass(frozen=True)
class Product:
    """A matrix product ``(rows, inner)`` by ``(inner, columns)``, ``stack`` of them at once."""

    rows: int
    inner: int
    columns: int
    dtype: str = "float32"
    stack: int = 1

    @property
    def flops(self) -> int:
        """A multiplication and an addition for each pair of numbers that meet."""
        return 2 * self.stack * self.rows * self.inner * self.columns

    def prepare(self) -> list[Callable[[], object]]:
        """Functions that compute it: by torch, and by numpy, which has no bfloat16."""
        kind = getattr(torch, self.dtype)
        a = torch.randn(self.stack, self.rows, self.inner).to(kind)
        b = torch.randn(self.stack, self.inner, self.columns).to(kind)
        c = torch.empty(self.stack, self.rows, self.columns, dtype=kind)
        if self.stack == 1:
            a, b, c = a[0], b[0], c[0]
        ways = [lambda: torch.matmul(a, b, out=c)]
        if self.dtype == "float32":
            x, y, z = a.numpy(), b.numpy(), c.numpy()
            ways.append(lambda: np.matmul(x, y, out=z))
        return ways

    def __str__(self) -> str:
        stack = f"{self.stack} x " if self.stack > 1 else ""
        return f"{stack}{self.rows} x {self.inner} x {self.columns}, {self.dtype}"


@dataclass(frozen=True)
class Convolution:
    """A convolution of square pictures; with ``learn`` also the gradient of its weights, and of its input.

    The first layer of a network needs no gradient of its input: ``first``.
    """

    batch: int
    channels: int
    filters: int
    size: int
    kernel: int
    stride: int
    dtype: str = "float32"
    learn: bool = False
    first: bool = False

    @property
    def out(self) -> int:
        """Side of the output."""
        return (self.size - self.kernel) // self.stride + 1

    @property
    def flops(self) -> int:
        """Of the forward pass, and as many again for each gradient."""
        once = 2 * self.batch * self.filters * self.out**2 * self.channels * self.kernel**2
        return once * (1 + self.learn * (2 - self.first))

    def prepare(self) -> list[Callable[[], object]]:
        """The function that computes it."""
        kind = getattr(torch, self.dtype)
        x = torch.randn(self.batch, self.channels, self.size, self.size).to(
            kind, memory_format=torch.channels_last
        )
        weight = torch.randn(self.filters, self.channels, self.kernel, self.kernel).to(
            kind, memory_format=torch.channels_last
        )
        if not self.learn:
            return [lambda: F.conv2d(x, weight, stride=self.stride)]
        grad = torch.randn_like(F.conv2d(x, weight, stride=self.stride))
        stride, zero, one = [self.stride] * 2, [0, 0], [1, 1]
        wanted = [not self.first, True, False]

        def both():
            F.conv2d(x, weight, stride=self.stride)
            torch.ops.aten.convolution_backward(
                grad, x, weight, None, stride, zero, one, False, zero, 1, wanted
            )

        return [both]

    def __str__(self) -> str:
        passes = "forward and backward" if self.learn else "forward"
        shape = f"{self.batch} x {self.channels} x {self.size} x {self.size}"
        return f"{shape}, {self.filters} filters of {self.kernel}, {passes}, {self.dtype}"


def fastest(call: Callable[[], object], seconds: float) -> float:
    """Seconds of one call: the shortest mean of a block of calls, over blocks for so many seconds."""
    call()
    number, taken = 1, 0.0
    while taken < seconds / 20:  # a block of calls must be long for the clock
        begun = time.perf_counter()
        for _ in range(number):
            call()
        taken = time.perf_counter() - begun
        number *= 2
    number //= 2
    best, end = taken / number, time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        for _ in range(number):
            call()
        best = min(best, (time.perf_counter() - begun) / number)
    return best


def use_threads(number: int) -> None:
    """Let torch and numpy compute on so many threads."""
    torch.set_num_threads(number)
    threadpoolctl.threadpool_limits(number, user_api="blas")


def measure_product(product: Product | Convolution, seconds: float) -> float:
    """Seconds of a product by the faster library, on the threads that ``use_threads`` set."""
    return min(fastest(way, seconds) for way in product.prepare())


def measure_copies(seconds: float) -> dict[str, float]:
    """Bytes per second, read and written together, of copies that stay in each kind of cache, and of one that does not."""
    found = {}
    for name, number in COPIED.items():
        source = torch.zeros(number, dtype=torch.uint8)
        target = torch.zeros_like(source)
        copy = functools.partial(target.copy_, source)
        found[name] = 2 * number / fastest(copy, seconds)
    return found


def measure_calls(seconds: float) -> dict[str, float]:
    """Seconds of the smallest call into each library, where arithmetic costs nothing."""
    array, tensor, learned = np.zeros(4, np.float32), torch.zeros(4), torch.zeros(4, requires_grad=True)
    learned.grad = torch.ones(4)
    optimizer = LeanAdam([learned])

    def through():
        (learned * 2.0).sum().backward()

    with torch.no_grad():
        found = {
            "numpy": fastest(lambda: np.add(array, array, out=array), seconds),
            "torch": fastest(lambda: torch.add(tensor, tensor, out=tensor), seconds),
            "optimiser": fastest(optimizer.step, seconds),
        }
    return {**found, "two operations and their gradient": fastest(through, seconds)}
