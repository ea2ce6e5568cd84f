"""`nbgrader zip_collect`, without what students can do to it: what a learning platform packed is unpacked, once."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from nbgrader.api import Gradebook
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.utils import parse_utc, unzip

from autograder.nbgrader_plugin.submission import FILE_LIMIT

NAME_LIMIT = 255  # bytes of a file's name

# What learning platforms make of the name of an upload, whose last part a student chose: in this order, none of them
# takes an upload on one platform that is called as on another for somebody else's.
MOODLE = r"(?P<student_id>[^/_]+)_(?P<number>[0-9]+)_assignsubmission_file[_/]{1,2}(?P<file_id>[^/]+)"
CANVAS = r"(?P<student_id>[^/_]+)_(?P<late>LATE_)?(?P<number>[0-9]+)_[0-9]+_(?!attempt_)(?P<file_id>[^/]+?)(-[0-9]+)?(?P<suffix>[.]\w+)"
BLACKBOARD = r"[^/_]+_(?P<student_id>[^/]+?)_attempt_(?P<timestamp>[0-9-]+)_(?P<file_id>[^/]+)"


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
    """Who handed in what, and when, by the names that Blackboard, Moodle and Canvas give to uploads.

        Homework 3_ada_attempt_2026-03-01-10-00-00_hw3.ipynb    Blackboard: the login, and the time
        Ada Lovelace_123_assignsubmission_file_hw3.ipynb        Moodle: the name; the number is another one next week
        lovelaceada_LATE_501_9876_hw3-1.ipynb                   Canvas: name and number; -1 is a second upload

    A student of Canvas is the one of the gradebook with that number (``nbgrader db student add ada --lms-user-id=501``),
    else name and number.
    """

    def _match(self, filename: str) -> dict | None:
        for pattern in (MOODLE, CANVAS, BLACKBOARD):
            match = re.search(f"(?:^|/){pattern}$", filename)
            if match and match["student_id"] not in (".", ".."):
                break
        else:
            self.log.error("%r was NOT collected: no learning platform that we know names files so", filename)
            return None
        found = match.groupdict()
        if pattern is MOODLE:
            found["student_id"] = self._namesake(found["student_id"], found["number"])
        if pattern is CANVAS:
            student, number = found["student_id"], found["number"]
            found["student_id"] = self._by_number().get(number, f"{student}_{number}")
            found["file_id"] += found["suffix"]
        if found.get("late"):
            self.log.warning(
                "%s handed in late; Canvas does not say when. For a late penalty write the time into timestamp.txt",
                found["student_id"],
            )
        try:
            parse_utc(found.get("timestamp"))
        except Exception:  # as in submission.timestamp
            self.log.warning("%r counts as in time: %r is no time", filename, found.pop("timestamp"))
        return {key: found[key] for key in ("student_id", "file_id", "timestamp") if key in found}

    def _namesake(self, name: str, number: str) -> str:
        """The name, with the number where another student of this archive has the same name."""
        self._numbers = getattr(self, "_numbers", {})
        if self._numbers.setdefault(name, number) == number:
            return name
        self.log.warning("Two students are called %s: one is collected as '%s %s'", name, name, number)
        return f"{name} {number}"

    def _by_number(self) -> dict[str, str]:
        """The gradebook's students by their numbers in the platform."""
        if not hasattr(self, "_students"):
            course = self.parent.coursedir
            with Gradebook(course.db_url, course.course_id) as gradebook:
                self._students = {str(s.lms_user_id): s.id for s in gradebook.students if s.lms_user_id}
        return self._students


def short(name: str) -> str:
    """A name that a file can have: one that is too long loses its middle, and no two become alike."""
    data = name.encode("utf-8", "replace")
    if len(data) <= NAME_LIMIT:
        return name
    mark = hashlib.sha256(data).hexdigest()[:12]
    suffix = Path(name).suffix.encode("utf-8", "replace")[:20]
    return f"{data[:200].decode(errors='ignore')}-{mark}{suffix.decode(errors='ignore')}"
