"""Feedback pages: one for everybody, in bounded time, with pasted pictures, and without a word to anybody else."""

import contextlib
import socket
import threading

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter

from autograder.nbgrader_plugin import submission
from autograder.nbgrader_plugin.feedback import POLICY, answer_for_attachments, bounded, plain_page
from autograder.sandbox.limits import GIB

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def endless():
    while True:
        pass


def fails():
    raise ValueError("no page")


def test_a_page_that_can_be_made_is_made():
    assert bounded(lambda: "<p>\ud800</p>", 5, GIB) == ("<p>?</p>", "")


@pytest.mark.parametrize(
    "make, reason",
    [
        (endless, "more than 1 s"),
        (lambda: "x" * 2**40, "MemoryError"),
        (lambda: "x" * (2**26 + 1), "64 MiB"),
        (fails, "ValueError"),
    ],
)
def test_a_page_that_cannot_be_made_ends_nobody_else(make, reason):
    page, told = bounded(make, 1, 16 * GIB)  # what this process holds already counts
    assert page is None and reason in told


def restored(source, attachments):
    """What becomes of a text with pasted pictures on its way into the graded notebook."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    nb.cells[0].attachments = attachments
    return submission.restored(nb, {})


def page_of(nb):
    return HTMLExporter().from_notebook_node(answer_for_attachments(nb))[0]


@pytest.mark.parametrize("name", ["a.png", "my picture.png"])
def test_a_pasted_picture_survives_and_is_shown(name):
    nb = restored(f"![x](attachment:{name.replace(' ', '%20')})", {name: {"image/png": PICTURE}})
    assert nb.cells[0].attachments[name] == {"image/png": PICTURE}
    assert f"data:image/png;base64,{PICTURE}" in page_of(nb)


@pytest.mark.parametrize(
    "source",
    [
        "![x](attachment:gone.png)",
        "![x][a]\n\n[a]: attachment:gone",
        "![x](<attachment:a b>)",
        "![x](attachment:)",
    ],
)
def test_a_missing_picture_costs_no_page(source):
    nb = restored(source, {"other": {"image/png": PICTURE}, "script": {"image/png": '"><script>'}, "text": 5})
    assert list(nb.cells[0].attachments) == ["other"]
    assert "<body" in page_of(nb)
    wild = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    assert "<body" in page_of(wild)


def test_pictures_are_kept_up_to_a_size():
    big = {str(i): {"image/png": "A" * 1_000_000} for i in range(9)}
    assert len(restored("x", big).cells[0].attachments) == 5


def test_a_plain_page_holds_points_comments_and_the_graders_tables():
    check = nbformat.v4.new_code_cell("check()")
    check.metadata.nbgrader = {"grade_id": "hw3-check", "score": 1.5, "points": 2.0, "comment": "good <b>"}
    check.outputs = [nbformat.v4.new_output("display_data", data={"text/html": "<table>the report</table>"})]
    answer = nbformat.v4.new_markdown_cell("<script>alert(1)</script>" + "\n " * 40_000)
    about = {"notebook": "hw3", "score": 1.5, "max_score": 2.0, "late_penalty": 0.5}
    page = plain_page(nbformat.v4.new_notebook(cells=[check, answer]), about, "too slow")
    for part in ("Score: 1.50 / 2.00", "good &lt;b&gt;", "<table>the report</table>", "too slow", "-0.50"):
        assert part in page
    assert "<script>" not in page and len(page) < 100_000


def test_the_policy_stops_every_load_from_elsewhere(browser, tmp_path):
    """Without it the browser asks the server, which then knows that the page is read."""
    asked = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        where = f"http://127.0.0.1:{server.getsockname()[1]}"

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    asked.append(connection.recv(1000).split()[1].decode())
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        nb = restored(f"![a]({where}/a.png) ![b][c]\n\n[c]: {where}/b.png", {})
        for policy in (POLICY, ""):
            path = tmp_path / "page.html"
            path.write_text(page_of(nb).replace("<head>", f"<head>{policy}", 1))
            tab = browser.new_page()
            tab.set_default_timeout(600_000)  # on a busy machine everything takes long
            tab.goto(path.as_uri(), wait_until="domcontentloaded")
            tab.wait_for_timeout(500)
            tab.close()
            if policy:
                assert asked == []
        assert {"/a.png", "/b.png"} <= set(asked)
