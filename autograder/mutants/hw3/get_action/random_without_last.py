"""Draws from num_actions - 1 actions: the last is never explored."""

from autograder.mutants import patched

HINT = "One action is never drawn"

patched("hw3.get_action", ("randint(self.num_actions)", "randint(self.num_actions - 1)"))
