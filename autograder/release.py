"""The archive that students get: `python -m autograder.release hw3 -o build/release/hw3.zip`.

It holds the notebook as `nbgrader generate_assignment` makes it, the package, the part of the autograder that
`check` needs, the experiments, a requirements.txt and a README. It is refused when it holds reference solutions.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path

from autograder.nbgrader_plugin.course_root import COURSE, make_root, nbgrader

FOLDERS = ("gcb6206", "experiments", "autograder/student_side", "autograder/trusted/judges")
MODULES = ("__init__", "check", "trusted/__init__", "trusted/judging", "trusted/report", "trusted/runner")
FILES = (*(f"autograder/{name}.py" for name in MODULES), "autograder/trusted/thresholds.yaml")
SUFFIXES = (".py", ".yaml")
# What only the instructor's programs use, with packages that no homework needs: the two arms, Ray, recordings.
LEFT_OUT = re.compile(
    r"experiments/two_arm/|gcb6206/(envs/(two_arm/|vla_world)|networks/(vla|value_network)|agents/vla_agent"
    r"|runs/(vla|two_arm|demonstrations|rollout_buffer|realm_ray)|infrastructure/(distributed/cluster|data_parallel)"
    r"|env_configs/(vla|two_arm)_config|scripts/(clone_vla|train_mappo|train_two_arm|record|sweep))"
)
# What the package and the notebooks import, and the notebook programs themselves.
PACKAGES = ("torch", "torchrl", "tensordict", "gymnasium", "vmas", "ale-py", "opencv-python", "mujoco", "numpy", "scipy", "threadpoolctl",
            "imageio", "tensorboard", "matplotlib", "pyyaml", "tyro", "tqdm", "nbgrader", "pytest")  # fmt: skip
SIZE, TIME = (
    "2.0 GB",
    "70 seconds",
)  # of such an environment: on the disk, and of one core; Linux, Python 3.11
# Trainings with a homework's functions. Homework 2's would need those of homework 4 as well.
TRAIN = {
    "hw1": "python -m gcb6206.scripts.run_ppo -cfg experiments/ppo/cartpole.yaml",
    "hw3": "python -m gcb6206.scripts.run_hw3 -cfg experiments/dqn/cartpole.yaml",
    "hw4": "python -m gcb6206.scripts.train --scenario-name navigation",
    "hw5": "python -m gcb6206.scripts.train_realm -cfg experiments/realm/small_distributed.yaml",
}
READABLE = 0o100644  # a plain file that everybody may read
SHORTEST_SECRET = 20  # characters; shorter lines, such as `loss.backward()`, stand in many programs

NBGRADER_CONFIG = '''"""So that `nbgrader validate {homework}.ipynb` has time for the training check."""

c = get_config()
c.Execute.timeout = 600
'''

README = """# {title}

You need Python 3.11, 3.12, 3.13 or 3.14. In this folder, on Linux:

    python3 -m venv .venv           # Debian, Ubuntu: first  sudo apt install python3-venv
    . .venv/bin/activate
    pip install {torch} --index-url https://download.pytorch.org/whl/cpu
    pip install -r requirements.txt
    jupyter lab {homework}.ipynb

The third line takes PyTorch without CUDA. With it the folder `.venv` has {size} on the disk; without it, about 6 GB.
Besides the download, installing takes {time} of one core. You need no GPU. On macOS leave that line out. On
Windows too, where the first two lines are `py -m venv .venv` and `.venv\\Scripts\\activate`.

Work through the notebook from top to bottom. Under each exercise, `check("...")` shows what your code does and what
it should do. Before you hand in, choose *Kernel, Restart Kernel and Run All Cells*; or, quicker:

    nbgrader validate {homework}.ipynb

It must say that your notebook passes all the tests. Hand in `{homework}.ipynb`, under that name, and nothing else:
other files are not looked at.
{training}
| folder | what is in it |
|---|---|
| `gcb6206/` | the course's package, complete but for the functions that you write |
| `experiments/` | the settings of the training runs |
| `autograder/` | the checks; read them if you want to know what exactly is asked |
"""

TRAINING = """
When everything is solved, your functions also train on the command line. `--help` shows what can be set, and the second
command draws the curves of the run that the first one names:

    {command} --notebook {homework}.ipynb
    python -m gcb6206.scripts.parse_tensorboard RUN -o curves.png
"""


class ReleaseError(RuntimeError):
    """The archive must not be made."""


def build(homework: str, output: Path, release: Path | None = None) -> list[str]:
    """Writes the archive.

    Args:
        homework: such as "hw3".
        output: the zip file.
        release: nbgrader's release directory of that homework; by default the notebook is generated anew.

    Returns:
        The names in the archive.

    Raises:
        ReleaseError: there is no such notebook, or a solution would leak.
    """
    contents = course_files()
    if release:
        contents |= _notebooks(homework, release)
    else:
        with tempfile.TemporaryDirectory() as root:
            make_root(Path(root))
            nbgrader("generate_assignment", homework, root=Path(root))
            contents |= _notebooks(homework, Path(root) / "release" / homework)
    contents["requirements.txt"] = requirements()
    contents["nbgrader_config.py"] = NBGRADER_CONFIG.format(homework=homework)
    training = TRAINING.format(command=TRAIN[homework], homework=homework) if homework in TRAIN else ""
    torch = contents["requirements.txt"].splitlines()[PACKAGES.index("torch")]
    contents["README.md"] = README.format(
        training=training,
        homework=homework,
        title=f"Homework {homework.removeprefix('hw')}",
        torch=torch,
        size=SIZE,
        time=TIME,
    )
    refuse_leaks(contents, solution_lines(homework))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(contents.items()):
            entry = zipfile.ZipInfo(f"gcb6206-{homework}/{name}")
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, READABLE << 16
            archive.writestr(entry, text)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(buffer.getvalue())
    return sorted(contents)


def solution_lines(homework: str) -> set[str]:
    """The telling lines between the solution markers."""
    text = (COURSE / "solutions" / f"{homework}.py").read_text(encoding="utf-8")
    regions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", text, flags=re.DOTALL)
    return {
        line.strip()
        for region in regions
        for line in region.splitlines()
        if len(line.strip()) >= SHORTEST_SECRET
    }


def refuse_leaks(contents: dict[str, str], secrets: set[str]) -> None:
    """Demands that no notebook holds a secret line, and no other file two of them in a row.

    One line alone, such as `self.update_target_critic()`, may well stand in the package too.

    Raises:
        ReleaseError: one does; the message names the file and the line.
    """
    for name, text in contents.items():
        if "BEGIN SOLUTION" in text:
            raise ReleaseError(f"{name} holds a solution marker")
        if name.endswith(".ipynb"):
            lines = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"]).splitlines()
            in_a_row = 1
        else:
            lines, in_a_row = text.splitlines(), 2
        row = 0
        for line in filter(None, map(str.strip, lines)):
            row = row + 1 if line in secrets else 0
            if row == in_a_row:
                raise ReleaseError(f"{name} holds a line of the reference solution: {line!r}")


def requirements() -> str:
    """The course's pinned requirements, as far as students need them."""
    pinned = {}
    for line in (COURSE / "requirements.txt").read_text(encoding="utf-8").splitlines():
        name = re.match(r"[A-Za-z0-9_.-]+", line)
        if name:
            pinned[name[0].lower()] = line
    missing = [name for name in PACKAGES if name not in pinned]
    if missing:
        raise ReleaseError(f"requirements.txt does not pin {', '.join(missing)}")
    return "\n".join(pinned[name] for name in PACKAGES) + "\n"


def course_files() -> dict[str, str]:
    """Everything in an archive but its notebook and the files that it alone has, by name."""
    paths = [path for folder in FOLDERS for path in (COURSE / folder).rglob("*") if path.suffix in SUFFIXES]
    paths += [COURSE / name for name in FILES]
    names = {path.relative_to(COURSE).as_posix(): path for path in paths}
    return {
        name: path.read_text(encoding="utf-8") for name, path in names.items() if not LEFT_OUT.match(name)
    }


def _notebooks(homework: str, release: Path) -> dict[str, str]:
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(release.glob("*.ipynb"))}
    if f"{homework}.ipynb" not in found:
        raise ReleaseError(
            f"there is no {release / homework}.ipynb: run `nbgrader generate_assignment {homework}` first"
        )
    return found


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m autograder.release", description=__doc__.splitlines()[0])
    parser.add_argument("homework", help="such as hw3")
    parser.add_argument("-o", "--output", type=Path, help="the zip file (build/release/HOMEWORK.zip)")
    parser.add_argument(
        "--release", type=Path, help="an existing release directory of nbgrader (default: generate anew)"
    )
    args = parser.parse_args(words)
    output = args.output or COURSE / "build" / "release" / f"{args.homework}.zip"
    try:
        names = build(args.homework, output, args.release)
    except (RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{output}: {len(names)} files, {output.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
