"""What learning platforms make of names, and what `nbgrader zip_collect` makes of those."""

import zipfile

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.nbgrader_plugin.collect import PlatformNames
from autograder.nbgrader_plugin.course_root import make_root, nbgrader


@pytest.fixture
def names(monkeypatch):
    monkeypatch.setattr(PlatformNames, "_by_number", lambda self: {"501": "ada"})
    return PlatformNames()


@pytest.mark.parametrize(
    "name, student, file, time",
    [
        ("Homework 3_ada_attempt_2026-03-01-10-00-00_hw3.ipynb", "ada", "hw3.ipynb", "2026-03-01-10-00-00"),
        (
            "hw3_ada_l_attempt_2026-03-01-10-00-00_my_hw3.ipynb",
            "ada_l",
            "my_hw3.ipynb",
            "2026-03-01-10-00-00",
        ),
        ("hw3_ada_attempt_2026-13-41_hw3.ipynb", "ada", "hw3.ipynb", None),
        ("Kim Min-ji_1234567_assignsubmission_file_hw3.ipynb", "Kim Min-ji", "hw3.ipynb", None),
        ("Kim Min-ji_1234567_assignsubmission_file/hw3.ipynb", "Kim Min-ji", "hw3.ipynb", None),
        ("Kim Min-ji_1234567_assignsubmission_file_/hw3.ipynb", "Kim Min-ji", "hw3.ipynb", None),
        ("김민지_7_assignsubmission_file_/my_hw3.ipynb", "김민지", "my_hw3.ipynb", None),
        ("lovelaceada_501_98765_hw3.ipynb", "ada", "hw3.ipynb", None),
        ("lovelaceada_LATE_501_98765_hw3-2.ipynb", "ada", "hw3.ipynb", None),
        ("kimminji_502_98765_hw3.ipynb", "kimminji_502", "hw3.ipynb", None),
    ],
)
def test_names_of_platforms(names, name, student, file, time):
    expected = {"student_id": student, "file_id": file}
    found = names.collect(f"/course/downloaded/hw3/extracted/submissions/{name}")
    assert found == expected | ({"timestamp": time} if time or "timestamp" in found else {})


@pytest.mark.parametrize(
    "name, student",
    [
        ("Eve_7_assignsubmission_file_/hw3_ada_attempt_2026-03-01-10-00-00_hw3.ipynb", "Eve"),
        ("Eve_7_assignsubmission_file_/lovelaceada_501_9_hw3.ipynb", "Eve"),
        ("eve_502_98_ada_attempt_2026-03-01-10-00-00_hw3.ipynb", "eve_502"),
        ("eve_502_98_Ada_7_assignsubmission_file_hw3.ipynb", "eve_502"),
        ("hw3_eve_attempt_2026-03-01-10-00-00_Ada_7_assignsubmission_file_hw3.ipynb", "eve"),
        ("hw3_2024_17_attempt_2026-03-01-10-00-00_hw3.ipynb", "2024_17"),
    ],
)
def test_no_name_of_an_upload_makes_it_somebody_elses(names, name, student):
    assert names.collect(f"/extracted/submissions/{name}")["student_id"] == student


@pytest.mark.parametrize(
    "name", ["hw3.ipynb", ".._7_assignsubmission_file_hw3.ipynb", "hw3_.._attempt_2026_hw3.ipynb"]
)
def test_other_names_are_left_out_and_said(names, name, caplog):
    assert names.collect(f"/extracted/{name}") is None
    assert "NOT collected" in caplog.text


def test_namesakes_stay_two(names):
    uploads = [
        f"Kim Min-ji_{number}_assignsubmission_file_{file}.ipynb" for number in (1, 2) for file in "ab"
    ]
    assert [names.collect(f"/x/{name}")["student_id"] for name in uploads] == 2 * ["Kim Min-ji"] + 2 * [
        "Kim Min-ji 2"
    ]


@pytest.mark.slow
def test_zip_collect_takes_the_archives_of_three_platforms(tmp_path):
    make_root(tmp_path)
    downloads = tmp_path / "downloaded" / "hw3" / "archive"
    for folder in (downloads, tmp_path / "release" / "hw3"):
        folder.mkdir(parents=True)
    text = nbformat.writes(nbformat.v4.new_notebook())
    (tmp_path / "release" / "hw3" / "hw3.ipynb").write_text(text, encoding="utf-8")
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db", "gcb6206") as gradebook:
        gradebook.add_student("ada", lms_user_id="501")
    uploads = {
        "blackboard": [
            "hw3_grace_attempt_2026-03-01-10-00-00_hw3.ipynb",
            "hw3_grace_attempt_2026-03-01-10-00-00.txt",
        ],
        "moodle": ["Kim Min-ji_1_assignsubmission_file_/hw3.ipynb"],
        "canvas": ["lovelaceada_LATE_501_9_hw3-1.ipynb"],
    }
    for platform, names in uploads.items():
        with zipfile.ZipFile(downloads / f"{platform}.zip", "w") as archive:
            for name in names:
                archive.writestr(name, text)
    nbgrader("zip_collect", "hw3", root=tmp_path)
    found = {path.parents[1].name for path in tmp_path.glob("submitted/*/hw3/hw3.ipynb")}
    assert found == {"grace", "Kim Min-ji", "ada"}
    assert (
        (tmp_path / "submitted" / "grace" / "hw3" / "timestamp.txt")
        .read_text()
        .startswith("2026-03-01 10:00:00")
    )
    assert "ada handed in late" in (tmp_path / "nbgrader.log").read_text()
