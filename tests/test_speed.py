"""How fast it is: what the recorder reads, what a limit is made of, and what the page says of the recorded benchmarks."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from benchmarks.speed import __main__ as recorder  # noqa: E402
from benchmarks.speed import lines, needs, parts  # noqa: E402
from benchmarks.speed.machine import Convolution, Product  # noqa: E402
from benchmarks.speed.needs import Need  # noqa: E402
from book import speed_figures  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PAGE = " ".join((ROOT / "book/using/how-fast.md").read_text(encoding="utf-8").split())
RECORD = json.loads((ROOT / "book/results/bench/bench.json").read_text(encoding="utf-8"))


# --- what a program prints


SAID = """== something
pair 1: ours 4, slow 2 steps/s, ratio 2.00
measured: {"unit": "steps/s", "rates": {"ours": [4.0, 9.0, 8.0], "slow": [2.0, 3.0, 4.0]}}
ratio: 2.00
"""


def test_a_programs_lines_are_read_and_compared_pair_by_pair():
    row = lines.parse(SAID.splitlines())
    assert (row["unit"], row["ratio"]) == ("steps/s", 2.0)
    assert lines.compared(row["rates"]) == {"slow": {"median": 2.0, "min": 2.0, "max": 3.0, "rate": 3.0}}


def test_a_program_may_tell_its_ratio_alone():
    assert lines.parse(["ratio: 1.00"]) == {"ratio": 1.0}


@pytest.mark.parametrize(
    "said, fault",
    [
        ("pair 1: ours 4", "without a line"),
        (SAID.replace("8.0]", "8.0, 1.0]"), "do not fit"),
        (SAID.replace('"ours"', '"mine"'), "do not fit"),
    ],
)
def test_an_output_that_says_nothing_is_refused(said, fault):
    with pytest.raises(ValueError, match=fault):
        lines.parse(said.splitlines())


def test_the_table_has_a_line_for_each_peer_and_no_number_where_none_was_measured():
    alone = {"ratio": 1.5, "unit": "steps/s", "ours": 8.0, "peers": {}}
    two = {"unit": "steps/s", "ours": 8.0, "peers": lines.compared({"ours": [8.0], "a": [4.0], "b": [2.0]})}
    limit = {"rate": 20.0, "further": 2.5}
    said = lines.table(
        {"benchmarks": {"none": alone, "both": {**two, "limit": limit}, "old": {"ratio": 1.0}}}
    )
    assert [line.split()[:1] for line in said[1:]] == [["none"], ["both"], ["both"], ["old"]]
    assert said[1].split()[3:] == ["-"] * 6 and "2.00 .. 2.00" in said[2] and "4.00" in said[3]
    assert said[2].split()[-2:] == ["20", "2.5"]


# --- what a limit is made of


def test_flops_of_a_small_layer_are_those_counted_by_hand_and_by_torch():
    assert Product(3, 4, 5).flops == 2 * 3 * 4 * 5
    need = needs.mlp([4, 5, 2], rows=3)
    assert need.flops == 2 * 3 * (4 * 5 + 5 * 2) and need.calls == 1
    learned = needs.mlp([4, 5, 2], rows=3, learn=True)
    # forward 2 products, gradients of the weights 2, of the last layer's input 1; tanh forward and back
    assert learned.flops == 2 * 3 * (4 * 5 + 5 * 2) * 2 + 2 * 3 * 2 * 5 and learned.calls == 2
    network = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(3, 4)).sum().backward()
    assert counter.get_total_flops() == learned.flops


def test_bytes_of_a_small_layer_are_those_counted_by_hand():
    weights, numbers = 4 * (4 * 5 + 5), 4 * 3 * (4 + 5)
    assert needs.mlp([4, 5], rows=3).bytes == Counter(cache=weights + numbers)
    assert needs.mlp([4, 5], rows=3, learn=True).bytes == Counter(cache=3 * weights + 2 * numbers)
    assert set(needs.mlp([4, 5], rows=10**6).bytes) == {"memory"}
    assert needs.adam(10).bytes == Counter(cache=7 * 4 * 10)


@pytest.mark.parametrize("learn", [False, True])
def test_flops_of_the_nature_network_are_torchs(learn):
    from gcb6206.networks.critics import AtariCritic

    network, pictures = AtariCritic((4, 84, 84), 18), torch.zeros(2, 4, 84, 84)
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(learn):
        values = network(pictures)
        if learn:
            values.sum().backward()
    need = needs.nature(2, "float32", learn)
    assert need.flops == counter.get_total_flops()
    assert needs.nature_size(18) == sum(p.numel() for p in network.parameters())


def test_a_limit_takes_the_larger_of_products_and_memory_and_adds_calls_and_world():
    product = Product(1, 1, 1)
    need = Need(Counter({product: 2}), Counter(memory=30, cache=8), 4, Counter({"moon": 1})) * 2
    machine = {"products": {str(product): 3.0}, "bytes": {"memory": 10.0, "cache": 4.0}, "call": 0.5}
    found = needs.seconds_of(need, {**machine, "worlds": {"moon": 7.0}})
    assert found == {"products": 12.0, "memory": 10.0, "calls": 4.0, "world": 14.0, "total": 30.0}
    machine["bytes"]["memory"] = 2.0
    assert needs.seconds_of(need, {**machine, "worlds": {"moon": 7.0}})["total"] == 34.0 + 4.0 + 14.0


def test_every_benchmark_has_a_limit_and_every_world_is_measured():
    from benchmarks.speed.worlds import MANY, WORLDS

    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert programs == {*needs.LIMITS, "realm_roles"} and set(parts.PARTS) <= programs
    assert set(MANY) <= set(WORLDS)
    for name in ("dqn_cartpole", "dqn_atari", "ppo_cartpole", "vmas_navigation", "roarm", "two_arm", "realm"):
        assert set(needs.LIMITS[name].need().worlds) <= set(WORLDS)


def test_a_convolution_counts_its_output():
    first = Convolution(1, 2, 3, 5, 3, 2)
    assert first.out == 2 and first.flops == 2 * 3 * 4 * 2 * 9
    assert Convolution(1, 2, 3, 5, 3, 2, learn=True).flops == 3 * first.flops
    assert Convolution(1, 2, 3, 5, 3, 2, learn=True, first=True).flops == 2 * first.flops
    for way in Convolution(1, 2, 3, 5, 3, 2, learn=True).prepare():
        way()


# --- where the time goes


def test_a_part_is_charged_with_its_own_time_alone_and_everything_is_put_back(monkeypatch):
    class Body:
        def outer(self):
            now[0] += 1.0
            self.inner()
            now[0] += 2.0

        def inner(self):
            now[0] += 5.0

    now, plain = [0.0], dict(vars(Body))
    monkeypatch.setattr(parts.time, "perf_counter", lambda: now[0])

    def run():
        Body().outer()
        now[0] += 2.0

    found = parts.shares(run, {"outer": [(Body, "outer")], "inner": [(Body, "inner")]})
    assert found == {"outer": 0.3, "inner": 0.5, "the rest": pytest.approx(0.2)}
    assert Body.outer is plain["outer"] and Body.inner is plain["inner"]


# --- the recorder


def program(folder: Path, name: str, text: str) -> None:
    (folder / "benchmarks").mkdir(exist_ok=True)
    (folder / "benchmarks" / f"{name}.py").write_text(text, encoding="utf-8")


def test_a_killed_recording_goes_on_where_it_was(tmp_path):
    told = "open('ran', 'a').write('NAME ')\nprint('measured: {\"unit\": \"u\", \"rates\": {\"ours\": [1.0]}}')\n"
    for name in "abc":
        program(tmp_path, name, told.replace("NAME", name) + "print('ratio: 1.00')")
    program(tmp_path, "b", "import os; os.kill(os.getppid(), 9)")
    words = [sys.executable, "-m", "benchmarks.speed", "--smallest"]

    def run() -> subprocess.CompletedProcess:
        return subprocess.run(
            words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    assert run().returncode == -9
    assert (tmp_path / "ran").read_text() == "a "
    program(tmp_path, "b", "raise SystemExit(3)")
    again = run()
    assert "== benchmarks/a.py: measured before\n== benchmarks/b.py (2 of 3)" in again.stdout
    assert again.returncode == 1 and "kept in build/bench/unfinished.json" in again.stderr
    assert (tmp_path / "ran").read_text() == "a "
    kept = json.loads((tmp_path / "build/bench/unfinished.json").read_text())
    assert list(kept["benchmarks"]) == ["a"] and kept["benchmarks"]["a"]["ours"] == 1.0


def test_another_commit_begins_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = recorder.begin(small=True)
    recorder.keep({**state, "benchmarks": {"a": {}}})
    assert recorder.begin(small=True)["benchmarks"] == {"a": {}}
    assert recorder.begin(small=False)["benchmarks"] == {}
    recorder.keep({**state, "commit": "another", "benchmarks": {"a": {}}})
    assert recorder.begin(small=True)["benchmarks"] == {}


def test_a_peer_that_is_not_installed_is_named_and_one_that_is_is_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    measured = {"vmas_navigation": {"peers": {"BenchMARL": {}}}}
    assert "build/benchmarl/bin/python" in recorder.not_measured({})["BenchMARL"]
    assert set(recorder.not_measured(measured)) == {"CleanRL", "RLlib", "SBX"}
    assert recorder.words_of("vmas_navigation", small=True) == ["--smallest"]
    recorder.interpreter("BenchMARL").parent.mkdir(parents=True)
    recorder.interpreter("BenchMARL").touch()
    assert recorder.words_of("vmas_navigation", small=True)[1:] == [
        "--benchmarl",
        "build/benchmarl/bin/python",
    ]
    assert recorder.words_of("dqn_cartpole", small=True) == ["--smallest"]


# --- the page and its record


def test_the_record_holds_every_benchmark_with_its_pairs_limit_and_parts():
    assert set(RECORD["benchmarks"]) == {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert {"commit", "date", "hardware", "python", "versions", "load", "machine", "growth"} <= set(RECORD)
    assert "changes" not in RECORD["commit"]
    for name, row in RECORD["benchmarks"].items():
        again = lines.compared(row["rates"])
        assert set(again) == set(row["peers"]) and row["limit"]["rate"] > 0
        assert all(row["peers"][peer] == pytest.approx(of) for peer, of in again.items())
        assert row["limit"]["further"] == pytest.approx(row["limit"]["rate"] / row["ours"])
        assert set(row["parts"]) == set() or sum(row["parts"].values()) == pytest.approx(1.0)
        assert bool(row["parts"]) == (name in parts.PARTS)


def test_the_recorded_limits_follow_from_the_recorded_machine():
    products = RECORD["machine"]["products"]
    for name in ("dqn_cartpole", "ppo_cartpole"):
        machine = {
            "products": {key.removesuffix(", 1 thread"): of["seconds"] for key, of in products.items()},
            "bytes": RECORD["machine"]["bytes"]["1 thread"],
            "call": min(RECORD["machine"]["calls"].values()),
            "worlds": RECORD["machine"]["worlds"],
        }
        seconds = needs.seconds_of(needs.LIMITS[name].need(), machine)["total"]
        assert RECORD["benchmarks"][name]["limit"]["rate"] == pytest.approx(1.0 / seconds)


def shares_of_dqn(record: dict) -> float:
    return record["benchmarks"]["dqn_cartpole"]["parts"]["products and tanh"]


def grown(record: dict, series: str, first: int, last: int, key: str = "ours") -> float:
    cost = {point["number"]: point[key] for point in record["growth"][series]}
    return cost[last] / cost[first]


def nearer(record: dict) -> set[str]:
    """The series that end closer to their limit than they begin."""
    series = record["growth"].items()
    return {name for name, of in series if of[-1]["ours"] / of[-1]["limit"] < of[0]["ours"] / of[0]["limit"]}


def world_of(record: dict, index: int) -> float:
    """VMAS's own share of a step, with the fewest (0) or most (-1) environments."""
    point = record["growth"]["environments"][index]
    return point["world"] / point["ours"]


CLAIMS = {  # a sentence of the page, what must hold for it, and a change of the record after which it does not
    "which is less than half": (
        lambda r: shares_of_dqn(r) < 0.5,
        lambda r: r["benchmarks"]["dqn_cartpole"]["parts"].update({"products and tanh": 0.6}),
    ),
    "four times the data costs less than twice the time": (
        lambda r: grown(r, "batch", 32, 128) < 2,
        lambda r: r["growth"]["batch"][0].update(ours=r["growth"]["batch"][1]["ours"] / 3),
    ),
    "the cost grows only": (
        lambda r: grown(r, "width", 16, 64) < 8 < grown(r, "width", 64, 1024) < 256,
        lambda r: r["growth"]["width"][0].update(ours=r["growth"]["width"][1]["ours"] / 9),
    ),
    "gives 100 times the data": (
        lambda r: grown(r, "environments", 6, 600) < 50,
        lambda r: r["growth"]["environments"][0].update(ours=r["growth"]["environments"][2]["ours"] / 60),
    ),
    "with batch and width ours comes closer to the limit. With environments it moves away.": (
        lambda r: nearer(r) == {"batch", "width"},
        lambda r: r["growth"]["width"][-1].update(limit=r["growth"]["width"][-1]["ours"] / 100),
    ),
    "with the fewest environments it is most of the step. With the most of them, most of the step is ours.": (
        lambda r: world_of(r, 0) > 0.5 > world_of(r, -1),
        lambda r: r["growth"]["environments"][-1].update(world=r["growth"]["environments"][-1]["ours"]),
    ),
    "The smallest product runs at less than a tenth of the highest speed": (
        lambda r: speed_of(smallest(r)) < 0.1 * max(map(speed_of, r["machine"]["products"].values())),
        lambda r: smallest(r).update(seconds=1e-12),
    ),
}


def speed_of(product: dict) -> float:
    return product["flops"] / product["seconds"]


def smallest(record: dict) -> dict:
    return min(record["machine"]["products"].values(), key=lambda of: of["flops"])


@pytest.mark.parametrize("sentence", CLAIMS)
def test_what_the_page_says_holds_in_the_record_and_not_in_another(sentence):
    holds, change = CLAIMS[sentence]
    assert sentence in PAGE and holds(RECORD)
    other = copy.deepcopy(RECORD)
    change(other)
    assert not holds(other)


def test_every_benchmark_that_is_far_from_its_limit_has_a_reason_and_measured_parts():
    for name, row in speed_figures.far().items():
        assert name in speed_figures.WHY and (row["parts"] or name == "autograde"), (
            f"{name} is far from its limit: say why"
        )
    assert set(speed_figures.TITLES) == set(RECORD["benchmarks"])


def test_the_page_writes_no_measured_number_by_hand():
    prose = re.sub(r"```.*?```|\$\$.*?\$\$|\{glue:text\}`\w+`|`[^`]*`", "", PAGE)
    assert set(re.findall(r"\d+", prose)) <= {
        "1",
        "2",
        "3",
        "6",
        "16",
        "32",
        "64",
        "100",
        "128",
        "256",
        "600",
        "1024",
        "2048",
    }


def test_the_figures_and_tables_show_every_benchmark():
    import matplotlib.pyplot as plt

    shown = speed_figures.table().data
    for name, row in RECORD["benchmarks"].items():
        assert speed_figures.TITLES[name] in shown
        for peer in row["peers"]:
            assert f"{peer}: " in shown
    for peer in RECORD["not_measured"]:
        assert f"- {peer}: " in shown
    speed_figures.chart()
    speed_figures.growth()
    plt.close("all")
    assert "GFLOP/s" in speed_figures.machine().data and "| 1" in speed_figures.parts_of_limits().data


@pytest.mark.parametrize(
    "smallest, load, warns", [(False, 0.4, False), (False, 5.0, True), (True, 0.4, True)]
)
def test_a_record_of_a_busy_machine_says_so_first(monkeypatch, smallest, load, warns):
    kept = {**speed_figures.recorded(), "smallest": smallest, "load": load}
    monkeypatch.setattr(speed_figures, "recorded", lambda: kept)
    text = speed_figures.table().data
    assert text.startswith("**This table was recorded" if warns else "| benchmark")
    assert bool(speed_figures.note().data) == warns
