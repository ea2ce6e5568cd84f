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
        """An empty module, which `exec_module` replaces."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Puts the module of today under the old name."""
        sys.modules[module.__name__] = importlib.import_module(MOVED[module.__name__])


def install() -> None:
    """Lets the old names be imported."""
    sys.meta_path.append(_Finder())
