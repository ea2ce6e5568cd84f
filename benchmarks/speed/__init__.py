"""How fast the course's code is: all benchmarks in one table, and beside each the limit of this machine.

machine.py   what this machine can do: products, memory, calls
worlds.py    what the worlds cost alone: physics, games
needs.py     what a step of each benchmark needs of these, and the limit that follows
parts.py     where the time of a step goes
growth.py    how the cost grows with batch, environments and width
__main__.py  runs the benchmarks, keeps what they measured, prints the table: ``python -m benchmarks.speed``
"""
