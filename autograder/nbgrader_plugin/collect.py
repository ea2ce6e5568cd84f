"""`nbgrader zip_collect`, without what students can do to it: what a learning platform packed is unpacked, once."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.utils import parse_utc, unzip

from autograder.nbgrader_plugin.submission import FILE_LIMIT

NAME_LIMIT = 255  # bytes of a file's name


class PlatformArchives(ExtractorPlugin):
    """Unpacks the platform's archives, and none that students have put into them.

    nbgrader unpacks those too: a member that climbs out of its folder ends the collection of the whole class, and a
    member that is called like another student's upload replaces it. Here a member that cannot be unpacked is left out
    with a line that says so, and all others are collected.
    """

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpacks every archive below `archive_path`, and copies its other files."""
        for path in sorted(Path(archive_path).rglob("*")):
            if not path.is_file():
                continue
            target = Path(extracted_path, path.parent.relative_to(archive_path))
            target.mkdir(parents=True, exist_ok=True)
            try:
                if zipfile.is_zipfile(path) and path.suffix in self.zip_ext:
                    self._unpack(path, target / path.stem)
                elif path.suffix in self.zip_ext:
                    unzip(str(path), str(target), zip_ext=self.zip_ext, create_own_folder=True)
                else:
                    shutil.copy(path, target)
            except Exception as error:  # whatever a damaged or hostile archive leads the libraries into
                self.log.error("%s was not unpacked: %s", path, error)

    def _unpack(self, path: Path, target: Path) -> None:
        target.mkdir(exist_ok=True)
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                try:
                    self._unpack_member(archive, member, target)
                except Exception as error:
                    self.log.error("%r in %s was NOT collected: %s", member.filename, path.name, error)

    def _unpack_member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
        """Unpacks one file.

        Raises:
            ValueError: its name leads out of the folder, or it is too large.
            OSError, zipfile.BadZipFile: it is damaged, or there is a file of that name.
        """
        parts = PurePosixPath(member.filename).parts
        if not parts:
            raise ValueError("it has no name")
        if member.is_dir():
            return
        if ".." in parts or member.filename.startswith("/"):
            raise ValueError("its name leads out of its folder")
        if member.file_size > FILE_LIMIT:
            raise ValueError(f"it has {member.file_size} bytes; the limit is {FILE_LIMIT}")
        place = target.joinpath(*map(short, parts))
        if place.name != parts[-1]:
            self.log.warning("%r has too long a name and was collected as %r", member.filename, place.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with archive.open(member) as source, place.open("xb") as copy:
                left = member.file_size  # which an archive may understate
                while left > 0 and (chunk := source.read(min(left, 2**20))):
                    left -= len(chunk)
                    copy.write(chunk)
        except FileExistsError:
            raise ValueError("there is another file of that name") from None
        except BaseException:
            place.unlink(missing_ok=True)
            raise


class PlatformNames(FileNameCollectorPlugin):
    """nbgrader's own, which ends the collection of the whole class at a time that is none."""

    def collect(self, submitted_file: str) -> dict | None:
        """What a file's name says, or None where it is left out."""
        found = super().collect(submitted_file)
        try:
            if found:
                parse_utc(found["timestamp"])
        except (ValueError, OverflowError):
            self.log.error("%r was NOT collected: %r is no time", submitted_file, found["timestamp"])
            return None
        return found


def short(name: str) -> str:
    """A name that a file can have: one that is too long loses its middle, and no two become alike."""
    data = name.encode("utf-8", "replace")
    if len(data) <= NAME_LIMIT:
        return name
    mark = hashlib.sha256(data).hexdigest()[:12]
    suffix = Path(name).suffix.encode("utf-8", "replace")[:20]
    return f"{data[:200].decode(errors='ignore')}-{mark}{suffix.decode(errors='ignore')}"
