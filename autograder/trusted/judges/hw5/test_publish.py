"""Judges of hw5.publish: what a reader finds, at every moment and when things go wrong, and what stays."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Student, StudentFailure
from autograder.trusted.judging import compare, judge, nothing_else_changed, require, show

EXERCISE = "hw5.publish"
READ = "realm/homework"
KEEP = 10
OTHERS = [
    "notes.txt", "notes.tmp", "x.part", ".hidden", "best.pt", "model-7.pt", "model-1.pt.bak", "model-000000001.pt.bak"
]  # fmt: skip


def publish(student: Student, publications: list[dict], keep: int = KEEP, **options) -> list[dict]:
    """What became of each publication.

    Raises:
        StudentFailure: the answer is none that a probe has written.
    """
    reply = student.run(EXERCISE, publications=publications, keep=keep, **options)
    told = reply["publications"]
    if not isinstance(told, list) or len(told) != len(publications) or not isinstance(told[0], dict):
        raise StudentFailure("refused", "the answer does not tell what became of each publication")
    return told


def taken(one: dict, tried: str, hint: str = "") -> None:
    """Demands that a publication took place."""
    require(
        one["raised"] == "" and one["returned"] == "bool" and one["value"] is True,
        tried=f"{tried}: what comes back",
        got=one["told"] or f"{show(one['value'])} ({one['returned']})",
        expected="True",
        hint=hint or ("" if one["raised"] else "return True once the weights are in the pool."),
    )


def there(one: dict, versions: list[int], tried: str, hint: str = "") -> None:
    """Demands that a reader finds these versions, and their weights in them."""
    compare(one["versions"], np.array(versions, int), tried=f"{tried}: the versions in the pool", hint=hint)
    compare(
        one["right"],
        np.array(versions, int),
        tried=f"{tried}: the versions that a reader can load, with the weights that were given",
        hint="The file holds pool.to_bytes(state), all of it: its hash, a line end, and the weights. (os.write may take a "
        "part only, and says how much.)",
    )


def untouched(one: dict, tried: str) -> None:
    """Demands that files which are not the pool's are still there."""
    require(
        one["lost"] == [],
        tried=f"{tried}, beside {', '.join(OTHERS)}: files that are gone",
        got=", ".join(map(str, one["lost"])) if isinstance(one["lost"], list) else "?",
        expected="none",
        hint="Remove versions, by self.remove, and the unfinished file of this publication, and nothing else.",
    )


def events(one: dict, what: str) -> list[dict]:
    """The events of one kind, in their order."""
    return [event for event in one["journal"] if event["what"] == what]


@judge(
    EXERCISE,
    points=0.25,
    title="True, and the weights can be loaded",
    read=READ,
    why="The actors load what the learner has published.",
)
def test_published(student, rng):
    version = int(rng.integers(1, 10**6))
    (one,) = publish(student, [{"version": version}])
    taken(one, f"version {version} into an empty pool")
    there(
        one,
        [version],
        f"version {version} into an empty pool",
        "The file's name is that of self.path(version).",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="version after version, weights of any size",
    read=READ,
    depends=["published"],
    why="A run publishes thousands of times.",
)
def test_content(student, rng):
    versions = np.cumsum(rng.integers(1, 50, size=4)).tolist()
    for size in (1, int(rng.integers(10_000, 40_000))):
        told = publish(student, [{"version": version} for version in versions], size=size)
        for number, one in enumerate(told, start=1):
            tried = f"versions {versions[:number]}, weights of {size} numbers"
            taken(one, tried)
            there(
                one,
                versions[:number],
                tried,
                "All of them stay: `keep` counts versions, whose numbers have gaps.",
            )


@judge(
    EXERCISE,
    points=0.5,
    title="versions rise, from 0 on",
    read=READ,
    depends=["published"],
    why="An actor takes what is newer than what it has. A learner that starts to count again would never be heard.",
)
def test_versions(student, rng):
    newest = int(rng.integers(5, 50))
    first, *_ = publish(student, [{"version": 0}])
    taken(
        first, "version 0 into an empty pool", "0 is a version like any other: False in Python, all the same."
    )
    there(first, [0], "version 0 into an empty pool")
    wanted = [newest, newest, newest - 1, 0, newest + 2, newest + 1, newest + 2]
    told = publish(student, [{"version": version} for version in wanted])
    for version, one in zip(wanted[1:4], told[1:4]):
        tried = f"version {version} into a pool whose newest is {newest}"
        require(
            one["raised"] == "ValueError",
            tried=tried,
            got=one["raised"] or f"{show(one['value'])}, without an error",
            expected="a ValueError",
            hint="False says that the disk did not take it: a version that is not new is an error."
            if one["returned"] == "bool" and one["value"] is False
            else "Only a version above all there are is new: the same once more is not.",
        )
        require(
            str(version) in one["message"] and str(newest) in one["message"],
            tried=f"{tried}: the message of the ValueError",
            got=one["message"],
            expected=f"one that names {version} and {newest}",
            hint="The reader of the message wants to know both.",
        )
        there(one, [newest], tried, "A version that is refused changes nothing.")
        require(
            one["failures"] == 0 and one["left"] == [],
            tried=f"{tried}: failures, and files that are left",
            got=f"{show(one['failures'])}, {show(one['left'])}",
            expected="0, none",
            hint="Refuse it before anything is written; the disk did not fail.",
        )
    taken(told[4], f"then version {newest + 2}")
    for version, one in zip(wanted[5:], told[5:]):
        require(
            one["raised"] == "ValueError",
            tried=f"version {version} into a pool with {newest} and {newest + 2}",
            got=one["raised"] or f"{show(one['value'])}, without an error",
            expected="a ValueError",
            hint="Compare with the newest version, not with the oldest: the pool holds several.",
        )
    again = publish(student, [{"version": newest}, {"version": newest, "again": True}])
    require(
        again[1]["raised"] == "ValueError",
        tried=f"another process publishes version {newest} again",
        got=again[1]["raised"] or "no error",
        expected="a ValueError",
        hint="Ask self.versions(): what an earlier process published counts as well.",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="a reader finds a version whole, or not at all",
    read=READ,
    depends=["content"],
    why="Readers look at any moment. A file that has its name while it is written is read by halves.",
)
def test_atomic(student, rng):
    first = int(rng.integers(1, 100))
    versions = [first, first + 1, first + 2]
    told = publish(student, [{"version": version} for version in versions], size=20_000)
    for number, one in enumerate(told):
        tried, name = f"version {versions[number]}", f"model-{versions[number]:09d}.pt"
        written = [event["name"] for event in events(one, "write")]
        require(
            name not in written,
            tried=f"{tried}: files that were opened to be written",
            got=", ".join(written),
            expected="one of another name",
            hint="The file has its name before it is whole: write one of another name, then os.replace.",
        )
        named = [event for event in events(one, "rename") if event["name"] == name]
        require(
            len(named) == 1,
            tried=f"{tried}: how often a file got the name {name}",
            got=len(named),
            expected=1,
            hint="os.replace(unfinished, self.path(version)), once.",
        )
        require(
            named[0]["by"] == "os.rename",
            tried=f"{tried}: how the file got its name",
            got=named[0]["by"],
            expected="os.replace",
            hint="A link is a second name for the unfinished file, and not every disk has links: os.replace.",
        )
        require(
            named[0]["near"] is True,
            tried=f"{tried}: whether the file came from the pool's own directory",
            got=f"{named[0]['source']}, elsewhere",
            expected="the same directory",
            hint="Between two disks there is no renaming, only copying.",
        )
        for event in one["journal"]:
            found = event["versions"]
            require(
                event["damaged"] == [] and found in (versions[:number], versions[: number + 1]),
                tried=f"{tried}: what a reader finds at the moment of {event['what']} {event.get('name', '')}",
                got=f"versions {show(found)}, damaged {show(event['damaged'])}",
                expected=f"{versions[:number]}, none damaged",
                hint="Until the file has its name, the pool is as it was; what is unfinished counts as no version.",
            )


@judge(
    EXERCISE,
    points=0.5,
    title="the content has reached the disk before the file gets its name",
    read=READ,
    depends=["atomic"],
    why="After a power cut a renamed file can be empty: the name is written down before the content.",
)
def test_synced(student, rng):
    for size in (20, 30_000):
        (one,) = publish(student, [{"version": int(rng.integers(1, 100))}], size=size)
        renamed, *_ = events(one, "rename")
        require(
            renamed["synced"] >= 0,
            tried=f"weights of {size} numbers: whether the file was synchronised before it was renamed",
            got="it was not",
            expected="os.fsync",
            hint="os.fsync(file.fileno()), while the file is open, before os.replace.",
        )
        require(
            renamed["synced"] == renamed["size"],
            tried=f"weights of {size} numbers: bytes of the file when it was synchronised",
            got=renamed["synced"],
            expected=renamed["size"],
            hint="Python still held some of it back: file.flush() before os.fsync.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="a full disk costs a publication, and no more",
    read=READ,
    depends=["synced"],
    why="A full disk once ended a run of days. What was published before must stay, and the run must go on.",
)
def test_refused(student, rng):
    version = int(rng.integers(2, 90))
    for what, failing in (
        ("one byte too few is free", {"room": 1}),
        ("no byte is free", {"room": 10**9}),
        ("the disk is full when the file is opened", {"fails": "write"}),
        ("the disk is full while the file is written", {"fails": "sync"}),
        ("the disk is full when the file gets its name", {"fails": "rename"}),
        ("the file may not be opened", {"fails": "write", "error": "EACCES"}),
        ("the disk breaks while the file is written", {"fails": "sync", "error": "EIO"}),
        ("more was written than this user may", {"fails": "sync", "error": "EDQUOT"}),
        ("the file may not be renamed, and the OSError has no number", {"fails": "rename", "error": ""}),
    ):
        wanted = [
            {"version": version},
            {"version": version + 1, **failing},
            {"version": version + 2, **failing},
            {"version": version + 3},
        ]
        _, *failed, after = publish(student, wanted, size=3_000, others=OTHERS)
        bad_disk = "error" in failing and any(one["raised"] for one in failed)
        for one in failed:
            require(
                one["raised"] == "" and one["returned"] == "bool" and one["value"] is False,
                tried=f"{what}: what comes back",
                got=one["told"] or f"{show(one['value'])} ({one['returned']})",
                expected="False",
                hint="A full disk is not all that can go wrong: catch every OSError, also one of another number."
                if bad_disk
                else "No error may end the run: catch the OSError."
                if one["raised"]
                else "False says that the weights are not in the pool: where has_room(len(content)) is not true, asked "
                "before anything is written, and after an OSError.",
            )
            require(
                one["failures"] == 1,
                tried=f"{what}: by how much failures grew",
                got=one["failures"],
                expected=1,
                hint="self.failures += 1, for each publication that the disk did not take.",
            )
            there(one, [version], what, "What was published before stays.")
            require(
                one["left"] == [],
                tried=f"{what}: files that are left of it",
                got=", ".join(map(str, one["left"])) if isinstance(one["left"], list) else "?",
                expected="none",
                hint="Remove the unfinished file: on a full disk it takes the room of the next one.",
            )
            untouched(one, what)
            if "room" in failing:
                require(
                    events(one, "write") == [],
                    tried=f"{what}: files that were opened to be written",
                    got=len(events(one, "write")),
                    expected=0,
                    hint="Ask has_room(len(content)) first, with the size of all that will be written.",
                )
        taken(after, f"{what}, then there is room again")
        there(after, [version, version + 3], f"{what}, then there is room again")
        require(
            after["failures"] == 0,
            tried=f"{what}, then there is room again: by how much failures grew",
            got=after["failures"],
            expected=0,
        )
    (one,) = publish(student, [{"version": version, "room": 0}])
    taken(
        one,
        "just enough is free",
        "has_room says True where just enough is free; ask it with the right size.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="the newest stay, and what is not the pool's",
    read=READ,
    depends=["refused"],
    why="Every version costs room; without a limit the disk fills up.",
)
def test_keep(student, rng):
    for keep in (1, 2, int(rng.integers(3, 6))):
        versions = np.cumsum(rng.integers(1, 9, size=keep + 3)).tolist()
        told = publish(student, [{"version": version} for version in versions], keep)
        for number, one in enumerate(told, start=1):
            there(
                one,
                versions[max(0, number - keep) : number],
                f"keep {keep}, versions {versions[:number]}",
                "The newest `keep` versions stay, the one just published among them: count them, as their numbers have gaps.",
            )
            for event in one["journal"]:
                require(
                    len(event["versions"]) >= min(keep, number - 1) or event["what"] == "remove",
                    tried=f"keep {keep}, version {versions[number - 1]}: versions at the moment of {event['what']}",
                    got=show(event["versions"]),
                    expected=f"still {min(keep, number - 1)}",
                    hint="Remove an old one only after the new one is there.",
                )
    version = int(rng.integers(10, 90))
    wanted = [{"version": version + i} for i in range(5)] + [
        {"version": version + 5, "again": True, "keep": 2}
    ]
    *_, one = publish(student, wanted)
    there(
        one,
        [version + 4, version + 5],
        "another process with keep 2 publishes into a pool of 5 versions",
        "All but the newest `keep` versions go, however many there are.",
    )
    wanted = [
        {"version": version},
        {"version": version + 1},
        {"version": version + 2, "damages": version + 1},
    ]
    *_, one = publish(student, wanted, keep=2)
    compare(
        one["versions"],
        np.array([version + 1, version + 2]),
        tried=f"keep 2, versions {version} to {version + 2}, and the file of {version + 1} was spoilt: the versions in the pool",
        hint="By number alone: the newest `keep` versions stay, damaged or not.",
    )
    wanted = [{"version": version}, {"version": version + 1}, {"version": version + 2, "fails": "rename"}]
    *_, one = publish(student, wanted, keep=2)
    there(one, [version, version + 1], "keep 2, a third publication fails", "Then no version is removed.")
    *_, one = publish(student, [{"version": v} for v in range(version, version + 4)], keep=1, others=OTHERS)
    untouched(one, "keep 1, four publications")
    there(one, [version + 3], f"keep 1, four publications beside {', '.join(OTHERS)}")


@judge(
    EXERCISE,
    points=0.5,
    title="killed at any moment, the pool is whole, and the next process goes on",
    read=READ,
    depends=["keep"],
    why="A learner is killed and started again, with what the last one left in the directory.",
)
def test_killed(student, rng):
    version = int(rng.integers(2, 90))
    for moment in ("write", "sync", "rename", "remove"):
        wanted = [
            {"version": version - 1},
            {"version": version, "kills": moment},
            {"version": version + 1, "again": True},
        ]
        _, killed, after = publish(student, wanted, keep=1 if moment == "remove" else KEEP, size=5_000)
        tried = f"version {version}, killed at the moment of {moment}"
        found, right = (
            set(part.tolist() if isinstance(part, np.ndarray) else [])
            for part in (killed["versions"], killed["right"])
        )
        require(
            found == right and bool(found),
            tried=f"{tried}: versions in the pool, and those of them that are whole",
            got=f"{sorted(found)}, {sorted(right)}",
            expected=f"at least {version - 1}, all whole",
            hint="A file must have its name only when it is whole, and an old one goes only after that.",
        )
        taken(
            after, f"{tried}; another process publishes {version + 1}", "What is left must not be in the way."
        )
        require(
            version + 1 in (after["right"].tolist() if isinstance(after["right"], np.ndarray) else []),
            tried=f"{tried}; whether version {version + 1} can be loaded",
            got=show(after["right"]),
            expected=f"{version + 1} among them",
            hint="What the killed process left must not end up in the file: open it again, with mode 'wb'.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="any whole number; the weights stay, and so does everything else",
    read=READ,
    depends=["versions", "keep"],
    why="The learner goes on with these weights at once.",
)
def test_any(student, rng):
    version = int(rng.integers(1, 90))
    wanted = [
        {"version": version, "numpy": True},
        {"version": version + 1, "numpy": True},
        {"version": 10**8},
    ]
    told = publish(student, wanted, keep=2)
    for one, number in zip(told, ("NumPy's number", "NumPy's number", "number")):
        taken(one, f"a version that is a {number}")
        nothing_else_changed(one, "one publication")
        require(
            one["left"] == [],
            tried="one publication: files beside the versions that are left",
            got=", ".join(map(str, one["left"])) if isinstance(one["left"], list) else "?",
            expected="none",
            hint="The unfinished file gets its name; no second one is needed.",
        )
    there(told[-1], [version + 1, 10**8], f"versions {version}, {version + 1}, 10**8, keep 2")
