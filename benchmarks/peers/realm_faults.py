"""Processes of a distributed training are killed: seconds until their replacements work, and what became of the items.

A small run on a Ray of its own, two workers. One after the other, a worker, the actor and the learner get SIGKILL. A
worker is back when a trajectory of its new process arrives, the actor when one arrives after it has got weights again,
the learner when its new process has trained. Between the kills the run goes on as usual. The last line compares the
longest of these times with the aim of 10 seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import statistics
import time
from collections.abc import Iterator

import solutions
from gcb6206.env_configs.realm_config import RealmDistributedConfig
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.realm_ray import RealmRayRun

ROLES = ("aisrv", "actor", "learner")
AIM = 10.0  # seconds
REST = 4  # trajectories of each worker between two kills


def small(steps: int) -> RealmDistributedConfig:
    """A run whose trainings take a fraction of a second."""
    return RealmDistributedConfig(
        size=64, treasure_num=5, max_step=100, num_envs=8, n_steps=32, batch_size=64, total_steps=steps,
        num_workers=2, replay_buffer_capacity=4, train_batch_size=2, dump_model_freq=1, model_sync_interval=2,
    )  # fmt: skip


class Watched(RealmRayRun):
    """Kills one process after the other, and notes when each is back."""

    def disturb(self, kills: Iterator[str]) -> None:
        """Make the kills due: names of roles."""
        self.kills, self.times, self._struck, self._quiet = kills, {role: [] for role in ROLES}, None, 0

    def receive(self):
        """As always; then see who is back, and strike again after a while."""
        trajectory = super().receive()
        self._see()
        if self._struck is None:
            self._quiet += 1
            if self._quiet > REST * len(self._workers) and {"aisrv 0", "learner"} <= self.pids.keys():
                self._strike()
        return trajectory

    def adopt(self, *learned) -> None:
        """As always; then see who is back."""
        super().adopt(*learned)
        self._see()

    def _strike(self) -> None:
        role = next(self.kills, None)
        if role is None:
            return
        name = "aisrv 0" if role == "aisrv" else role
        if role == "actor":
            self.pids["actor"] = self.actor.pid = self._ray.get(self._actor.about.remote())["pid"]
        self._struck = (role, name, self.pids[name], time.monotonic())
        self._restarts = self.actor.restarts
        os.kill(self.pids[name], signal.SIGKILL)

    def _see(self) -> None:
        if self._struck is None:
            return
        role, name, pid, at = self._struck
        back = self.actor.restarts > self._restarts if role == "actor" else self.pids[name] != pid
        if back:
            self.times[role].append(time.monotonic() - at)
            self._struck, self._quiet = None, 0


def main() -> None:
    """Kill, and print times and counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="kills of each role (3)")
    parser.add_argument("--ray", default="local", help="where: local, or an address (local)")
    parser.add_argument("--smallest", action="store_true", help="one kill of each")
    args = parser.parse_args()
    rounds = 1 if args.smallest else args.rounds
    solutions.load()
    flags = argparse.Namespace(seed=1, num_eval_episodes=1, eval_interval=10**9, ray=args.ray)
    run = Watched(small(10**9).build(), NullLogger(), flags)
    run.disturb(iter(ROLES * rounds))
    with contextlib.ExitStack() as stack:
        stack.callback(run._temporary.close)
        while any(len(times) < rounds for times in run.times.values()):
            run.round(run.done / run.total)
        for _ in range(2 * REST):
            run.round(run.done / run.total)
        run.finish()
    counts = run.learner.buffer.counts
    for role, times in run.times.items():
        listed = ", ".join(f"{seconds:.1f}" for seconds in times)
        print(f"{role}: back after {statistics.median(times):.1f} s (median of {listed})")
    lost = sum(run.sent) - counts["inserted"]
    print(
        f"{counts['inserted']} trajectories inserted, {lost} lost, {counts['duplicates']} twice, {counts['missing']} "
        f"numbers missing, {run.learner.buffer.samples_per_insert:.3f} samples per insert of 1 asked"
    )
    print("aim of 10 s over the longest time:")
    print(f"ratio: {AIM / max(max(times) for times in run.times.values()):.2f}")


if __name__ == "__main__":
    main()
