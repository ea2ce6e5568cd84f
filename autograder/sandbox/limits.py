"""What one submission may use. The trusted side enforces the seconds, the operating system the rest."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """Bounds on one sandboxed kernel.

    Attributes:
        seconds_per_cell: wall time of one cell of the notebook.
        seconds_per_probe: wall time of one call of a judge into the student's code.
        seconds_per_training: the same, for the probes that train an agent.
        seconds_total: wall time of the whole kernel, from its start.
        seconds_grace: how long an interrupted kernel may take to answer before it is killed.
        memory: bytes of data that one process may allocate.
        processes: processes and threads. The kernel does not hold this one against root.
        file_size: bytes of the largest file that may be written.
        open_files: open file descriptors of one process.
        disk: bytes of each private writable directory.
        output: bytes of output that are kept of one cell.
    """

    seconds_per_cell: float = 60.0
    seconds_per_probe: float = 30.0
    seconds_per_training: float = 240.0
    seconds_total: float = 1200.0
    seconds_grace: float = 3.0
    memory: int = 4 * GIB
    processes: int = 512
    file_size: int = GIB // 4
    open_files: int = 512
    disk: int = GIB // 2
    output: int = 2**20

    def prefix(self) -> list[str]:
        """The command that puts these limits on the command behind it, for good."""
        return [
            "prlimit",
            f"--data={self.memory}",
            f"--nproc={self.processes}",
            f"--fsize={self.file_size}",
            f"--nofile={self.open_files}",
            "--core=0",
            "--",
        ]
