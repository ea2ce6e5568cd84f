"""The course's own schedule of DQN."""

from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.exercises import solves


@solves("hw1.linear_schedule")
def linear_schedule(start, end, progress):
    if progress < 0:
        return start
    return PiecewiseSchedule([(0.0, start), (1.0, end)], outside_value=end).value(progress)
