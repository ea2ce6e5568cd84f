"""Our own environments. Importing this registers them with Gymnasium.

    gymnasium.make("gcb6206/RoArmReach-v0")
    gymnasium.make_vec("gcb6206/RoArmPickPlace-v0", num_envs=64)
    gymnasium.make_vec("gcb6206/Realm-v0", num_envs=1024)
    gymnasium.make("gcb6206/SmallBreakout-v0")

On Linux without a screen, importing this before ``mujoco`` also lets MuJoCo draw offscreen: it sets
``MUJOCO_GL``, which mujoco reads when it is imported, unless it is set already. Likewise SDL, with which Gymnasium
draws: pictures need no screen, and SDL complains where it finds none.
"""

import os
import sys
from ctypes.util import find_library

import gymnasium

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    _FOUND = [name.lower() for name in ("EGL", "OSMesa") if find_library(name)]
    os.environ.setdefault("MUJOCO_GL", (_FOUND or ["disable"])[0])
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

for _task, _limit in (("Reach", 100), ("PickPlace", 200)):
    gymnasium.register(
        f"gcb6206/RoArm{_task}-v0",
        entry_point=f"gcb6206.envs.roarm:RoArm{_task}Env",
        vector_entry_point=f"gcb6206.envs.roarm:RoArm{_task}VectorEnv",
        max_episode_steps=_limit,
    )

gymnasium.register(
    "gcb6206/SmallBreakout-v0",
    entry_point="gcb6206.envs.small_breakout:SmallBreakoutEnv",
    max_episode_steps=1000,
)

gymnasium.register(
    "gcb6206/Realm-v0",
    entry_point="gcb6206.envs.realm.env:RealmEnv",
    vector_entry_point="gcb6206.envs.realm.env:RealmVectorEnv",
)
