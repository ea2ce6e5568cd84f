"""What the judges found: one result for every judge, and the forms in which people and programs read it."""

from __future__ import annotations

import html
import json
import sys
import textwrap
from dataclasses import asdict, dataclass
from typing import TextIO

# verdict -> symbol, colour, what it means
VERDICTS = {
    "passed": ("✓", "#1a7f37", "passed"),
    "failed": ("✗", "#cf222e", "failed"),
    "skipped": ("–", "#6e7781", "not tried"),
    "time limit": ("⏱", "#cf222e", "time limit"),
    "memory limit": ("▦", "#cf222e", "memory limit"),
    "crashed": ("✗", "#cf222e", "crashed"),
    "refused": ("✗", "#cf222e", "answer refused"),
    "error": ("!", "#9a6700", "the grader failed"),
}


PLAIN = str.maketrans({"✓": "+", "✗": "x", "–": "-", "⏱": "t", "▦": "m"})


def printable(text: str, stream: TextIO | None = None) -> str:
    """The text as a stream can print it: where its encoding lacks the marks, such as cp949 or ASCII, plain ones.

    Args:
        stream: by default standard output.
    """
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


@dataclass
class JudgeResult:
    """The ending of one judge.

    Attributes:
        verdict: a key of VERDICTS. "error" means that the grader itself failed, "skipped" that something else
            must be fixed first (`got` says what).
        got, expected: texts with every value; got_brief, expected_brief: without the entries of arrays.
        unsolved: the exercise that has no solution yet, or "".
        seconds: wall time of the judge.
    """

    exercise: str
    test: str
    title: str
    points: float
    max_points: float
    verdict: str
    tried: str = ""
    got: str = ""
    expected: str = ""
    why: str = ""
    hint: str = ""
    read: str = ""
    got_brief: str = ""
    expected_brief: str = ""
    unsolved: str = ""
    seconds: float = 0.0


@dataclass
class Report:
    """All results of one run.

    Attributes:
        results: in the order in which they ran.
        seed: of the run.
        printed: the end of what the student's code printed meanwhile.
    """

    results: list[JudgeResult]
    seed: int
    printed: str = ""

    @property
    def score(self) -> float:
        """Points reached."""
        return round(sum(result.points for result in self.results), 6)

    @property
    def max_score(self) -> float:
        """Points to reach."""
        return round(sum(result.max_points for result in self.results), 6)

    @property
    def grader_failed(self) -> bool:
        """Whether any result is the grader's own failure, so that the score is not to be trusted."""
        return any(result.verdict == "error" for result in self.results)

    def by_exercise(self) -> dict[str, Report]:
        """One report per exercise."""
        names = dict.fromkeys(result.exercise for result in self.results)
        return {name: Report([r for r in self.results if r.exercise == name], self.seed) for name in names}

    def to_json(self) -> str:
        """Everything, for programs."""
        return json.dumps(
            {
                "score": self.score,
                "max_score": self.max_score,
                "seed": self.seed,
                "grader_failed": self.grader_failed,
                "results": [asdict(r) for r in self.results],
            },
            ensure_ascii=False,
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str) -> Report:
        """The report that `to_json` wrote."""
        content = json.loads(text)
        return cls([JudgeResult(**result) for result in content["results"]], content["seed"])

    def to_text(self, width: int = 100) -> str:
        """A table for the terminal."""
        lines = []
        for name, part in self.by_exercise().items():
            lines.append(f"{name}: {part.score:g} of {part.max_score:g} points")
            for result in part.results:
                symbol, _, meaning = VERDICTS[result.verdict]
                points = f"{result.points:g}/{result.max_points:g}"
                suffix = "" if result.verdict in ("passed", "failed") else f"  [{meaning}]"
                lines.append(f"  {symbol} {points:>7}  {result.title}{suffix}")
                for label, text in _explanation(result, reveal=True):
                    lines.append(_indented(label, text, width))
        if len(self.by_exercise()) > 1:
            lines.append(f"total: {self.score:g} of {self.max_score:g} points")
        if self.printed:
            lines.append("your code printed:\n" + textwrap.indent(self.printed, "  | "))
        return "\n".join(lines)

    def to_html(self, reveal: bool = True) -> str:
        """A table for a notebook and for the feedback page.

        Args:
            reveal: False leaves out the entries of arrays: graded runs use secret inputs.
        """
        parts = [_html_exercise(name, part, reveal) for name, part in self.by_exercise().items()]
        if self.printed:
            parts.append(
                '<details style="margin:.4em 0"><summary>what your code printed</summary>'
                f'<pre style="{_PRE}">{html.escape(self.printed)}</pre></details>'
            )
        return f'<div class="gcb-report" style="{_FRAME}">{"".join(parts)}</div>'


def _explanation(result: JudgeResult, reveal: bool) -> list[tuple[str, str]]:
    """The lines under a judge that was not passed: label and text."""
    if result.verdict == "passed":
        return []
    if result.verdict == "skipped":
        return [("", result.got)]
    rows = [
        ("tried", result.tried),
        ("got", result.got if reveal else result.got_brief),
        ("expected", result.expected if reveal else result.expected_brief),
        ("hint", result.hint),
        ("why", result.why),
        ("read", page(result.read)),
    ]
    return [(label, text) for label, text in rows if text]


def page(read: str) -> str:
    """Where to read on, as a path in the book."""
    return f"book/{read}" if read else ""


def _indented(label: str, text: str, width: int) -> str:
    lead = f"      {label + ':' if label else '':<10}"
    lines = [piece for line in text.splitlines() for piece in textwrap.wrap(line, width - len(lead)) or [""]]
    return "\n".join((lead if i == 0 else " " * len(lead)) + line for i, line in enumerate(lines))


# Inline styles only: the nbgrader feedback page brings none of ours.
_FRAME = "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:62em;color:#1f2328"
_PRE = (
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:0;padding:0;border:0;background:transparent;"
    "color:inherit;font:12.5px/1.45 ui-monospace,monospace"
)
_CELL = "text-align:left;vertical-align:top;padding:.45em .6em;border-top:1px solid #d0d7de;background:#fff"
_COLUMNS = (
    ("", 4),
    ("points", 10),
    ("claim", 22),
    ("tried", 24),
    ("got", 20),
    ("expected", 20),
)  # name, percent
_HEAD = "text-align:left;padding:.3em .6em;font-weight:600;background:#f6f8fa;border:0"


def _html_exercise(name: str, part: Report, reveal: bool) -> str:
    colour = "#1a7f37" if part.score == part.max_score else "#9a6700" if part.score else "#cf222e"
    heads = "".join(f'<th style="{_HEAD};width:{width}%">{text}</th>' for text, width in _COLUMNS)
    rows = "".join(_html_row(result, reveal) for result in part.results)
    return (
        f'<p style="margin:.6em 0 .3em"><b>{html.escape(name)}</b>: '
        f'<b style="color:{colour}">{part.score:g} of {part.max_score:g} points</b></p>'
        '<table style="border-collapse:collapse;table-layout:fixed;width:100%;border:1px solid #d0d7de;'
        'margin:0 0 .8em;color:#1f2328">'
        f"<tr>{heads}</tr>{rows}</table>"
    )


def _html_row(result: JudgeResult, reveal: bool) -> str:
    symbol, colour, meaning = VERDICTS[result.verdict]

    def cell(text: str, more: str = "") -> str:
        return f'<td style="{_CELL};{more}">{text}</td>'

    def pre(text: str) -> str:
        return f'<pre style="{_PRE}">{html.escape(text)}</pre>'

    first = cell(f'<b title="{meaning}" style="color:{colour}">{symbol}</b>') + cell(
        f"{result.points:g}&nbsp;/&nbsp;{result.max_points:g}", "white-space:nowrap"
    )
    title = html.escape(result.title)
    if result.verdict not in ("passed", "failed", "skipped"):
        title += f'<br><b style="color:{colour}">{meaning}</b>'
    if result.verdict == "passed":
        return f'<tr>{first}<td colspan="4" style="{_CELL}">{title}</td></tr>'
    if result.verdict == "skipped":
        note = f'<span style="color:#6e7781">{html.escape(result.got)}</span>'
        return f'<tr>{first}{cell(title)}<td colspan="3" style="{_CELL}">{note}</td></tr>'
    texts = dict(_explanation(result, reveal))
    if not result.tried and not result.expected:
        middle = f'<td colspan="3" style="{_CELL}">{pre(texts.get("got", ""))}</td>'
    else:
        middle = (
            cell(html.escape(texts.get("tried", "")))
            + cell(pre(texts.get("got", "")))
            + cell(pre(texts.get("expected", "")))
        )
    notes = "".join(
        f'<div style="margin:.1em 0"><b>{label}</b>&ensp;{html.escape(texts[key])}</div>'
        for key, label in (("hint", "Hint"), ("why", "Why"), ("read", "Read"))
        if key in texts
    )
    note_row = (
        f'<tr><td style="{_CELL};border-top:0" colspan="2"></td><td colspan="4" style="{_CELL};border-top:0;'
        f'padding-top:0">{notes}</td></tr>'
    )
    return f"<tr>{first}{cell(title)}{middle}</tr>{note_row}"
