"""Pictures of the arms: plain shapes for policies, visual meshes for films.

The visual meshes have 348,000 faces, and software OpenGL draws every one: a picture of 64 x 64 pixels costs 87 ms as
robosuite draws it, and 3 ms with the shapes that collide. Nothing is lost that a policy could use.

A process has one rendering context of each kind, for all its arms: where many were made, EGL gave pictures back within
0.05 ms that showed nothing, and no error. So each picture is looked at. A wrist camera close to a red peg sees one colour
all over too; then the front camera tells whether the context is lost, since it always sees several.
"""

from __future__ import annotations

import atexit
import functools
import os

import mujoco
import numpy as np

from gcb6206.envs.two_arm.model import VISUAL_GROUP, make_model, set_peg_radius
from gcb6206.envs.two_arm.simulation import Simulation

FRONT = "frontview"  # sees both arms
WRISTS = ("robot0_eye_in_hand", "robot1_eye_in_hand")
LARGEST_PICTURE = (480, 640)  # pixels of height and width
COLLISION_GROUP = 0
PROBE = (32, 32)  # pixels of height and width of the picture that tells whether anything is drawn


def _plain(pixels: np.ndarray) -> bool:
    return bool((pixels == pixels[0, 0]).all())


class Cameras:
    """A rendering context of this process.

    Args:
        visual: draw the visual meshes, with shadows; otherwise the shapes that collide.

    Raises:
        RuntimeError: there is no OpenGL to draw with; the message says what to install.
    """

    def __init__(self, visual: bool):
        self._visual = visual
        self._model = make_model(visual)
        self._data = mujoco.MjData(self._model)
        self._model.vis.global_.offheight, self._model.vis.global_.offwidth = LARGEST_PICTURE
        self._model.vis.quality.offsamples = 4 if visual else 0
        try:
            self._gl = mujoco.GLContext(*LARGEST_PICTURE[::-1])
            self._gl.make_current()
            self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except Exception as error:  # each OpenGL library fails in its own way
            raise RuntimeError(
                f"cannot draw offscreen with MUJOCO_GL={os.environ.get('MUJOCO_GL')} ({error}): install a software "
                "OpenGL (Debian, Ubuntu: apt-get install libegl1 libgl1-mesa-dri), and import gcb6206.envs before "
                "mujoco or start Python with MUJOCO_GL=egl"
            ) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(self._model, maxgeom=1000)
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._scene.flags[flag] = visual
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._options = mujoco.MjvOption()
        self._options.geomgroup[:] = 0
        self._options.geomgroup[VISUAL_GROUP if visual else COLLISION_GROUP] = 1
        self._options.sitegroup[:] = 0
        atexit.register(self._free)

    def picture(self, simulation: Simulation, camera: str, height: int, width: int) -> np.ndarray:
        """What a camera sees, upright.

        Args:
            simulation: the arms.
            camera: its name in the model.
            height, width: pixels, at most ``LARGEST_PICTURE``.

        Returns:
            ``(height, width, 3)`` uint8, the first row at the top.

        Raises:
            RuntimeError: the rendering context is lost: even the front camera's picture has one colour all over.
        """
        pixels = self._draw(simulation, camera, height, width)
        if _plain(pixels) and _plain(self._draw(simulation, FRONT, *PROBE)):
            raise RuntimeError(
                f"camera {camera} gave a picture of one colour, {pixels[0, 0].tolist()}: the rendering context of this "
                "process is lost, as after making many; draw in a process of its own"
            )
        return pixels[::-1]

    def _draw(self, simulation: Simulation, camera: str, height: int, width: int) -> np.ndarray:
        model, data = simulation.model, simulation.data
        if self._visual:
            model, data = self._model, self._data
            set_peg_radius(model, data, simulation.radius)
            data.qpos[:] = simulation.data.qpos
            mujoco.mj_kinematics(model, data)
            mujoco.mj_camlight(model, data)
        self._gl.make_current()
        self._camera.fixedcamid = model.camera(camera).id
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(model, data, self._options, None, self._camera, everything, self._scene)
        view = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(view, self._scene, self._context)
        pixels = np.empty((height, width, 3), np.uint8)
        mujoco.mjr_readPixels(pixels, None, view, self._context)
        return pixels

    def _free(self) -> None:
        self._context.free()
        self._gl.free()


@functools.cache
def cameras(visual: bool = False) -> Cameras:
    """The cameras of this process, for films or for policies."""
    return Cameras(visual)
