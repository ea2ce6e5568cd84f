"""Two arms, one peg: robosuite's TwoArmPegInHole for two agents, without robosuite's loop.

    model.py       the MuJoCo model, as robosuite builds it, and where its parts are
    control.py     operational-space control of both arms, compiled: a step of 0.05 s
    simulation.py  one pair of arms: reset, step, observations, reward, its whole state as one vector
    cameras.py     pictures: plain shapes for policies, visual meshes for films
    env.py         the task as a parallel environment of PettingZoo
    vector.py      many of them, in a few processes
    expert.py      a scripted controller, its episodes as demonstrations and as places to begin

Arm 0 holds the peg, arm 1 the plate with the hole. Lengths are metres, angles radians, times seconds; quaternions are
``x, y, z, w``, as in robosuite.
"""
