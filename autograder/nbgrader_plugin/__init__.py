"""The course behind the usual nbgrader commands."""
