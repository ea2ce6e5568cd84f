"""With a temporary name, bare functions, and a finally."""

import os
import tempfile
from os import fsync, rename

from gcb6206.exercises import solves
from gcb6206.infrastructure.distributed.pool import to_bytes


@solves("hw5.publish")
def publish(self, state, version):
    if any(version <= known for known in self.versions()):
        raise ValueError(f"got version {version}, there is {max(self.versions())}")
    content, name = to_bytes(state), None
    try:
        if self.has_room(len(content)):
            descriptor, name = tempfile.mkstemp(dir=self.directory, prefix=".unfinished-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                fsync(descriptor)
            rename(name, self.path(version))
            name = None
            for old in self.versions()[: -self.keep]:
                self.path(old).unlink()
            return True
    except OSError:
        pass
    finally:
        if name:
            os.remove(name)
    self.failures += 1
    return False
