"""The book: builds without a warning, reads offline, hides solutions, and its widgets work in a browser."""

from __future__ import annotations

import fcntl
import json
import os
import re
import statistics
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "build" / "book" / "_build" / "html"
PAGES = sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "book").rglob("*.md"))
BUILD = [
    str(Path(sys.executable).with_name("jupyter-book")),
    "build",
    ".",
    "--path-output",
    "build/book",
    "-W",
    "--keep-going",
    "--all",
]

pytestmark = pytest.mark.slow

sys.path[:0] = [str(ROOT), str(ROOT / "book" / "_ext")]


@pytest.fixture(scope="session")
def book():
    """The built book's folder; every page is read anew, so that no warning hides behind an earlier build."""
    (ROOT / "build" / "book").mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != "SOLUTIONS"}
    with open(ROOT / "build" / "book" / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            BUILD, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=2400, check=False
        )
    lines = [
        line for line in (done.stdout + done.stderr).splitlines() if "WARNING:" in line or "ERROR" in line
    ]
    assert done.returncode == 0, "\n".join(lines) or done.stderr[-3000:]
    return HTML


@pytest.fixture
def visit(book, browser):
    """Opens a page of the book without a network; what failed there is in ``page.trouble``."""
    context = browser.new_context(offline=True)

    def open_page(name: str, scheme: str = "light"):
        page = context.new_page()
        page.set_default_timeout(600_000)  # on a busy machine everything takes long
        page.emulate_media(color_scheme=scheme)
        page.trouble = []
        page.on("requestfailed", lambda request: page.trouble.append(f"failed: {request.url}"))
        page.on("pageerror", lambda error: page.trouble.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: request.url.startswith(("file:", "data:")) or page.trouble.append(request.url),
        )
        page.goto((book / f"{name}.html").as_uri())
        return page

    yield open_page
    context.close()


class Elements(HTMLParser):
    """All start tags of a page with their attributes, and the text inside scripts."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            self.scripts.append(data)


def loads_from_network(text: str) -> list[str]:
    """Addresses that a page would fetch from elsewhere."""
    page = Elements(text)
    found = [a["src"] for tag, a in page.tags if a.get("src")]
    found += [a["href"] for tag, a in page.tags if tag == "link" and a.get("href")]
    found = [address for address in found if re.match(r"(https?:)?//", address)]
    return found + [
        address for script in page.scripts for address in re.findall(r"https?://[^\s\"']+", script)
    ]


def images_without_text(text: str) -> list[str]:
    """Pictures that say nothing to a screen reader: no alt text, or a file's name for one."""
    page = Elements(text)
    bad = [
        a.get("src", "")
        for tag, a in page.tags
        if tag == "img" and not re.search(r"\w \w", a.get("alt") or "")
    ]
    return bad + [
        "svg" for tag, a in page.tags if tag == "svg" and a.get("role") == "img" and not a.get("aria-label")
    ]


def broken_links(page: Path) -> list[str]:
    """Links of a page to a file or an anchor that does not exist."""
    bad = []
    for tag, attributes in Elements(page.read_text(encoding="utf-8")).tags:
        address = attributes.get("href") if tag in ("a", "link") else attributes.get("src")
        if not address or re.match(r"(https?:|mailto:|data:|javascript:)", address):
            continue
        file, _, anchor = address.partition("#")
        target = (page.parent / file.partition("?")[0]).resolve() if file else page
        if not target.is_file():
            bad.append(address)
        elif anchor and target.suffix == ".html":
            if not any(a.get("id") == anchor for _, a in Elements(target.read_text(encoding="utf-8")).tags):
                bad.append(address)
    return bad


def solution_lines() -> list[str]:
    """Lines that a student writes, long enough to be nobody else's."""
    lines = []
    for file in (ROOT / "solutions").glob("hw*.py"):
        for block in re.findall(
            r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", file.read_text(encoding="utf-8"), re.S
        ):
            lines += [line.strip() for line in block.splitlines() if len(line.strip()) >= 25]
    return lines


def printed_solutions(text: str) -> list[str]:
    """Solution lines that stand in a page."""
    plain = (
        re.sub(r"<[^>]+>", "", text)
        .replace("&quot;", '"')
        .replace("&#39;", "'")
        .replace("&gt;", ">")
        .replace("&lt;", "<")
    )
    return [line for line in solution_lines() if line in plain]


# --- the pages as files


def test_every_page_is_built(book):
    assert (book / "index.html").is_file()
    assert [page for page in PAGES if not (book / f"{page}.html").is_file()] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_needs_no_network(book, page):
    assert loads_from_network((book / f"{page}.html").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_has_a_text(book, page):
    assert images_without_text((book / f"{page}.html").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(book, page):
    assert broken_links(book / f"{page}.html") == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_prints_a_solution(book, page):
    assert printed_solutions((book / f"{page}.html").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/f.css">',
        "<script>const url = 'https://cdn.example/x.js'</script>",
        '<img alt="a b" src="http://example.org/x.png">',
    ],
)
def test_a_page_that_needs_the_network_is_noticed(text):
    assert loads_from_network(text)


@pytest.mark.parametrize(
    "text",
    ['<img src="a.svg">', '<img src="a.svg" alt="">', '<img src="a.svg" alt="../a.svg">', '<svg role="img">'],
)
def test_a_picture_without_text_is_noticed(text):
    assert images_without_text(text)


@pytest.mark.parametrize("link", ["nowhere.html", "#nowhere", "b.html#nowhere"])
def test_a_broken_link_is_noticed(tmp_path, link):
    (tmp_path / "b.html").write_text('<p id="here"></p>')
    (tmp_path / "a.html").write_text(f'<a href="b.html#here"></a><a href="{link}"></a>')
    assert broken_links(tmp_path / "a.html") == [link]


def test_a_printed_solution_is_noticed():
    assert printed_solutions(f"<pre><span>{solution_lines()[0].replace('<', '&lt;')}</span></pre>")


# --- the sources


def cells(page: Path) -> list[str]:
    """The code cells of a chapter, without their options."""
    blocks = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)
    return [re.sub(r"\A(---\n.*?^---\n|(:[^\n]*\n)+\n?)", "", block, flags=re.S | re.M) for block in blocks]


@pytest.mark.parametrize("page", [page for page in PAGES if cells(ROOT / f"{page}.md")])
def test_cells_are_short(page):
    sources = cells(ROOT / f"{page}.md")
    long = [source for source in sources if len([line for line in source.splitlines() if line.strip()]) > 15]
    wide = [line for source in sources for line in source.splitlines() if len(line) > 88]
    assert (long, wide) == ([], [])


def test_every_reading_hint_of_the_judges_is_a_page():
    hints = set()
    for file in (ROOT / "autograder" / "trusted" / "judges").rglob("test_*.py"):
        hints |= set(re.findall(r'"(?:book/)?((?:dqn|ppo|marl)/[a-z-]+)', file.read_text(encoding="utf-8")))
    assert hints and sorted(hint for hint in hints if f"book/{hint}" not in PAGES) == []


def test_every_bug_of_the_gallery_is_a_mutant():
    from book import gallery

    files = [
        f"autograder/mutants/hw3/{exercise}/{bug}.py"
        for bug, (exercise, *_) in gallery.BUGS.items()
        if exercise
    ]
    assert [file for file in files if not (ROOT / file).is_file()] == []


# --- recorded runs


def test_recorded_curves_are_read_by_seed_and_tag(tmp_path, monkeypatch):
    from book import figures

    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    (tmp_path / "run").mkdir()
    for seed in (2, 10):
        rows = [f"eval_return,{step},{seed * step}" for step in (0, 10, 20, 30)]
        (tmp_path / "run" / f"seed_{seed}.csv").write_text("\n".join(["tag,step,value", *rows]))
    assert list(figures.curves("run")) == [2, 10]
    assert figures.final_return("run") == {2: 40.0, 10: 200.0}
    steps, values = figures.spread("run", "eval_return")
    np.testing.assert_array_equal(values, np.outer([2, 10], steps))


def test_milestones_count_from_the_first_time_at_the_level(tmp_path, monkeypatch):
    from book import figures

    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    (tmp_path / "run").mkdir()
    for seed, values in {1: (10, 500, 100, 480), 2: (10, 20, 470, 30)}.items():
        rows = [f"eval_return,{10 * i},{value}" for i, value in enumerate(values)]
        (tmp_path / "run" / f"seed_{seed}.csv").write_text("\n".join(["tag,step,value", *rows]))
    assert figures.milestones("run", 475) == {1: (10.0, 2 / 3, 100.0), 2: (None, 0.0, 470.0)}
    assert "| mine | 1 | 10 | 67% | 100 |" in figures.milestone_table({"mine": "run"}).data


def test_a_run_that_is_not_recorded_is_not_invented(tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    from book import figures

    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    _, ax = plt.subplots()
    figures.plot_runs(ax, {"mine": "nothing"}, "eval_return")
    assert [line.get_label() for line in ax.lines] == ["mine: not recorded"]
    assert len(ax.lines[0].get_xdata()) == 0
    assert "not recorded" in figures.runs_table({"mine": "nothing"}).data
    assert "data-widget" not in figures.curve_viewer({"mine": "nothing"}, ["eval_return"]).data
    plt.close("all")


def test_viewer_data_cannot_close_its_script(tmp_path, monkeypatch):
    from book import figures

    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "seed_1.csv").write_text("tag,step,value\n</script>,0,1\n")
    text = figures.curve_viewer({"a</script>b": "run"}, ["</script>"]).data
    assert text.count("</script>") == 1
    assert json.loads(re.search(r"json\">(.*)</script>", text)[1])["runs"][0]["label"] == "a</script>b"


def test_solutions_are_printed_in_the_instructors_edition_only(monkeypatch):
    from book import figures

    monkeypatch.setenv("SOLUTIONS", "1")
    assert printed_solutions(figures.show_solution("hw3.update_critic").data)
    monkeypatch.setenv("SOLUTIONS", "0")
    assert not printed_solutions(figures.show_solution("hw3.update_critic").data)


def test_the_cache_key_follows_code_results_and_edition(tmp_path, monkeypatch):
    from course import content_key

    monkeypatch.delenv("SOLUTIONS", raising=False)
    for name in ("gcb6206/a.py", "book/results/run/seed_1.csv", "book/chapter.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    keys = [content_key(tmp_path)]
    for name in ("gcb6206/a.py", "book/results/run/seed_1.csv"):
        (tmp_path / name).write_text("y")
        keys.append(content_key(tmp_path))
    monkeypatch.setenv("SOLUTIONS", "1")
    keys.append(content_key(tmp_path))
    assert len(set(keys)) == 4
    (tmp_path / "book/chapter.md").write_text("y")  # the notebook cache sees the cells by itself
    assert content_key(tmp_path) == keys[-1]


MEETING = """
from pathlib import Path
import time
with open("NAME.runs", "a") as runs:
    print("ran", file=runs)
while not Path("OTHER.runs").exists():
    time.sleep(0.1)
print("NAME has met OTHER")
"""


@pytest.mark.skipif(os.cpu_count() == 1, reason="one page at a time on one core")
def test_pages_run_side_by_side_and_once_and_a_failed_one_is_named(tmp_path):
    """Two pages wait for each other, which one after the other could not end; the third one fails."""
    met = [MEETING.replace("NAME", name).replace("OTHER", other) for name, other in (("a", "b"), ("b", "a"))]
    for name, code in {"a": met[0], "b": met[1], "index": "1 / 0"}.items():
        top = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n"
        text = f"{top}# {name}\n\n```{{code-cell}} ipython3\n{code}\n```\n"
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path.append({str(ROOT / 'book' / '_ext')!r})\nextensions = ['myst_nb', 'course']\n"
        "nb_execution_mode, suppress_warnings = 'cache', ['toc.not_included']\n",
        encoding="utf-8",
    )
    words = [sys.executable, "-m", "sphinx", "-W", "--keep-going", ".", "_build/html"]
    said = [
        subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False) for _ in range(2)
    ]
    assert [done.returncode for done in said] == [1, 1]  # also when all else is in the cache
    for done in said:
        (warning,) = [line for line in done.stderr.splitlines() if "Executing notebook failed" in line]
        assert "/index." in warning
    assert "b has met a" in (tmp_path / "_build" / "html" / "b.html").read_text(encoding="utf-8")
    assert [(tmp_path / f"{name}.runs").read_text() for name in "ab"] == ["ran\n", "ran\n"]


# --- in a browser


@pytest.mark.parametrize("page", PAGES)
def test_page_works_offline_and_fits_a_phone(visit, page):
    tab = visit(page)
    has_math = tab.locator(".math").count() > 0
    if has_math:
        tab.wait_for_selector("mjx-container svg", state="attached", timeout=600_000)
    assert tab.locator("[data-mjx-error]").count() == 0
    assert tab.locator("[data-widget]:not([data-ready])").count() == 0
    assert tab.trouble == []
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 391


def test_gridworld_learns_the_shortest_way(visit):
    tab = visit("book/dqn/q-learning")
    widget = tab.locator("[data-widget=gridworld]")
    status = widget.locator("[aria-live]")
    assert "0 steps" in status.inner_text()
    widget.get_by_role("button", name="One step").focus()
    tab.keyboard.press("Space")
    assert "1 steps, 0 episodes" in status.inner_text()
    for _ in range(6):
        widget.get_by_role("button", name="50 episodes").click()
    path = status.inner_text().rsplit(":", 1)[1].split()
    assert sorted(path) == sorted("↑↑→→→"), path
    assert "0.66" in widget.inner_text()  # gamma^4 at the start
    widget.get_by_role("button", name="Start again").click()
    assert "0 steps" in status.inner_text()


def test_schedule_shows_epsilon_at_a_step(visit):
    from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig

    tab = visit("book/dqn/homework")
    widget = tab.locator("[data-widget=schedule]")
    expected = DQNBasicConfig().build()["exploration_schedule"].value(20_000)
    assert f"epsilon is {expected:.3f}" in widget.locator("[aria-live]").inner_text()
    widget.get_by_label("look at step").fill("30000")
    assert "epsilon is 0.020" in widget.locator("[aria-live]").inner_text()


@pytest.mark.parametrize("actions, bias", [(1, 0.0), (2, 0.56), (18, 1.82)])
def test_noise_widget_agrees_with_the_closed_form(visit, actions, bias):
    tab = visit("book/dqn/double-dqn")
    widget = tab.locator("[data-widget=noise]")
    widget.get_by_label("number of actions").fill(str(actions))
    single, double = map(
        float,
        re.search(
            r"by (-?[\d.]+), two tables by (-?[\d.]+)\.", widget.locator("[aria-live]").inner_text()
        ).groups(),
    )
    assert abs(single - bias) < 0.06 and abs(double) < 0.06  # 4000 draws: a standard error of 0.016


def test_curve_viewer_shows_the_recorded_value(visit):
    from book import figures

    recorded = figures.curves("dqn_cartpole")
    tab = visit("book/dqn/reading-curves")
    widget = tab.locator("[data-widget=curves]")
    last = recorded[min(recorded)]["eval_return"][1][-1]
    row = widget.locator("tbody tr").first
    assert float(row.locator("td").first.inner_text()) == pytest.approx(last, rel=0.01)
    widget.get_by_label("Quantity").select_option("q_values")
    assert "q_values" in widget.locator("caption").inner_text()
    assert widget.locator("polyline").count() == widget.locator("tbody tr").count()
    widget.get_by_label("every seed on its own").check()
    assert widget.locator("polyline").count() == widget.locator("tbody td", has_not_text="–").count()


def test_quiz_explains_every_choice_and_counts(visit):
    tab = visit("book/dqn/quiz")
    questions = tab.locator(".quiz-question")
    for i in range(questions.count()):
        question = questions.nth(i)
        assert question.locator("details.quiz-right").count() == 1
        assert question.locator("details.quiz-wrong").count() >= 2
    first = questions.nth(0)
    first.locator("details.quiz-wrong summary").first.click()
    first.locator("details.quiz-right summary").click()
    questions.nth(1).locator("details.quiz-right summary").click()
    tab.locator(".quiz-score", has_text="1 right at the first try, 2 of").wait_for(timeout=600_000)
    reasons = tab.locator(".quiz-question details > :not(summary)").all_text_contents()
    assert len(reasons) >= 3 * questions.count() and all(len(reason) > 40 for reason in reasons)


# --- what the multi-agent pages claim


def table(page: Path, heading: str) -> list[list[str]]:
    """The rows of a built page's first table with such a heading."""
    tables = re.findall(r"<table.*?</table>", page.read_text(encoding="utf-8"), flags=re.S)
    chosen = next(t for t in tables if heading in t)
    rows = re.findall(r"<tr.*?</tr>", chosen, flags=re.S)
    cells_of = [re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.S) for row in rows]
    return [[re.sub(r"<.*?>", "", cell).strip() for cell in row] for row in cells_of if row]


def test_a_critic_of_all_explains_more_but_needs_more_episodes(book):
    rows = table(book / "book/marl/one-to-many.html", "sees one robot")
    found = {(int(n), int(episodes)): (float(one), float(every)) for n, episodes, one, every in rows}
    assert found[3, 3000][1] > 0.85 > 0.7 > found[3, 3000][0]
    assert found[3, 100][1] < found[3, 100][0]
    assert found[1, 3000][0] > found[2, 3000][0] > found[3, 3000][0]


def test_the_first_nan_of_the_page_is_the_plain_inverse(book):
    text = (book / "book/marl/vmas.html").read_text(encoding="utf-8")
    assert "plain inverse is not finite at step" in text
    assert "log-probability of the course: all finite" in text


def test_a_hot_start_lets_every_team_turn_the_wheel_one_way_and_a_cold_one_does_not(book):
    rows = table(book / "book/marl/wheel.html", "turns the team")
    hot, cold = (
        [(float(share.strip("%")), float(end)) for label, _, share, end in rows if label == wanted]
        for wanted in ("hot at first", "without heat")
    )
    assert len(hot) == 5 and min(share for share, _ in hot) >= 90 and max(end for _, end in hot) < -2
    assert len(cold) == 3 and min(share for share, _ in cold) < 85
    assert statistics.mean(end for _, end in cold) < statistics.mean(end for _, end in hot)


def test_the_wheels_script_is_better_than_nothing_and_the_trained_teams_are_better_than_it(book):
    text = (book / "book/marl/wheel.html").read_text(encoding="utf-8")
    nothing, script = (
        float(re.search(rf"{name}: (-\d\.\d+)", text)[1]) for name in ("nothing", "VMAS[^:]*script")
    )
    ends = (
        re.search(r"<td[^>]*><p>ours</p></td>\s*<td[^>]*><p>([^<]*)</p>", text)[1]
        .replace("−", "-")
        .split(", ")
    )
    assert nothing == -5 and nothing < script < min(map(float, ends))
