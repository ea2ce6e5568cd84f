"""Return to the Realm: collect the treasures of a maze, then reach the end, in as few steps as possible.

    maps.py         where one may walk, the 16 sites, grid distances
    options.py      what can be chosen about a game
    game.py         the rules: many games in step
    observation.py  what the player sees of them
    rewards.py      terms that a training may add up in the place of the score
    env.py          Gymnasium's interface, batched and single
    heuristics.py   simple players
    planner.py      a good plan, and a score that no player exceeds
    render.py       pictures

One axis convention everywhere: arrays are indexed ``[x, y]``, x to the east, y to the north. Action 0 moves east
(+x), action 2 north (+y). Only ``render`` turns that into rows and columns of a picture, with north at the top.
"""
