"""Step by step, with a queue for every environment."""

from collections import deque

import torch

from gcb6206.exercises import solves


@solves("hw4.observation_history")
def observation_history(observation, begins, length):
    histories = []
    for rows, starts in zip(observation, begins[..., 0].tolist()):
        seen = []
        for t, row in enumerate(rows):
            if t == 0 or starts[t]:
                queue = deque([row] * length, maxlen=length)
            queue.appendleft(row)
            seen.append(torch.cat(list(queue), dim=-1))
        histories.append(torch.stack(seen))
    return torch.stack(histories)
