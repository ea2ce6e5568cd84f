"""The text is easy to read: short sentences and short words, measured page by page, notebooks too."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    {p.relative_to(ROOT).as_posix() for p in (ROOT / "book").rglob("*.md")} - {"book/references.md"}
)
PAGES += ["README.md", "CONTRIBUTING.md"]
NOTEBOOKS = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "assignments").glob("hw?/hw?.ipynb"))
HARDEST = 6.4  # of the 28 pages as they first were, 9 were no harder than this
LONG, FEW = 25, 0.04  # words, and the part of the sentences that may have more
CODE = re.compile(
    r"^```(?:\{(?:code-cell|raw|bibliography|image)\}|bash|python|yaml|text).*?^```$", re.S | re.M
)
ODD = (  # words that a learner of English may not know, or misread, and sentences over which readers stumbled
    r"\b([Ww]hoever|[Ww]hatever|anew|dear|laborious|forthwith|nought|(?:is|are) paid|learns to tell|heat is nearly gone"
    r"|older than the present|bounded on the wrong side|is the business of|takes away the reward|rewarded for)\b"
)


def prose(markdown: str) -> str:
    """The running text of a page: no code, no tables, no headings; formulas, links and names count as one word."""
    text = re.sub(r"\A---\n.*?^---$", "", markdown, flags=re.S | re.M)
    text = re.sub(
        r"^\$\$.*?^\$\$[^\n]*$|### BEGIN MARK SCHEME.*?### END MARK SCHEME",
        "",
        CODE.sub("", text),
        flags=re.S | re.M,
    )
    kept = [line for line in text.splitlines() if not re.match(r"\s*(\||#|:::|```|:[\w-]+:|\*Next|<)", line)]
    text = re.sub(r"^(?:- |\d+\. |: )", "\n\n", "\n".join(kept), flags=re.M)
    text = re.sub(r"\{cite\}`[^`]*`", "", text)
    text = re.sub(r"\{[\w:]+\}`[^`]*`|\$[^$]*\$|`[^`]*`", "it", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("*", "")
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    return " ".join(part if part[-1] in ".?!" else part + "." for part in paragraphs if part)


def sentences(text: str) -> list[str]:
    return [s for s in re.split(r"(?<=[.?!])[)\"”]?\s+", text) if re.search(r"\w", s)]


def syllables(word: str) -> int:
    """Roughly: groups of vowels, a silent e at the end not counted."""
    groups = len(re.findall(r"[aeiouy]+", word.lower()))
    silent = word.lower().endswith("e") and not word.lower().endswith("le")
    return max(1, groups - silent)


def grade(text: str) -> float:
    """Flesch and Kincaid's grade: years of school, 0.39 words per sentence + 11.8 syllables per word - 15.59."""
    words = re.findall(r"[A-Za-z][A-Za-z'’-]*", text)
    return 0.39 * len(words) / len(sentences(text)) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def spelled(node: ast.AST) -> str:
    """A text of the code, with "it" for each value that is put in; empty for what is no text."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "it" for part in node.values]
        return " ".join("".join(parts).split())
    text = node.value if isinstance(node, ast.Constant) else None
    return " ".join(text.split()) if isinstance(text, str) else ""


def whole(tree: ast.AST) -> list[str]:
    """The texts of a piece of code, no part of a text for itself."""
    parts = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) or id(node) not in parts]
    return [text for text in map(spelled, texts) if text]


def messages(folder: str) -> str:
    """The sentences that the code of a folder shows to people: its texts that begin with a capital; no docstrings."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(getattr(node, "body", None), list):
                node.body = [
                    part for part in node.body if not (isinstance(part, ast.Expr) and spelled(part.value))
                ]
        for text in whole(tree):
            if re.match(r"[A-Z]", text) and len(text.split()) >= 4:
                found.append(text if text[-1] in ".?!" else text + ".")
    return " ".join(found)


def shown_by_commands(folder: str) -> list[str]:
    """The clauses of what the code raises, and of the docstrings under fields, which are the flags' help."""
    texts = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise):
                texts += whole(node)
            elif isinstance(node, ast.ClassDef):
                after = zip(node.body, node.body[1:])
                texts += [
                    spelled(b.value)
                    for a, b in after
                    if isinstance(a, ast.AnnAssign) and isinstance(b, ast.Expr)
                ]
    return [clause.strip() for text in texts for clause in re.split(r"[.;:](?: |$)", text) if clause.strip()]


def read(page: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    if page.endswith(".md"):
        return prose(text)
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return " ".join(prose("".join(cell["source"])) for cell in cells)


def faults(text: str) -> list[str]:
    """What makes a text hard to read."""
    found, every = [], sentences(text)
    if grade(text) > HARDEST:
        found.append(f"grade {grade(text):.1f}, at most {HARDEST} wanted: shorter sentences, shorter words")
    long = [sentence for sentence in every if len(sentence.split()) > LONG]
    if len(long) > FEW * len(every):
        found.append(f"{len(long)} of {len(every)} sentences have more than {LONG} words: {long}")
    return found + [f"hard word: {word}" for word in re.findall(ODD, text)]


@pytest.mark.parametrize("page", PAGES + NOTEBOOKS)
def test_a_page_is_easy_to_read(page):
    assert faults(read(page)) == []


@pytest.mark.parametrize("folder", ["autograder/trusted", "autograder/nbgrader_plugin", "gcb6206"])
def test_hints_and_messages_are_easy_to_read(folder):
    text = messages(folder)
    assert len(sentences(text)) > 20 and faults(text) == []


@pytest.mark.parametrize("folder, least", [("gcb6206", 600), ("autograder", 200)])
def test_what_commands_show_is_easy_to_read(folder, least):
    clauses = shown_by_commands(folder)
    assert len(clauses) > least
    assert [clause for clause in clauses if len(clause.split()) > LONG] == []
    assert [clause for clause in clauses if re.search(ODD, clause)] == []


def test_a_hard_flag_and_a_hard_error_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("test_plain_english.ROOT", tmp_path)
    (tmp_path / "run.py").write_text(
        'class A:\n    x: int = 1\n    """How far it may go and be rewarded for it."""\n'
        'def f():\n    raise ValueError(f"{1} is no number: train " + "anew")\n',
        encoding="utf-8",
    )
    clauses = shown_by_commands(".")
    assert sorted(clauses) == ["How far it may go and be rewarded for it", "anew", "it is no number", "train"]
    assert [bool(re.search(ODD, clause)) for clause in sorted(clauses)] == [True, True, False, False]


def test_a_hard_message_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("test_plain_english.ROOT", tmp_path)
    (tmp_path / "judge.py").write_text(
        '"""Whoever reads this."""\nwhy = f"Whoever {1} wins, they say."\nhint = "Add the two numbers."\n',
        encoding="utf-8",
    )
    assert messages(".") in ("Whoever it wins, they say. Add the two numbers.",
                             "Add the two numbers. Whoever it wins, they say.")  # fmt: skip
    assert "hard word: Whoever" in faults(messages("."))


def test_a_hard_text_is_noticed():
    assert faults("Take the best one. It is the first one that you see.") == []
    assert (
        "grade"
        in faults("Unconstrained optimisation repeatedly overestimates advantageous configurations.")[0]
    )
    assert any("more than 25 words" in fault for fault in faults("I go " + "and go " * 13 + "on."))
    assert faults("Whoever runs it wins.") == ["hard word: Whoever"]


def test_code_tables_and_formulas_are_no_text():
    page = "---\na: b\n---\n# Head\n\nOne *word* $x_1$ and `code`.\n\n| a | b |\n\n```{code-cell} ipython3\nx = 1\n```\n\n- An item\n"
    assert prose(page) == "One word it and it. An item."
