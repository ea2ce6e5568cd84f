"""nbgrader at the root of the course: `nbgrader generate_assignment hw3`, `nbgrader autograde hw3`, ..."""

from autograder.nbgrader_plugin.configuration import configure

c = get_config()  # noqa: F821  (nbgrader supplies it)
configure(c)
