"""Damaged notebooks: each becomes a clean notebook or a reason, and none of them ends the batch."""

import copy
import json
import random

import pytest
from attacks import generator
from attacks.generator import KINDS, damaged, full_notebook
from attacks.scene import FULL, Scene, outputs_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from autograder.nbgrader_plugin import submission

pytestmark = pytest.mark.slow
FEW = settings(
    max_examples=250,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# What JSON can say, half characters and numbers without a value included.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(st.characters(categories=None), max_size=8),
    st.sampled_from(["code", "markdown", "raw", "alien", "hw3-update", "hw3-update-check", "\ud800", "\x00"]),
)
KEYS = st.one_of(
    st.text(max_size=4),
    st.sampled_from(
        ["cells", "source", "metadata", "nbgrader", "grade_id", "tags", "outputs", "cell_type", "id"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
OPERATIONS = st.sampled_from(["drop", "replace", "insert", "double", "wrap", "to text"])
DAMAGES = st.lists(st.tuples(OPERATIONS, st.integers(0, 10**6), KEYS, VALUES), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A course root whose assignment is released and to which nobody has handed in."""
    return Scene(tmp_path_factory.mktemp("fuzz") / "root", True, [])


@pytest.fixture(scope="module")
def master(scene):
    with Gradebook(f"sqlite:///{scene.root}/gradebook.db") as gradebook:
        return submission.master_cells(gradebook, "hw3", "hw3")


@pytest.fixture(scope="module")
def document(scene):
    return full_notebook(scene)


def fate(path, master):
    return generator.fate(submission.load(path), master)


@FEW
@given(damages=DAMAGES)
def test_a_damaged_notebook_is_restored_or_refused(tmp_path, document, master, damages):
    path = tmp_path / "hw3.ipynb"
    path.write_text(json.dumps(damaged(document, damages)))
    fate(path, master)


@FEW
@given(
    damages=st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.binary(max_size=8)), min_size=1, max_size=4
    )
)
def test_damaged_bytes_are_restored_or_refused(tmp_path, document, master, damages):
    data = json.dumps(document, ensure_ascii=False).encode()
    for start, length, new in damages:
        start %= len(data) + 1
        data = data[:start] + new + data[start + length % (len(data) // 4) :]
        data = data or b" "
    path = tmp_path / "hw3.ipynb"
    path.write_bytes(data)
    fate(path, master)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4, 5, 99, -1, None, "4", 4.5, 10**400, [4], {}])
@pytest.mark.parametrize("minor", [0, 5, 99, None, "x"])
def test_every_format_version_is_restored_or_refused(tmp_path, document, master, version, minor):
    for cells in ("cells", "worksheets"):
        changed = {**document, "nbformat": version, "nbformat_minor": minor}
        changed[cells] = changed.pop("cells")
        (tmp_path / "hw3.ipynb").write_text(json.dumps(changed))
        fate(tmp_path / "hw3.ipynb", master)


def test_an_undamaged_notebook_keeps_the_students_work(tmp_path, document, master):
    """The checks above would also hold for a reader that throws everything away."""
    (tmp_path / "hw3.ipynb").write_text(json.dumps(document))
    again = fate(tmp_path / "hw3.ipynb", master)
    kept = {cell.source for cell in again.cells}
    sources = {"".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"}
    assert sources <= kept | {cell.source for cell in master.values() if cell.fixed}


DAMAGED = {
    "cells_of_numbers": lambda d: d.update(cells=[1, None, "x", [], {}, float("nan")]),
    "no_sources": lambda d: [cell.pop("source") for cell in d["cells"]],
    "sources_of_numbers": lambda d: [cell.update(source=[1, 2]) for cell in d["cells"]],
    "half_characters": lambda d: [
        cell.update(source="x = '\ud800'\n" + "".join(cell["source"])) for cell in d["cells"]
    ],
    "metadata_of_lists": lambda d: [cell.update(metadata=[1]) for cell in d["cells"]],
    "tags_of_numbers": lambda d: [cell["metadata"].update(tags=5) for cell in d["cells"]],
    "ids_of_objects": lambda d: [
        cell["metadata"].update(nbgrader={"grade_id": {"a": []}}) for cell in d["cells"]
    ],
    "outputs_of_numbers": lambda d: [cell.update(outputs={"x": 1e400}) for cell in d["cells"]],
    "attachments_of_lists": lambda d: [cell.update(attachments=[[]]) for cell in d["cells"]],
    "version_99": lambda d: d.update(nbformat=99, nbformat_minor={}),
    "no_version": lambda d: [d.pop(key) for key in ("nbformat", "nbformat_minor", "metadata")],
    "all_markdown": lambda d: [cell.update(cell_type="markdown") for cell in d["cells"]],
    "nested": lambda d: d["metadata"].update(x=json.loads("[" * 400 + "]" * 400)),
}


@pytest.fixture(scope="module")
def batch(scene, document):
    """The damaged ones, and two honest neighbours, graded by the real command."""
    for name, damage in DAMAGED.items():
        changed = copy.deepcopy(document)
        damage(changed)
        (scene.folder(name) / "hw3.ipynb").write_text(json.dumps(changed))
    return scene.play()


@pytest.mark.parametrize("name", DAMAGED)
def test_each_damaged_one_gets_a_verdict_and_a_page(batch, name):
    notebook = batch.graded(name)
    results = [result for judged in notebook.metadata["gcb6206"]["results"].values() for result in judged]
    assert results and all(result["verdict"] and result["reason"] for result in results)
    assert "error" not in {result["verdict"] for result in results}
    assert batch.scores[name] in (0.0, FULL)
    assert (batch.root / "feedback" / name / "hw3" / "hw3.html").is_file()


def test_their_neighbours_are_graded_as_ever(batch):
    assert batch.status["autograde"] == 0, batch.root
    assert {student: batch.scores[student] for student in batch.deserved} == batch.deserved


def test_what_survives_damage_counts(batch):
    """Damage beside the solution costs nothing: the cell is still the student's."""
    for name in ("tags_of_numbers", "nested", "half_characters", "all_markdown", "ids_of_objects"):
        assert batch.scores[name] == FULL, outputs_of(batch.graded(name))[-2000:]


@pytest.mark.parametrize(
    "kind, number", [("messages", 200), ("answers", 25), ("archives", 100), ("names", 300)]
)
def test_random_ones_do_no_harm(kind, number):
    """More of them: python -m tests.attacks --fuzz 10000."""
    with KINDS[kind]() as one:
        for i in range(number):
            one(random.Random(f"1/{kind}/{i}"))


@FEW
@given(
    content=st.text(max_size=40)
    | st.sampled_from(["1-1-1 0:0 +24", "0001-01-01 00:00 +99", "9999-12-31T23:59-23:59"])
    | st.from_regex(r"\A(2026-03-01 )?[0-9]{1,40}(\.[0-9]{1,30})?[hms:]?\Z")
)
@example("9" * 30 + "h")  # nobody was graded: decimal.InvalidOperation
def test_a_timestamp_is_a_time_or_nothing(tmp_path, content):
    (tmp_path / "timestamp.txt").write_bytes(content.encode("utf-8", "surrogatepass"))
    found = submission.timestamp(tmp_path)
    assert found is None or found.tzinfo is None


def test_a_right_timestamp_is_read(tmp_path):
    (tmp_path / "timestamp.txt").write_text("2026-03-01 10:00:00.5 UTC\n")
    assert submission.timestamp(tmp_path).isoformat() == "2026-03-01T10:00:00.500000"
