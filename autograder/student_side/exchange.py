"""What passes between the judge and the student's side: plain data in an .npz archive, never a pickle.

A message is a dictionary of arrays, numbers, strings, None, and lists and dictionaries of these. Its form
travels as JSON in one member of the archive, every array in a member of its own. The receiving side trusts
nothing: it checks the size of the archive, of each member and of each array header before it allocates, and makes
every text harmless.
"""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np

from autograder.student_side.text import clean

SIZE_LIMIT = 64 * 2**20  # bytes of one message, compressed or not
STRUCTURE_LIMIT = 2**20  # bytes of the JSON that says how a message is built
MEMBER_LIMIT = 10_000
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes; others may ask for gigabytes
_ENTRY = b"PK\x01\x02"  # with which a member begins in an archive's list
_STRUCTURE = "structure.npy"
_ARRAY_KINDS = "biuf"  # bool, signed and unsigned integers, floats


class ExchangeError(ValueError):
    """A message that cannot be sent, or that must not be opened."""


def encode(message: dict) -> bytes:
    """Packs a dictionary of plain data. Raises ExchangeError for anything that is not plain."""
    arrays: dict[str, np.ndarray] = {}

    def pack(value: object, where: str) -> object:
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (np.ndarray, np.generic)):
            array = np.asarray(value)
            if array.dtype.kind not in _ARRAY_KINDS:
                raise ExchangeError(
                    f"{where} is an array of dtype {array.dtype}; expected numbers or booleans"
                )
            name = f"array_{len(arrays)}"
            arrays[name] = array
            return {"array": name}
        if isinstance(value, (list, tuple)):
            return {"list": [pack(item, f"{where}[{i}]") for i, item in enumerate(value)]}
        if isinstance(value, dict):
            return {"dict": [[str(key), pack(item, f"{where}[{key!r}]")] for key, item in value.items()]}
        raise ExchangeError(
            f"{where} is a {type(value).__name__}; expected arrays, numbers, strings, lists, dicts"
        )

    structure = json.dumps(pack(dict(message), "message")).encode()
    buffer = io.BytesIO()
    np.savez(buffer, structure=np.frombuffer(structure, dtype=np.uint8), **arrays)
    return buffer.getvalue()


def decode(data: bytes, limit: int = SIZE_LIMIT) -> dict:
    """Unpacks what `encode` packed. Raises ExchangeError for pickles, broken archives and excess."""
    if len(data) > limit:
        raise ExchangeError(f"message of {len(data)} bytes; the limit is {limit}")
    try:
        members = _read_members(data, limit)
        structure = json.loads(members.pop(_STRUCTURE).tobytes())
        message = _unpack(structure, members)
    except ExchangeError:
        raise
    except Exception as error:  # whatever a broken or hostile archive raises, it is refused
        raise ExchangeError(f"not a message: {type(error).__name__}: {error}") from error
    if not isinstance(message, dict):
        raise ExchangeError(f"message is a {type(message).__name__}; expected a dict")
    return message


def _read_members(data: bytes, limit: int) -> dict[str, np.ndarray]:
    if data.count(_ENTRY) > 2 * MEMBER_LIMIT:  # to read the list of a million takes ten seconds
        raise ExchangeError(f"an archive of more than {MEMBER_LIMIT} members")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > MEMBER_LIMIT:
            raise ExchangeError(f"{len(entries)} members; the limit is {MEMBER_LIMIT}")
        if any(entry.compress_type not in _COMPRESSIONS for entry in entries):
            raise ExchangeError("a member that is packed in another way than NumPy does")
        total = sum(entry.file_size for entry in entries)
        if total > limit:
            raise ExchangeError(f"{total} bytes when unpacked; the limit is {limit}")
        return {
            entry.filename: _read_array(_read_member(archive, entry), entry.filename) for entry in entries
        }


def _read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """What an archive says that a member holds; `archive.read` would unpack all of it, however much that is."""
    if entry.filename == _STRUCTURE and entry.file_size > STRUCTURE_LIMIT:
        raise ExchangeError(f"a structure of {entry.file_size} bytes; the limit is {STRUCTURE_LIMIT}")
    with archive.open(entry) as stream:
        return stream.read(entry.file_size)


def _read_array(data: bytes, name: str) -> np.ndarray:
    """One .npy member, refusing object arrays, and headers that claim more than the member holds."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise ExchangeError(f"{name}: unsupported .npy version {version}")
    shape, fortran_order, dtype = read_header[version](stream)
    if dtype.kind not in _ARRAY_KINDS:
        raise ExchangeError(f"{name}: dtype {dtype} refused; expected numbers or booleans")
    body = data[stream.tell() :]
    count = 1
    for length in shape:
        count *= length
    if count * dtype.itemsize != len(body):
        raise ExchangeError(
            f"{name}: header claims {count * dtype.itemsize} bytes, the member holds {len(body)}"
        )
    return np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if fortran_order else "C").copy()


def _unpack(value: object, members: dict[str, np.ndarray]) -> object:
    if isinstance(value, str):
        return clean(value, STRUCTURE_LIMIT)
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return members[f"{content}.npy"]
    if kind == "list":
        return [_unpack(item, members) for item in content]
    if kind == "dict":
        return {_unpack(key, members): _unpack(item, members) for key, item in content}
    raise ExchangeError(f"unknown kind {kind!r} in the structure")
