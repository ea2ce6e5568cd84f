"""One connection to a socket of a kernel, read in bounded memory: what ZeroMQ's own client would hold, this one drops.

The kernel's side belongs to whoever took over the kernel. So the protocol (ZMTP 3.0, https://rfc.zeromq.org/spec/23)
is spoken here in the few lines that a client needs: connected once, before student code runs, and never again; no
frame, message or queue is kept beyond a limit, and what nobody reads waits in the kernel's own memory.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CHUNK = 2**18  # bytes read at a time
FRAMES = 16  # of one message: Jupyter's have seven or eight
SECONDS = 20.0  # for a greeting, and until a kernel takes what it is sent
_DELIMITER = b"<IDS|MSG>"
_MORE, _LONG, _COMMAND = 1, 2, 4
_GREETING = b"\xff" + 8 * b"\0" + b"\x7f\x03\0" + b"NULL".ljust(20, b"\0") + 32 * b"\0"


class Closed(Exception):
    """The kernel does not speak with us any more, or never did."""


@dataclass(frozen=True)
class Message:
    """One of Jupyter's messages, as far as it makes sense.

    Attributes:
        kind: its msg_type.
        parent: the msg_id of what it answers, or "".
        content: None where it was too long.
    """

    kind: str
    parent: str
    content: dict | None


class Wire:
    """A connection to the kernel's socket at `path`.

    Args:
        kind: of our end: b"SUB", which subscribes to everything, or b"DEALER".
        identity: what the kernel calls us.
        limit: bytes of a message that are kept.
        read: makes something of a message's frames, and of whether some were cut, or None.

    Attributes:
        closed: the other end is gone.

    Raises:
        OSError: nobody listens there yet.
        Closed: whoever does gives no greeting.
    """

    def __init__(
        self, path: str, kind: bytes, identity: bytes, limit: int, read: Callable[[list[bytes], bool], object]
    ):
        self.closed, self._limit, self._read = False, limit, read
        self._rest = bytearray()  # of what was read, the beginning of a header
        self._body, self._left, self._flags = bytearray(), 0, None  # of the frame that is being read
        self._frames: list[bytes] = []
        self._size, self._cut = 0, False  # of the message that is being read
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(SECONDS)
            self._socket.connect(path)
            self._greet(kind, identity)
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def close(self) -> None:
        """Ends the connection."""
        self.closed = True
        self._socket.close()

    def _greet(self, kind: bytes, identity: bytes) -> None:
        """Says what we are. The other end's own words, but for its greeting, are passed over by `receive`."""
        about = b"".join(
            struct.pack(">B", len(name)) + name + struct.pack(">I", len(value)) + value
            for name, value in ((b"Socket-Type", kind), (b"Identity", identity))
        )
        try:
            self._socket.sendall(_GREETING)
            theirs = b""
            while len(theirs) < len(_GREETING):
                more = self._socket.recv(len(_GREETING) - len(theirs))
                if not more:
                    raise Closed("no greeting")
                theirs += more
            self._socket.sendall(_frame(b"\x05READY" + about, _COMMAND))
            if kind == b"SUB":
                self._socket.sendall(_frame(b"\x01", 0))  # everything
        except OSError as error:
            raise Closed(f"no greeting: {error}") from None

    def send(self, frames: list[bytes]) -> None:
        """Sends a message.

        Raises:
            Closed: the kernel does not take it.
        """
        last = len(frames) - 1
        try:
            self._socket.sendall(
                b"".join(_frame(frame, 0 if i == last else _MORE) for i, frame in enumerate(frames))
            )
        except OSError as error:
            self.closed = True
            raise Closed(str(error)) from None

    def receive(self) -> Iterator[object]:
        """What makes sense of the next chunk that has come; at the end of all, nothing and `closed`."""
        data = b""
        try:
            data = self._socket.recv(CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            pass
        if not data:
            self.closed = True
            return
        self._rest += data
        at = 0
        while True:
            if self._flags is None:
                header = self._header(at)
                if not header:
                    break
                at += header
            piece = self._rest[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            if self._body is not None:
                self._body += piece
            if self._left:
                break
            yield from self._end_frame()
        del self._rest[:at]

    def _header(self, at: int) -> int:
        """Reads the header of a frame; its length, or 0 where it is not all there yet."""
        available = len(self._rest) - at
        length = 9 if available and self._rest[at] & _LONG else 2
        if available < length:
            return 0
        self._flags = self._rest[at]
        (self._left,) = struct.unpack_from(">Q" if length == 9 else ">B", self._rest, at + 1)
        keep = self._size + self._left <= self._limit and len(self._frames) < FRAMES
        self._body = bytearray() if keep else None
        return length

    def _end_frame(self) -> Iterator[object]:
        flags, body, self._flags = self._flags, self._body, None
        if flags & _COMMAND:
            return
        if body is None:
            self._cut = True
        if len(self._frames) < FRAMES:
            self._frames.append(bytes(body or b""))
            self._size += len(body or b"")
        if not flags & _MORE:
            frames, cut = self._frames, self._cut
            self._frames, self._size, self._cut = [], 0, False
            message = self._read(frames, cut)
            if message:
                yield message


def _frame(body: bytes, flags: int) -> bytes:
    if len(body) < 256:
        return struct.pack(">BB", flags, len(body)) + body
    return struct.pack(">BQ", flags | _LONG, len(body)) + body


def jupyter_message(frames: list[bytes], cut: bool) -> Message | None:
    """The message in these frames, or None where they hold none.

    Signatures are not looked at: whoever took over the kernel has its key, and nobody else reaches its sockets.
    """
    with contextlib.suppress(ValueError, IndexError, RecursionError):
        start = frames.index(_DELIMITER) + 2  # the signature lies between
        header, parent = json.loads(frames[start]), json.loads(frames[start + 1])
        kind = header.get("msg_type") if isinstance(header, dict) else None
        request = parent.get("msg_id") if isinstance(parent, dict) else None
        content = None if cut else json.loads(frames[start + 3])
        if isinstance(kind, str) and isinstance(content, (dict, type(None))):
            return Message(kind, request if isinstance(request, str) else "", content)
    return None


def whole_frame(frames: list[bytes], cut: bool) -> bytes | None:
    """The last frame of a message that is all there."""
    return None if cut else frames[-1]
