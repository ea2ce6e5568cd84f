"""A Jupyter kernel provisioner that gets its kernels, sealed off, from a nursery."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerBase
from traitlets import Bool, Instance

from autograder.sandbox import bubblewrap, nursery
from autograder.sandbox.limits import Limits


class BubblewrapProvisioner(KernelProvisionerBase):
    """Starts one kernel per room: a private directory that holds sockets, requests and answers.

    The kernel sees the room at the same path: `requests` read-only, `sockets` and `answers` in memory of its own.
    Kernels must be interrupted by message (`interrupt_mode: message`).

    Attributes:
        nursery: folder of the nursery to ask; without one, this kernel gets a nursery of its own.
    """

    limits = Instance(Limits, args=())
    nursery = Instance(Path, allow_none=True)
    unsafe = Bool(False, help="Run without isolation, with limits only.").tag(config=True)

    room: Path
    process: nursery.Cradle | None = None
    _own: nursery.Nursery | None = None

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel."""
        return self.process is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepares the room and the kernel's command.

        Raises:
            SandboxUnavailable: there is no working sandbox, and `unsafe` was not asked for.
        """
        if self.nursery is None:
            self._own = nursery.Nursery(unsafe=self.unsafe, single=True)
            self.nursery = self._own.folder
        self.room = Path(tempfile.mkdtemp(prefix="", dir=self.nursery / "rooms"))
        for name in ("sockets", "requests", "answers", "home"):
            (self.room / name).mkdir(mode=0o700)
        manager = self.parent
        manager.transport = "ipc"
        manager.ip = str(self.room / "sockets" / "ipc")
        manager.connection_file = str(self.room / "requests" / "connection.json")
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        home = str(self.room / "home") if self.unsafe else bubblewrap.HOME
        kwargs["env"] = bubblewrap.environment(home)
        return await super().pre_launch(cmd=manager.format_kernel_cmd(), **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Asks the nursery for the kernel."""
        request = {"room": str(self.room), "argv": cmd[2:], "env": kwargs["env"]}
        self.process = nursery.Cradle(self.nursery, request, self.limits)
        return self.connection_info

    async def post_launch(self, **kwargs: Any) -> None:
        """Tells the manager where the kernel's sockets are seen from outside."""
        self.parent.ip = str(self.outside / "sockets" / "ipc")

    @property
    def outside(self) -> Path:
        """The room as the kernel fills it, seen from outside. Nothing in it is trusted."""
        shares_our_root = self.unsafe or self._own
        return self.room if shares_our_root else self.process.root / self.room.relative_to("/")

    async def poll(self) -> int | None:
        """The exit status, or None while the kernel lives."""
        return self.process.poll() if self.process else 0

    async def wait(self) -> int | None:
        """Waits until the kernel has ended."""
        while self.process and self.process.poll() is None:
            await asyncio.sleep(0.05)
        return self.process.returncode if self.process else 0

    async def send_signal(self, signum: int) -> None:
        """Every signal ends the kernel: interrupts go by message."""
        await self.kill()

    async def kill(self, restart: bool = False) -> None:
        """Ends the kernel and everything that it started."""
        if self.process:
            self.process.kill()

    async def terminate(self, restart: bool = False) -> None:
        """As `kill`."""
        await self.kill(restart)

    def complaint(self) -> str:
        """The end of what the kernel's process wrote to its stderr."""
        path = self.room / "stderr"
        return path.read_text(errors="replace")[-4000:].strip() if path.is_file() else ""

    async def cleanup(self, restart: bool = False) -> None:
        """Removes the room."""
        if not restart:
            shutil.rmtree(self.room, ignore_errors=True)
            if self._own:
                self._own.close()
