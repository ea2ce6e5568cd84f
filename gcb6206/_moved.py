"""Old names of modules: notebooks that students already have import them."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from types import ModuleType

MOVED = {
    "gcb6206.infrastructure.multi_agent_run": "gcb6206.runs.team",
    "gcb6206.infrastructure.ppo_run": "gcb6206.runs.ppo",
    "gcb6206.infrastructure.rollout": "gcb6206.runs.rollout",
    "gcb6206.infrastructure.team_replay": "gcb6206.runs.team_replay",
    "gcb6206.infrastructure.team_rollout": "gcb6206.runs.team_rollout",
    "gcb6206.infrastructure.torchrl_run": "gcb6206.runs.torchrl",
    "gcb6206.infrastructure.training_run": "gcb6206.runs.dqn",
    "gcb6206.infrastructure.vector_envs": "gcb6206.envs.vector",
    "gcb6206.infrastructure.vmas_envs": "gcb6206.envs.vmas",
}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the module of today to whoever imports it by its old name."""

    def find_spec(self, name: str, path=None, target=None) -> importlib.machinery.ModuleSpec | None:
        """A spec for an old name, None for every other."""
        return importlib.machinery.ModuleSpec(name, self) if name in MOVED else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """What holds the old name's place until `exec_module`; with all names, as another thread may be given it."""
        placeholder = ModuleType(spec.name)
        placeholder.__dict__.update(vars(importlib.import_module(MOVED[spec.name])))
        return placeholder

    def exec_module(self, module: ModuleType) -> None:
        """Puts the module of today under the old name."""
        name = module.__spec__.name
        sys.modules[name] = sys.modules[MOVED[name]]


def install() -> None:
    """Lets the old names be imported."""
    sys.meta_path.append(_Finder())
