"""The book's contents, as ``_toc.yml`` has them: what the landing page shows, and the order that all pages follow."""

from __future__ import annotations

from pathlib import Path

import yaml
from IPython.display import Markdown

ROOT = Path(__file__).resolve().parents[1]


def parts() -> dict[str, list[str]]:
    """The pages of each part by its caption, in the order of the contents, without the landing page."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return {part["caption"]: [chapter["file"] for chapter in part["chapters"]] for part in toc["parts"]}


def pages() -> list[str]:
    """All pages in the order in which they are read, such as ``book/ppo/quiz``."""
    return [page for chapters in parts().values() for page in chapters]


def title(page: str) -> str:
    """A page's first heading.

    Raises:
        ValueError: the page has none.
    """
    for line in (ROOT / f"{page}.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    raise ValueError(f"{page}.md has no heading: begin it with a line '# Title'")


def table() -> Markdown:
    """Every page with the question that it answers, a table for each part.

    Raises:
        KeyError: a page of the contents without its question in ``book/questions.yaml``.
    """
    questions = yaml.safe_load((ROOT / "book" / "questions.yaml").read_text(encoding="utf-8"))
    lines = []
    for caption, chapters in parts().items():
        lines += ["", f"**{caption}**", "", "| page | the question that it answers |", "|---|---|"]
        lines += [
            f"| [{title(page)}]({page.removeprefix('book/')}.md) | {questions[page]} |" for page in chapters
        ]
    return Markdown("\n".join(lines))
