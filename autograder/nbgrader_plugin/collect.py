"""`nbgrader zip_collect`, without what students can do to it: what a learning platform packed is unpacked, once."""

from __future__ import annotations

import shutil
from pathlib import Path

from nbgrader.plugins import ExtractorPlugin
from nbgrader.utils import unzip


class PlatformArchives(ExtractorPlugin):
    """Unpacks the platform's archives, and none that students have put into them.

    nbgrader unpacks those too: a member that climbs out of its folder ends the collection of the whole class, and a
    member that is called like another student's upload replaces it.
    """

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpacks every archive below `archive_path`, and copies its other files."""
        for path in sorted(Path(archive_path).rglob("*")):
            if not path.is_file():
                continue
            target = Path(extracted_path, path.parent.relative_to(archive_path))
            target.mkdir(parents=True, exist_ok=True)
            if path.suffix not in self.zip_ext:
                shutil.copy(path, target)
                continue
            try:
                unzip(str(path), str(target), zip_ext=self.zip_ext, create_own_folder=True)
            except Exception as error:  # whatever a damaged or hostile archive leads the library into
                self.log.error("%s was not unpacked: %s", path, error)
