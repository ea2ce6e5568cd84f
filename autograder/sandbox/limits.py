"""What one submission may use. The trusted side enforces the seconds, the operating system and a watchdog the rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass

GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """Bounds on one sandboxed kernel.

    Seconds are of CPU time, or a few times as long by the clock (`kernel.PATIENCE`): a busy machine fails nobody.

    Attributes:
        seconds_per_cell: of one cell of the notebook.
        seconds_per_probe: of one call of a judge into the student's code.
        seconds_per_training: the same, for the probes that train an agent.
        seconds_total: of the whole kernel, by the clock, without what it waits for a core; also the CPU time of one
            process.
        seconds_grace: how long an interrupted kernel may take to answer before it is killed.
        memory: bytes of data that the kernel's process may hold before it gets a MemoryError.
        address_space: bytes of data that one process may reserve, whether or not it ever touches them.
        memory_total: bytes of memory of all its processes together, private files in memory included.
        processes: processes and threads.
        cores: CPU cores on average, which control groups hold or, a little later, the watchdog.
        file_size: bytes of the largest file that may be written.
        open_files: open file descriptors of one process.
        disk: bytes of each private writable directory.
        output: characters of output that are kept of one cell.
        output_total: the same, of all cells together.
    """

    seconds_per_cell: float = 60.0
    seconds_per_probe: float = 30.0
    seconds_per_training: float = 120.0
    seconds_total: float = 1200.0
    seconds_grace: float = 3.0
    memory: int = 4 * GIB
    address_space: int = 32 * GIB
    memory_total: int = 5 * GIB
    processes: int = 256
    cores: float = 1.0
    file_size: int = GIB // 4
    open_files: int = 512
    disk: int = GIB // 2
    output: int = 2**20
    output_total: int = 8 * 2**20

    def to_dict(self) -> dict:
        """All of them, for the side that enforces them."""
        return asdict(self)
