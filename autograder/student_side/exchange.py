"""What passes between the judge and the student's side: plain data, never a pickle.

A message is a dictionary of arrays, numbers, strings, None, and lists and dictionaries of these. Its structure travels
as JSON, behind the JSON's length; the bytes of all arrays follow, one array after the other. The receiving side trusts
nothing: it checks the size of the message, of its structure and of what each array claims before it allocates, and
makes every text harmless.
"""

from __future__ import annotations

import json
import math
import struct

import numpy as np

from autograder.student_side.text import clean

SIZE_LIMIT = 64 * 2**20  # bytes of one message
STRUCTURE_LIMIT = 2**20  # bytes of the JSON that says how a message is built
DIMENSIONS_LIMIT = 32
_LENGTH = struct.Struct("<Q")  # of the structure
_DTYPES = {
    dtype.newbyteorder(order).str: dtype.newbyteorder(order)
    for dtype in map(np.dtype, "?" + np.typecodes["AllInteger"] + np.typecodes["Float"])
    for order in "<>"
}


class ExchangeError(ValueError):
    """A message that cannot be sent, or that must not be opened."""


def encode(message: dict) -> bytes:
    """Packs a dictionary of plain data. Raises ExchangeError for anything that is not plain."""
    arrays: list[bytes] = []

    def pack(value: object, where: str) -> object:
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (np.ndarray, np.generic)):
            array = np.asarray(value)
            if array.dtype.str not in _DTYPES:
                raise ExchangeError(
                    f"{where} is an array of dtype {array.dtype}; expected numbers or booleans"
                )
            arrays.append(array.tobytes())
            return {"array": [array.dtype.str, array.shape]}
        if isinstance(value, (list, tuple)):
            return {"list": [pack(item, f"{where}[{i}]") for i, item in enumerate(value)]}
        if isinstance(value, dict):
            return {"dict": [[str(key), pack(item, f"{where}[{key!r}]")] for key, item in value.items()]}
        raise ExchangeError(
            f"{where} is a {type(value).__name__}; expected arrays, numbers, strings, lists, dicts"
        )

    structure = json.dumps(pack(dict(message), "message")).encode()
    return b"".join([_LENGTH.pack(len(structure)), structure, *arrays])


def decode(data: bytes, limit: int = SIZE_LIMIT) -> dict:
    """Unpacks what `encode` packed. Raises ExchangeError for everything else, and for excess."""
    if len(data) > limit:
        raise ExchangeError(f"message of {len(data)} bytes; the limit is {limit}")
    try:
        message = _read(data)
    except ExchangeError:
        raise
    except Exception as error:  # whatever broken or hostile bytes raise, they are refused
        raise ExchangeError(f"not a message: {type(error).__name__}: {error}") from error
    if not isinstance(message, dict):
        raise ExchangeError(f"message is a {type(message).__name__}; expected a dict")
    return message


def _read(data: bytes) -> object:
    (length,) = _LENGTH.unpack_from(data)
    if length > STRUCTURE_LIMIT:
        raise ExchangeError(f"a structure of {length} bytes; the limit is {STRUCTURE_LIMIT}")
    at = _LENGTH.size + length  # where the next array begins

    def array(name: str, shape: list[int]) -> np.ndarray:
        nonlocal at
        if name not in _DTYPES:
            raise ExchangeError(f"dtype {str(name)[:40]!r} refused; expected numbers or booleans")
        if len(shape) > DIMENSIONS_LIMIT or not all(type(n) is int and 0 <= n <= SIZE_LIMIT for n in shape):
            raise ExchangeError(f"shape {str(shape)[:40]} refused")
        dtype, count = _DTYPES[name], math.prod(shape)
        if count * dtype.itemsize > len(data) - at:
            raise ExchangeError(
                f"an array claims {count * dtype.itemsize} bytes, the message holds {len(data) - at} more"
            )
        found = np.frombuffer(data, dtype, count, at) if count else np.empty(0, dtype)
        at += count * dtype.itemsize
        return found.reshape(shape).copy()

    def unpack(value: object) -> object:
        if isinstance(value, str):
            return clean(value, STRUCTURE_LIMIT)
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "array":
            return array(*content)
        if kind == "list":
            return [unpack(item) for item in content]
        if kind == "dict":
            return {unpack(key): unpack(item) for key, item in content}
        raise ExchangeError(f"unknown kind {kind!r} in the structure")

    message = unpack(json.loads(data[_LENGTH.size : at]))
    if at != len(data):
        raise ExchangeError(f"{len(data) - at} bytes too many")
    return message
