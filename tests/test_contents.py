"""The book's one route: contents, arrows and questions agree, every word is explained, every note has its place."""

from __future__ import annotations

import itertools
import os
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from book import contents  # noqa: E402

FOR_INSTRUCTORS = ["book/using/instructor", "book/using/grading"]
NOTES = yaml.safe_load((ROOT / "book" / "coverage.yaml").read_text(encoding="utf-8"))
PLACES = [(note, heading) for note, headings in NOTES.items() for heading in headings]


def source(page: str) -> str:
    return (ROOT / f"{page}.md").read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """A page's text by its headings below the first; code counts as text, its comments not as headings."""
    found, name, fenced = {}, "", False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = bool(re.match(r"```(\{code-cell\}|\{raw\}|bash|python)", line))
        if not fenced and (heading := re.match(r"##+ (.*)$", line)):
            name = heading[1]
        found[name] = found.get(name, "") + line + " "
    return {name: " ".join(lines.split()) for name, lines in found.items()}


# --- the route


def test_the_contents_hold_every_page_once():
    files = {p.relative_to(ROOT).with_suffix("").as_posix() for p in (ROOT / "book").rglob("*.md")} - {
        "book/index"
    }
    assert sorted(contents.pages()) == sorted(files)


def test_the_landing_page_shows_every_page_of_the_contents_with_its_question():
    table = contents.table().data
    questions = yaml.safe_load((ROOT / "book" / "questions.yaml").read_text(encoding="utf-8"))
    assert list(questions) != [] and set(questions) == set(contents.pages())
    links = re.findall(r"\]\(([\w/-]+)\.md\)", table)
    assert [f"book/{link}" for link in links] == contents.pages()
    assert "contents.table()" in source("book/index")


def arrows_against_the_contents(pages: list[str], read=source) -> list[str]:
    """Pages whose last line does not lead to the page that follows in the contents."""
    wrong = []
    for page, following in itertools.pairwise(pages):
        link = os.path.relpath(following, os.path.dirname(page))
        if not read(page).rstrip().endswith(f"*Next:* {{doc}}`{link}`."):
            wrong.append(page)
    return wrong


def test_every_page_leads_to_the_next_one_of_the_contents():
    pages = [page for page in contents.pages() if page not in FOR_INSTRUCTORS]
    assert contents.pages()[-2:] == FOR_INSTRUCTORS and pages[-1] == "book/references"
    assert arrows_against_the_contents(pages) == arrows_against_the_contents(FOR_INSTRUCTORS) == []
    assert source("book/index").rstrip().endswith("*Next:* {doc}`using/reader`.")


def test_an_arrow_against_the_contents_is_noticed():
    pages = ["book/ppo/a", "book/dqn/b", "book/dqn/c"]
    texts = {"book/ppo/a": "*Next:* {doc}`../dqn/b`.\n", "book/dqn/b": "*Next:* {doc}`../ppo/a`.\n"}
    assert arrows_against_the_contents(pages, texts.get) == ["book/dqn/b"]


def test_the_parts_stand_in_the_order_of_the_homeworks_and_each_has_its_page():
    numbers = [int(n) for caption in contents.parts() for n in re.findall(r"\(homework (\d)\)", caption)]
    assert numbers == [1, 2, 3, 4, 5]
    for caption, pages in contents.parts().items():
        for number in re.findall(r"\(homework (\d)\)", caption):
            assert any(re.search(rf"exercises\.ids\(\"hw{number}\"\)", source(page)) for page in pages), (
                caption
            )


def test_the_students_page_names_every_homework_with_its_page_and_hours():
    rows = re.findall(r"^\| (\d) \|.*\{doc\}`\.\./(\S+)` \| ([\w ]+) \|$", source("book/using/student"), re.M)
    assert [number for number, _, _ in rows] == ["1", "2", "3", "4", "5"]
    for number, page, hours in rows:
        assert f'exercises.ids("hw{number}")' in source(f"book/{page}")
        assert f"Plan {hours} hours" in (ROOT / f"assignments/hw{number}/hw{number}.ipynb").read_text(
            encoding="utf-8"
        )


def test_readers_and_students_are_told_how_many_homeworks_there_are():
    number = sum("(homework " in caption for caption in contents.parts())
    word = ["no", "one", "two", "three", "four", "five", "six", "seven"][number]
    reader = " ".join(source("book/using/reader").split())
    assert f"the order of the {word} homeworks" in reader
    assert re.findall(r"\(homework (\d)\)", reader) == [str(n + 1) for n in range(number)]
    assert f"## The {word} homeworks" in source("book/using/student")


def test_every_chapter_leads_to_the_words_as_their_page_says():
    words = source("book/using/symbols")
    assert "Each chapter links to it where it first needs one of these words." in " ".join(words.split())
    chapters = [p for p in contents.pages() if "using/" not in p and not p.endswith(("/quiz", "/references"))]
    for page in chapters:
        assert "{doc}`../using/symbols`" in source(page) or "{term}`" in source(page), page
    entries = set(
        re.findall(r"^(\S.*)$", re.search(r"```\{glossary\}\n(.*?)^```", words, re.S | re.M)[1], re.M)
    )
    for page in chapters:
        for shown in re.findall(r"\{term\}`([^`]+)`", source(page)):
            assert (re.search(r"<(.+)>", shown) or ["", shown])[1] in entries, (page, shown)
    assert {"Markov decision process", "return", "logits", "on-policy", "off-policy"} <= entries


# --- references


def test_every_reference_is_cited_and_every_citation_is_a_reference():
    keys = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "book/references.bib").read_text(encoding="utf-8"), re.M))
    cited = {
        key.strip()
        for page in [*contents.pages(), "book/index"]
        for group in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", source(page))
        for key in group.split(",")
    }
    assert (sorted(keys - cited), sorted(cited - keys)) == ([], [])


# --- the original notes


@pytest.mark.parametrize("note, heading", PLACES)
def test_every_heading_of_the_notes_has_its_place(note, heading):
    place = NOTES[note][heading]
    assert set(place) <= {"page", "section", "says"} and place["page"] in contents.pages()
    found = sections(source(place["page"]))
    assert place["section"] in found, f"{place['page']} has no section {place['section']!r}: {sorted(found)}"
    assert place.get("says", "") in found[place["section"]]


def test_a_section_ends_where_the_next_begins_and_a_comment_is_no_heading():
    text = "# t\n## a\nx\n```python\n## no\n```\n### b\ny\n"
    assert sections(text)["a"] == "## a x ```python ## no ```" and sections(text)["b"] == "### b y"
