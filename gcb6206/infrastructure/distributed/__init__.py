"""What stands between processes that act and a process that learns, without any of them: buffer, versions, model pool.

trajectory.py   what an actor sends: a stretch of steps, with the version of the weights that chose the actions
buffer.py       when to train, and on which trajectories
pool.py         the learner's weights for the actors, written whole or not at all
"""
