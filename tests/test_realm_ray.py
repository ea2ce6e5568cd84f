"""The roles of the realm's training as processes on Ray: killed, lost with their machine, and resumed.

One cluster of two nodes serves all tests, both on this machine. Ray gives up where it starts too slowly, so its start is
tried again.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types

import numpy as np
import psutil
import pytest
import torch
from test_realm_agent import SMALL
from test_realm_distributed import FRESH, STALE, trained

from gcb6206.env_configs.realm_config import RealmConfig, RealmDistributedConfig
from gcb6206.errors import CheckpointError, ConfigError
from gcb6206.infrastructure.distributed import cluster
from gcb6206.infrastructure.distributed.pool import from_bytes, to_bytes
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.networks.realm import gumbel_noise, pack
from gcb6206.runs import realm_ray
from gcb6206.runs.frame import random_streams_untouched
from gcb6206.runs.realm import make_agent, make_games
from gcb6206.runs.realm_ray import RealmRayRun
from gcb6206.scripts import train_realm

TRIES = 6


class Nodes:
    """Two Ray nodes on this machine."""

    def __init__(self, folder):
        self.folder, self.port, self.number = folder, free_port(), 0
        self.environment = {
            **os.environ, "HOME": folder, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0",
            "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        self.address = f"127.0.0.1:{self.port}"
        head = ["--head", "--port", self.port, "--include-dashboard", "false", "--temp-dir", f"{folder}/r"]
        self.head = self.start(*head, "--num-cpus", 3)
        self.second = self.start("--address", self.address, "--num-cpus", 1)

    def start(self, *words) -> set[int]:
        """Start a node; its processes."""
        before = self.processes()
        command = ["ray", "start", "--disable-usage-stats", "--object-store-memory", 2**27, *words]
        command = [sys.executable, "-m", "ray.scripts.scripts", *map(str, command[1:])]
        for left in reversed(range(TRIES)):
            done = subprocess.run(
                command, env=self.environment, capture_output=True, text=True, timeout=300, check=False
            )
            if done.returncode == 0:
                return self.processes() - before
            kill(self.processes() - before)
            assert left, f"Ray did not start in {TRIES} tries: {done.stdout[-500:]} {done.stderr[-1500:]}"

    def processes(self) -> set[int]:
        """Everything that runs for these nodes."""
        found = set()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(self.folder in word for word in process.cmdline()):
                    found |= {process.pid, *(child.pid for child in process.children(recursive=True))}
        return found - {os.getpid()}


def kill(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


# Two nodes on one machine take minutes to start where it is busy; on a quiet one these tests take a minute in all.
ON_RAY = pytest.mark.skipif(
    "REALM_RAY" not in os.environ, reason="starts two Ray nodes: set REALM_RAY=1 to run it"
)


@pytest.fixture(scope="module")
def nodes():
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        nodes = Nodes(folder)
        yield nodes
        kill(nodes.processes())


def roles(name, among=None):
    """The processes of a role."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[:1] and process.cmdline()[0].startswith(f"ray::{name}"):
                found.append(process.pid)
    return [pid for pid in found if among is None or pid in among]


def run_on(address, config, events=None, logger=None, **arguments):
    """A run on Ray, in which something happens after so many trajectories."""
    flags = {"seed": 5, "num_eval_episodes": 1, "eval_interval": 10**9, "ray": address, **arguments}
    run = RealmRayRun(config.build(), logger or NullLogger(), argparse.Namespace(**flags))
    receive, events = run.receive, dict(events or {})

    def receive_and_disturb():
        happens = events.pop(sum(run.sent), None)
        if happens:
            happens()
        return receive()

    run.receive = receive_and_disturb
    run.train()
    assert not events
    return run


@ON_RAY
@pytest.mark.slow
@pytest.mark.alone
def test_without_lag_it_is_the_run_of_one_process_though_actor_and_learner_are_killed(nodes, solved):
    events = {
        3: lambda: kill(roles("ActorProcess")),
        5: lambda: kill(roles("LearnerProcess")),
    }
    config = RealmDistributedConfig(**SMALL, **FRESH, synchronous=True)
    run = run_on(nodes.address, config, events)
    torch.testing.assert_close(run.agent.policy.state_dict(), trained(RealmConfig(**SMALL)), rtol=0, atol=0)
    assert run.faults() == {"restarts/aisrv": 0, "restarts/learner": 1, "restarts/actor": 1}
    assert run.learner.buffer.counts["inserted"] == 10


@ON_RAY
@pytest.mark.slow
@pytest.mark.alone
def test_killed_workers_and_a_lost_node_lose_no_trajectory_and_count_none_twice(nodes, solved):
    settings = {**SMALL, **STALE, "num_workers": 2, "total_steps": 1920}
    lost = {}

    def lose_the_node():
        lost.update(workers=roles("AisrvProcess", nodes.processes()))
        kill(nodes.second)

    events = {4: lambda: kill(roles("AisrvProcess")[:1]), 12: lose_the_node}
    run = run_on(nodes.address, RealmDistributedConfig(**settings), events)
    counts = run.learner.buffer.counts
    assert counts["inserted"] == sum(run.sent) == 1920 // 48
    assert counts["duplicates"] == counts["missing"] == 0
    assert run.learner.buffer.samples_per_insert == pytest.approx(2.0, rel=0.05)
    assert run.faults()["restarts/aisrv"] >= 1  # a second one where Ray had put a worker on the lost node
    assert run.learner.version == counts["trainings"]
    assert lost["workers"]
    nodes.second = nodes.start("--address", nodes.address, "--num-cpus", 1)


@ON_RAY
@pytest.mark.slow
@pytest.mark.alone
def test_a_run_that_was_killed_whole_goes_on_from_its_disk(nodes, solved, tmp_path):
    settings = {**SMALL, **STALE, "num_workers": 2, "replay_buffer_capacity": 2, "total_steps": 48_000}
    config = tmp_path / "tiny.yaml"
    config.write_text(
        "base_config: realm_distributed\nexp_name: tiny\n"
        + "".join(f"{name}: {value}\n" for name, value in settings.items())
    )
    command = [sys.executable, "-m", "gcb6206.scripts.train_realm", "--ray", nodes.address, "--solutions"]
    started = [
        "-cfg",
        str(config),
        "--checkpoint_interval",
        "480",
        "--log_root",
        str(tmp_path),
        "-neval",
        "1",
    ]
    process = subprocess.Popen([*command, *started], start_new_session=True)
    deadline = time.monotonic() + 300
    while not (checkpoints := list(tmp_path.glob("*/checkpoint.pt"))):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (log_dir,) = (path.parent for path in checkpoints)
    before = torch.load(log_dir / "checkpoint.pt", weights_only=True)
    flags = argparse.Namespace(**vars(arguments_of(log_dir)), ray=nodes.address)
    run = RealmRayRun(train_realm.make_config(log_dir / "config.yaml"), train_realm_logger(log_dir), flags)
    try:
        assert run.done == before["step"] and run.learner.version == before["version"]
        assert run.sent == before["sent"]
        for _ in range(4):
            trajectory = run.receive()
            assert (
                trajectory.sequence == run.sent[trajectory.worker]
                and trajectory.version == run.learner.version
            )
            assert run.learner.buffer.insert(trajectory)
            run.sent[trajectory.worker] += 1
    finally:
        run._temporary.close()


def arguments_of(log_dir):
    return argparse.Namespace(
        seed=1, num_eval_episodes=1, eval_interval=10**9, checkpoint_interval=480, resume=str(log_dir)
    )


def train_realm_logger(log_dir):
    from gcb6206.infrastructure.logger import Logger

    return Logger(log_dir)


# --- the same without Ray's processes


class Gone(Exception):
    """What a stand-in raises for a process that is gone."""


class Call:
    """A call that has not been made."""

    def __init__(self, handle, name, arguments):
        self.handle, self.name, self.arguments, self.life = handle, name, arguments, handle.life

    def answer(self):
        if self.life != self.handle.life:
            raise Gone("killed")
        with random_streams_untouched():  # a process has its own
            result = getattr(self.handle.role, self.name)(*self.arguments)
            return self.handle.loop.run_until_complete(result) if asyncio.iscoroutine(result) else result


class Handle:
    """A role in this process; ``kill`` makes it anew, and its open calls fail."""

    def __init__(self, kind, arguments, again):
        self.kind, self.arguments, self.life, self.again = kind, arguments, -1, again
        self.loop = asyncio.new_event_loop()
        self.kill()

    def kill(self):
        self.life += 1
        with random_streams_untouched():
            self.role = self.kind(*self.arguments)

    def __getattr__(self, name):
        return types.SimpleNamespace(remote=lambda *arguments: Call(self, name, arguments))


class InProcess:
    """Ray's functions, all in this process. Of several open calls the one that is made first is drawn."""

    def __init__(self):
        names = ("RayActorError", "ObjectLostError", "WorkerCrashedError", "NodeDiedError")
        self.exceptions = types.SimpleNamespace(**dict.fromkeys(names, Gone))
        self.generator, self.handles, self.names = np.random.default_rng(0), {}, {}
        strategies = types.SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
        self.util = types.SimpleNamespace(scheduling_strategies=strategies)
        self.init, self.shutdown = (lambda *_, **__: None), (lambda: None)
        self.cluster_resources = lambda: {"CPU": 99}
        self.get_runtime_context = lambda: types.SimpleNamespace(get_node_id=lambda: "here")

    def remote(self, kind):
        def options(name=None, max_task_retries=0, **_):
            def make(*arguments):
                handle = Handle(kind, arguments, again=max_task_retries < 0)
                self.handles.setdefault(kind.__name__, []).append(handle)
                self.names[name] = handle
                return handle

            return types.SimpleNamespace(remote=make)

        return types.SimpleNamespace(options=options)

    def get_actor(self, name):
        return self.names[name]

    def get(self, call):
        if call.handle.again:
            call.life = call.handle.life
        return call.answer()

    def wait(self, calls, num_returns=1, timeout=None):
        calls = list(calls)
        ready = calls.pop(int(self.generator.integers(len(calls))))
        return [ready], calls


@pytest.fixture
def in_process(monkeypatch):
    ray = InProcess()
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(realm_ray, "AGAIN", 0.0)
    monkeypatch.setattr(os, "getpid", lambda: int(ray.generator.integers(2**40)))  # as if of a process each
    return ray


@pytest.mark.slow
def test_an_actor_and_a_learner_that_die_change_no_number(in_process, solved):
    config = RealmDistributedConfig(**SMALL, **FRESH, synchronous=True)
    events = {
        3: lambda: in_process.handles["ActorProcess"][0].kill(),
        5: lambda: in_process.handles["LearnerProcess"][0].kill(),
    }
    run = run_on("local", config, events)
    torch.testing.assert_close(run.agent.policy.state_dict(), trained(RealmConfig(**SMALL)), rtol=0, atol=0)


@pytest.mark.slow
def test_workers_that_die_in_the_middle_lose_no_number_and_repeat_none(in_process, solved):
    settings = {**SMALL, **STALE, "num_workers": 3, "total_steps": 1920}
    events = {
        number: lambda worker=number % 3: in_process.handles["AisrvProcess"][worker].kill()
        for number in (1, 5, 6, 11, 30)
    }
    run = run_on("local", RealmDistributedConfig(**settings), events)
    counts = run.learner.buffer.counts
    assert counts["inserted"] == sum(run.sent) == 40 and counts["duplicates"] == counts["missing"] == 0
    assert run.learner.buffer.samples_per_insert == pytest.approx(2.0, rel=0.05)
    assert 0 < run.restarts["aisrv"] <= 5
    assert run.learner.version == counts["trainings"]


def test_a_role_that_cannot_even_begin_ends_the_run(in_process, solved):
    def broken():
        raise Gone("The actor died because of an error raised in its creation task")

    config = RealmDistributedConfig(**{**SMALL, **STALE})
    with pytest.raises(Gone, match="creation task"):
        run_on("local", config, {2: lambda: setattr(in_process, "get", lambda call: broken())})


def test_requests_that_arrive_together_are_one_batch(solved):
    config = RealmDistributedConfig(**{**SMALL, **STALE}).build()
    actor = realm_ray.ActorProcess(config, {})
    weights = make_agent(config).policy.state_dict()
    games = make_games(config, 6)
    observations = pack(games.reset(seed=0)[0])
    noise = gumbel_noise(np.random.default_rng(0), 6)

    async def ask():
        rows = (slice(0, 1), slice(1, 4), slice(4, 6))
        asked = [asyncio.ensure_future(actor.act(observations[row], noise[row])) for row in rows]
        await asyncio.sleep(0)
        assert not any(one.done() for one in asked)  # nothing is known before weights came
        await actor.load(7, to_bytes(weights))
        return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    assert list(actor.batches) == [3] and {version for version, _ in answers} == {7}
    together = [np.concatenate(parts) for parts in zip(*(answer for _, answer in answers))]
    for found, expected in zip(together, actor.agent.act(observations, noise)):
        np.testing.assert_array_equal(found, expected)


# --- what goes wrong at the start


def a_ray(starts, message="The current node timed out during startup"):
    """A stand-in for Ray, the first starts of which come to nothing."""
    calls = []

    def init(address, **_):
        calls.append(address)
        if len(calls) <= starts:
            raise RuntimeError(message)

    return types.SimpleNamespace(
        init=init, calls=calls, shutdown=lambda: None, cluster_resources=lambda: {"CPU": 3.0},
        __version__="2.60.0",
    )  # fmt: skip


def test_a_ray_that_gives_up_at_its_start_is_started_again(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "ray", a_ray(cluster.STARTS - 1))
    with cluster.connected("local", cpus=3) as ray:
        assert ray.calls == ["local"] * cluster.STARTS
    assert capfd.readouterr().err.count("trying again") == cluster.STARTS - 1


@pytest.mark.parametrize(
    "address, ray, cpus, told",
    [
        ("local", a_ray(99), 1, "did not start in 4 tries.*busy.*ray start --head"),
        ("auto", a_ray(99, "Version mismatch: 2.59 against"), 1, "another version.*2.60.0.*Version mismatch"),
        (
            "auto",
            a_ray(99, "Could not find any running Ray instance"),
            1,
            "no Ray cluster at auto: Could not",
        ),
        ("auto", a_ray(0), 6, "has 3 CPUs, the run wants 6: lower num_workers"),
        ("nowhere", a_ray(0), 1, "--ray is 'nowhere': expected none, local, auto or HOST:PORT"),
    ],
)
def test_what_is_wrong_with_a_ray_is_said_with_the_cure(monkeypatch, address, ray, cpus, told):
    monkeypatch.setitem(sys.modules, "ray", ray)
    with pytest.raises(ConfigError, match=told), cluster.connected(address, cpus):
        pass


def test_an_address_at_which_nobody_answers_is_refused_at_once():
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ConfigError, match=f"no Ray cluster at {address}: .*refused.*ray start --head"), \
         cluster.connected(address, 1):  # fmt: skip
        pass


@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 Not Found\r\n\r\n", b"", b"\x00\x00"])
def test_an_address_at_which_something_else_answers_is_refused(answer):
    """Ray itself tried for four minutes, and wrote twenty lines."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"no Ray cluster at {address}: .*no Ray; start.*--ray local"):
            cluster.ask_for_an_answer(address)


def test_weights_that_were_damaged_on_their_way_are_refused():
    data = bytearray(to_bytes({"weight": torch.arange(4.0)}))
    torch.testing.assert_close(from_bytes(bytes(data), "sent")["weight"], torch.arange(4.0))
    data[-10] ^= 1
    with pytest.raises(CheckpointError, match="sent is damaged"):
        from_bytes(bytes(data), "sent")


def test_a_run_without_roles_is_not_put_on_ray(tmp_path):
    config = tmp_path / "plain.yaml"
    config.write_text("base_config: realm\n")
    assert train_realm.main(["-cfg", str(config), "--ray", "local", "--log_root", str(tmp_path)]) == 2
