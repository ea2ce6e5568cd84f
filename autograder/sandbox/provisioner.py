"""A Jupyter kernel provisioner that starts the kernel in the sandbox and talks to it through private files."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner
from traitlets import Bool, Instance

from autograder.sandbox import bubblewrap
from autograder.sandbox.limits import Limits


class BubblewrapProvisioner(LocalProvisioner):
    """Starts one kernel per room: a private directory that holds sockets, requests and answers.

    The sandbox sees the room at the same path: `requests` read-only, `sockets` and `answers` writable.
    Kernels must be interrupted by message (`interrupt_mode: message`): a signal would reach bubblewrap instead.
    """

    limits = Instance(Limits, args=())
    unsafe = Bool(False, help="Run without isolation, with limits only.").tag(config=True)

    room: Path

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepares the room and wraps the kernel's command.

        Raises:
            SandboxUnavailable: there is no working sandbox, and `unsafe` was not asked for.
        """
        if not self.unsafe:
            bubblewrap.require()
        self.room = Path(tempfile.mkdtemp(prefix="room-", dir="/tmp"))  # short: socket paths end at 107 bytes
        for name in ("sockets", "requests", "answers", "home"):
            (self.room / name).mkdir(mode=0o700)
        manager = self.parent
        manager.transport = "ipc"
        manager.ip = str(self.room / "sockets" / "ipc")
        manager.connection_file = str(self.room / "sockets" / "connection.json")
        kwargs = await super().pre_launch(**kwargs)
        home = self.room / "home" if self.unsafe else bubblewrap.HOME
        kwargs["env"] = bubblewrap.environment(str(home))  # bubblewrap's own too: it is process 1 inside
        if self.unsafe:
            kwargs["cwd"] = str(home)
            kwargs["cmd"] = [*self.limits.prefix(), *kwargs["cmd"]]
        else:
            kwargs["cwd"] = "/"
            kwargs["cmd"] = bubblewrap.command(
                kwargs["cmd"],
                self.limits,
                readable=[self.room / "requests"],
                writable=[self.room / "sockets", self.room / "answers"],
            )
        kwargs["stdout"] = subprocess.DEVNULL
        kwargs["stderr"] = (self.room / "stderr").open("wb")
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any):
        """Starts the sandbox."""
        with kwargs["stderr"]:
            return await super().launch_kernel(cmd, **kwargs)

    def complaint(self) -> str:
        """The end of what the sandbox and the kernel's process wrote to their stderr."""
        with (self.room / "stderr").open("rb") as stream:
            return stream.read(4000).decode(errors="replace").strip()

    async def cleanup(self, restart: bool = False) -> None:
        """Removes the room."""
        await super().cleanup(restart)
        if not restart:
            shutil.rmtree(self.room, ignore_errors=True)
