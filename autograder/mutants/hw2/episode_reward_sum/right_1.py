"""One agent of one environment after the other, with a list."""

from gcb6206.exercises import solves


@solves("hw2.episode_reward_sum")
def episode_reward_sum(reward, done):
    returns = []
    for rewards, ends in zip(reward.double(), done):
        for n in range(rewards.shape[1]):
            total = 0.0
            for r, end in zip(rewards[:, n, 0].tolist(), ends[:, n, 0].tolist()):
                total += r
                if end:
                    returns.append(total)
                    total = 0.0
    return sum(returns) / len(returns) if returns else float("nan")
