"""Hostile submissions: what each tries, the class in which all are graded, and what came of them.

`python -m tests.attacks` grades the class twice, sealed and with stock nbgrader, and prints the table.
"""
