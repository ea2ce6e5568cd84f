"""Ray, started here or joined at an address, with errors that say what to do.

Ray comes up in some seconds on a quiet machine, and gives up on a busy one, because its parts wait only so long for each
other. So a start is tried a few times. What to join is asked by a plain connection first, for which Ray would take
minutes and many lines.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import types
from collections.abc import Iterator
from pathlib import Path

from gcb6206.errors import ConfigError

STARTS = 4  # of a Ray that gives up on a busy machine
OBJECT_STORE = 2**29  # bytes at least, for a Ray that is started here
COURSE = Path(__file__).resolve().parents[3]
SETTINGS = b"\x04"  # the kind of HTTP/2's first frame, with which each side of gRPC begins
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + SETTINGS + bytes(5)


@contextlib.contextmanager
def connected(address: str, cpus: int, object_store: int = 0) -> Iterator[types.ModuleType]:
    """The module ``ray``, connected for the length of a ``with`` block.

    Args:
        address: ``local`` for a Ray of its own on this machine, which ends with the block; else that of a cluster, as
            ``ray.init`` takes it: ``auto``, ``HOST:6379``. Its machines have the course at the same place.
        cpus: how many Ray's actors will want. A local Ray says it has as many, whatever the machine has.
        object_store: bytes that will lie in Ray's memory.

    Raises:
        ConfigError: Ray is not installed, does not start, is not at that address, is of another version, or too small.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report its use to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of what will change
    os.environ.setdefault("RAY_worker_niceness", "0")  # its processes are the program, not work beside it
    try:
        import ray
    except ImportError:
        raise ConfigError("Ray is not installed here: pip install ray, or leave --ray out") from None
    environment = {"PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"}
    settings = {
        "log_to_driver": False, "logging_level": "ERROR", "runtime_env": {"env_vars": environment},
    }  # fmt: skip
    if address == "local":
        store = max(OBJECT_STORE, object_store)
        settings |= {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": store}
    else:
        ask_for_an_answer(address)
    _init(ray, address, settings)
    try:
        there = ray.cluster_resources().get("CPU", 0)
        if there < cpus:
            raise ConfigError(
                f"the Ray cluster at {address} has {there:g} CPUs, the run wants {cpus}: lower num_workers, or start "
                "its nodes with `ray start --num-cpus N`"
            )
        yield ray
    finally:
        ray.shutdown()


def ask_for_an_answer(address: str) -> None:
    """Refuse an address at which nobody answers, or something that cannot be Ray, within seconds.

    Raises:
        ConfigError: says what to do.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        if address == "auto":
            return
        raise ConfigError(f"--ray is {address!r}: expected none, local, auto or HOST:PORT")
    try:
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            if os.environ.get("RAY_USE_TLS", "0") == "0":
                connection.sendall(HTTP2)
                if connection.recv(4)[3:] != SETTINGS:
                    raise OSError("what answers there is no Ray")
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"no Ray cluster at {address}: {error}; start one there with `ray start --head --port {port}`, or take "
            "--ray local"
        ) from None


def _init(ray: types.ModuleType, address: str, settings: dict) -> None:
    """Start or join Ray, and try again where a start takes it too long."""
    tries = STARTS if address == "local" else 1
    for left in reversed(range(tries)):
        try:
            ray.init(address, **settings)
            return
        except Exception as error:
            ray.shutdown()
            told = " ".join(str(error).split()) or type(error).__name__
            if "mismatch" in told.lower():
                raise ConfigError(
                    f"the Ray cluster at {address} is of another version than the one here, {ray.__version__} on Python "
                    f"{sys.version.split()[0]}: install the same on all machines ({told[:300]})"
                ) from None
            if address != "local":
                raise ConfigError(
                    f"no Ray cluster at {address}: {told[:300]}; start one there with `ray start --head`, or take --ray "
                    "local"
                ) from None
            if not left:
                raise ConfigError(
                    f"Ray did not start in {tries} tries; is this machine busy? Start it once with `ray start --head`, "
                    f"and join it with --ray auto ({told[:300]})"
                ) from None
            print("Ray did not start in its time, trying again", file=sys.stderr)
