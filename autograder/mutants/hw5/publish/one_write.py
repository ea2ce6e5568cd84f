"""Takes it that os.write writes everything."""

from autograder.mutants import patched

HINT = "os.write may take a part only"

patched(
    "hw5.publish",
    (
        '        with open(unfinished, "wb") as file:\n            file.write(content)\n            file.flush()\n            os.fsync(file.fileno())\n',
        "        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)\n        try:\n            os.write(file, content)\n            os.fsync(file)\n        finally:\n            os.close(file)\n",
    ),
)
