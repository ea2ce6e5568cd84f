"""A Jupyter kernel provisioner that gets its kernels, sealed off, from a nursery."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerBase
from traitlets import Bool, Instance

from autograder.sandbox import bubblewrap, nursery, zygote
from autograder.sandbox.limits import Limits

SECONDS_TO_START = 120.0
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


class BubblewrapProvisioner(KernelProvisionerBase):
    """Starts one kernel per room: a private directory that holds sockets, requests and answers.

    A sealed kernel sees the room as mounts of its own: `requests` read-only, `sockets` and `answers` in memory of its
    own. Request and answer are one file each, which we open before any submitted code runs and never look for again;
    its sockets are connected to in that time too, and never again. Kernels must be interrupted by message
    (`interrupt_mode: message`).

    Attributes:
        nursery: folder of the nursery to ask; without one, this kernel gets a nursery of its own.
        room: the folder as we made it.
        inside: the room as the kernel sees it.
        request: descriptor of the file `requests/request`.
        opened: descriptors of `answers/answer` and of the folder `sockets`.
    """

    limits = Instance(Limits, args=())
    nursery = Instance(Path, allow_none=True)
    unsafe = Bool(False, help="Run without isolation, with limits only.").tag(config=True)

    room: Path
    inside: Path
    request: int | None = None
    opened: zygote.Opened | None = None
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
        self.request = os.open(self.room / "requests" / "request", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        is_sealed = not (self.unsafe or self._own)
        self.inside = Path(zygote.ROOM) if is_sealed else self.room
        manager = self.parent
        manager.transport = "ipc"
        manager.ip = str(self.inside / "sockets" / "ipc")
        for number, port in enumerate(PORTS, start=1):
            setattr(manager, port, number)
        self.connection_info = manager.get_connection_info()
        home = str(self.room / "home") if self.unsafe else bubblewrap.HOME
        kwargs["env"] = bubblewrap.environment(home)
        return await super().pre_launch(cmd=manager.format_kernel_cmd(), **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Asks the nursery for the kernel.

        Raises:
            SandboxUnavailable: there came none.
        """
        connection = {**self.connection_info, "key": self.connection_info["key"].decode()}
        request = {"room": str(self.room), "argv": cmd[2:], "env": kwargs["env"], "connection": connection}
        try:
            self.process = nursery.Cradle(self.nursery, request, self.limits)
            self.opened = self.process.opened(SECONDS_TO_START)
        except BaseException:
            await self.cleanup()
            raise
        return self.connection_info

    async def post_launch(self, **kwargs: Any) -> None:
        """Tells the manager where the kernel's sockets are seen from outside."""
        self.parent.ip = f"/proc/self/fd/{self.opened.sockets}/ipc"

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

    async def cleanup(self, restart: bool = False) -> None:
        """Removes the room."""
        if not restart:
            for descriptor in (self.request, *(self.opened or ())):
                os.close(descriptor)
            self.request = self.opened = None
            shutil.rmtree(self.room, ignore_errors=True)
            if self._own:
                self._own.close()
