"""Text that a student wrote, made harmless once, where it enters: an exception's, a stream's, an answer's, a name's."""

from __future__ import annotations

import re

# What a terminal does not show but obeys, as whole sequences; `[ -~]*` keeps each search linear.
_SEQUENCES = re.compile(r"\x1b\[[0-9;:?]*[ -/]?[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?")
# Control characters but tab and line feed, lone surrogates, and what turns or breaks a line without being seen.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(text: str, limit: int = 2**20) -> str:
    """Text that can be written, printed and shown: no control characters, no half ones, and not endless.

    Args:
        limit: characters; what is beyond is dropped, and said to be.
    """
    dropped = len(text) - limit
    text = _CONTROLS.sub("\ufffd", _SEQUENCES.sub("", text[:limit].replace("\r\n", "\n")))
    return f"{text} ... {dropped} more characters were dropped ..." if dropped > 0 else text


def one_line(text: str, limit: int = 300) -> str:
    """The same without line breaks, for a name or a message that must not look like a second one."""
    return re.sub(r"[\n\t]", " ", clean(text, limit))
