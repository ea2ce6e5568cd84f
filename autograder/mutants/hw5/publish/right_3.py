"""With descriptors of the operating system."""

import os

from gcb6206.exercises import solves
from gcb6206.infrastructure.distributed import pool


@solves("hw5.publish")
def publish(self, state, version):
    version = int(version)
    known = self.versions()
    if version in known or (known and version < max(known)):
        raise ValueError(f"version {version} after {max(known)}")
    data = pool.to_bytes(state)
    part = str(self.path(version)) + ".part"
    taken = False
    if self.has_room(len(data)):
        try:
            target = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                sent = 0
                while sent < len(data):
                    sent += os.write(target, data[sent:])
                os.fsync(target)
            finally:
                os.close(target)
            os.rename(part, self.path(version))
            taken = True
        except OSError:
            if os.path.exists(part):
                os.unlink(part)
    if taken:
        everything = sorted(known + [version], reverse=True)
        for old in everything[self.keep :]:
            self.remove(old)
    else:
        self.failures += 1
    return taken
