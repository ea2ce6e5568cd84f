"""From one cumulative sum: what it has grown by since the end before."""

from gcb6206.exercises import solves


@solves("hw2.episode_reward_sum")
def episode_reward_sum(reward, done):
    total = reward.double().cumsum(dim=1)
    ended = total.new_zeros(0)
    counted = 0.0
    for b in range(reward.shape[0]):
        for n in range(reward.shape[2]):
            last = done[b, :, n, 0].nonzero()
            if len(last):
                counted += total[b, last[-1, 0], n, 0].item()
    episodes = int(done.sum())
    return counted / episodes if episodes else ended.mean().item()
