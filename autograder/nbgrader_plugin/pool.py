"""Grades many notebooks at once, on the cores of this machine or on a Ray cluster.

Both pools take jobs and yield what became of them in the order in which they end. The workers have no gradebook:
whoever asks is the only one to write. `python -m autograder.nbgrader_plugin.pool` is one worker of the local pool.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing.connection
import os
import resource
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from autograder.nbgrader_plugin.grading import Graded, Job, failed, grade, modules_of
from autograder.sandbox import nursery
from autograder.sandbox.bubblewrap import COURSE
from autograder.sandbox.kernel import PATIENCE
from autograder.sandbox.limits import GIB
from autograder.sandbox.zygote import die_with_parent
from autograder.trusted import bankheist
from gcb6206.infrastructure.distributed.cluster import ask_for_an_answer

OBJECT_STORE = 2**28  # bytes, for a Ray started here; a job with its result has two notebooks
ENDED = "The grader's own process ended twice while it graded this submission. Please tell your instructor."
MEMORY = 4 * GIB  # of a worker: what a submission makes it allocate beyond that is refused to it
RAY_STARTS = (
    3  # attempts: it gives a helper of its own 15 s to start, which on a busy machine may be too short
)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def seconds_for(job: Job) -> float:
    """How long a worker may take over one job: two kernels to their ends, and time for the judges themselves."""
    seconds = (PATIENCE + 1) * job.limits.seconds_total + 600
    return seconds + (bankheist.PATIENCE if job.agent else 0)


class LocalPool:
    """Worker processes on this machine, and one nursery for all of them; usable in a `with` block.

    Args:
        homework: what the kernels are warmed for.
        workers: how many notebooks at once.
        unsafe: run without isolation.

    Raises:
        SandboxUnavailable: submissions cannot be sealed off here.
    """

    def __init__(self, homework: str, workers: int, unsafe: bool = False):
        self.size = workers
        self._workers: dict[multiprocessing.connection.Connection, subprocess.Popen] = {}
        self._nursery = None
        for _ in range(workers):  # they import while the nursery does
            self._start()
        try:
            self._nursery = nursery.warm(modules_of(homework), unsafe)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def limits_that_hold(self) -> dict[str, bool]:
        """What a trial in the sandbox found; empty where there is none, or each kernel has its own."""
        return nursery.trial(self._nursery) if self._nursery and not self._nursery.unsafe else {}

    def grade(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Graded]]:
        """Yields each job with its result, whatever became of it.

        A job whose worker ends is tried once more; one that takes its worker too long is not.
        """
        folder = self._nursery and self._nursery.folder
        jobs, again, ended = iter(jobs), deque(), Counter()
        idle, busy = list(self._workers), {}
        while True:
            while idle and (job := again.popleft() if again else next(jobs, None)):
                connection = idle.pop()
                busy[connection] = job, time.monotonic() + seconds_for(job)
                with contextlib.suppress(OSError):  # it has ended, which `recv` finds out
                    connection.send((job, folder))
            if not busy:
                return
            for connection in multiprocessing.connection.wait(list(busy), timeout=60):
                job, deadline = busy.pop(connection)
                try:
                    result = connection.recv()
                except (EOFError, OSError):
                    idle.append(self._replace(connection))
                    ended[job.path] += 1
                    if ended[job.path] == 1:
                        again.append(job)
                    else:
                        yield job, failed(job, ENDED, ENDED)
                    continue
                idle.append(connection)
                yield job, result
            for connection, (job, deadline) in list(busy.items()):
                if time.monotonic() > deadline:
                    del busy[connection]
                    idle.append(self._replace(connection))
                    yield job, failed(job, f"it took longer than {seconds_for(job):g} s")

    def _replace(
        self, connection: multiprocessing.connection.Connection
    ) -> multiprocessing.connection.Connection:
        """A new worker for one that has ended, or is to end."""
        process = self._workers.pop(connection)
        process.kill()
        process.wait()
        connection.close()
        return self._start()

    def _start(self) -> multiprocessing.connection.Connection:
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [sys.executable, "-m", "autograder.nbgrader_plugin.pool", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(COURSE), "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        theirs.close()
        connection = multiprocessing.connection.Connection(ours.detach())
        self._workers[connection] = process
        return connection

    def close(self) -> None:
        """Ends the workers, their kernels and the nursery."""
        for connection, process in self._workers.items():
            process.kill()
            process.wait()
            connection.close()
        self._workers.clear()
        if self._nursery:
            self._nursery.close()
        nursery.sweep()  # the control groups of kernels that were still running


def _serve(connection: multiprocessing.connection.Connection) -> None:
    """A worker's life: it ends with the process that asks."""
    while True:
        try:
            job, folder = connection.recv()
        except EOFError:
            return
        connection.send(grade(job, folder))


class RayPool:
    """The same on a Ray cluster, whose machines have the course at the same place; usable in a `with` block.

    Args:
        homework: what the kernels are warmed for.
        address: of the cluster, as `ray.init` takes it: "auto", "local", "host:6379", "ray://host:10001".

    Raises:
        RuntimeError: Ray is not installed, or there is no cluster.
    """

    def __init__(self, homework: str, address: str):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report its use to its makers
        try:
            import ray
        except ImportError:
            raise RuntimeError("Ray is not installed here: pip install ray") from None
        self._ray = ray
        environment = {"PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"}
        own = {"object_store_memory": OBJECT_STORE} if address == "local" else {}
        try:
            if address.rpartition(":")[2].isdigit():
                ask_for_an_answer(address)
            self._connect(
                address, log_to_driver=False, include_dashboard=False, logging_level="WARNING",
                runtime_env={"env_vars": environment}, **own,
            )  # fmt: skip
        except Exception as error:  # Ray raises that itself where a start takes it too long
            cure = ""
            if own:
                cure = (
                    f"\nTried {RAY_STARTS} times; is this machine busy? Start it with `ray start --head`, and grade"
                    " with --Autograde.ray=auto"
                )
            raise RuntimeError(f"no Ray cluster at {address!r}: {error}{cure}") from None
        self.size = int(ray.cluster_resources().get("CPU", 1))
        modules = modules_of(homework)
        run = self._run = secrets.token_hex(4)

        @ray.remote(num_cpus=1, max_retries=1)
        def remote(job: Job) -> Graded:
            nursery.sweep()  # Ray kills its workers, so they clean up nothing
            own = nursery.shared(modules, job.unsafe, run)  # started once in each of Ray's worker processes
            return grade(job, own and own.folder)

        self._grade = remote

    def _connect(self, address: str, **settings: object) -> None:
        """Connects to a cluster. One that is started here is tried a few times, as Ray gives up early."""
        for left in reversed(range(RAY_STARTS if address == "local" else 1)):
            try:
                self._ray.init(address, **settings)
                return
            except Exception:
                self._ray.shutdown()
                if not left:
                    raise
                print("Ray did not start in its time, trying again", file=sys.stderr)

    def __enter__(self) -> RayPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def limits_that_hold(self) -> dict[str, bool]:
        """Not known: the machines differ."""
        return {}

    def grade(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Graded]]:
        """Yields each job with its result, whatever became of it. Ray itself tries a job whose worker ends once more.

        Two jobs wait for each core, so a job has its own time and that of the one before it.
        """
        jobs, running = iter(jobs), {}
        while True:
            while len(running) < 2 * self.size and (job := next(jobs, None)):
                running[self._grade.remote(job)] = job, time.monotonic() + 2 * seconds_for(job)
            if not running:
                return
            for done in self._ray.wait(list(running), timeout=60)[0]:
                job, _ = running.pop(done)
                try:
                    result = self._ray.get(done)
                except Exception as error:
                    result = failed(job, f"{ENDED} ({type(error).__name__})", ENDED)
                yield job, result
            for late in [task for task, (_, deadline) in running.items() if time.monotonic() > deadline]:
                job, _ = running.pop(late)
                self._ray.cancel(late, force=True)
                yield job, failed(job, f"it took longer than {2 * seconds_for(job):g} s")

    def close(self) -> None:
        """Leaves the cluster. What is left on its other machines the next run there removes."""
        self._ray.shutdown()
        nursery.sweep(self._run, patience=30)


if __name__ == "__main__":
    die_with_parent()
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(
        resource.RLIMIT_DATA, (MEMORY, most)
    )  # the limit of what it starts can be raised again
    gc.freeze()
    _serve(multiprocessing.connection.Connection(int(sys.argv[1])))
