"""With exact fractions of what costs, and a tolerance."""

from gcb6206.exercises import solves


@solves("hw5.should_train")
def should_train(self):
    held = len(self._items)
    if self.filling:
        return held >= max(self.preload, self.train_batch_size)
    if held < self.train_batch_size:
        return False
    if self.sampler != "Fifo":
        costs = self.train_batch_size / self.production_consume_ratio
        missing = costs - (self.counts["inserted"] - self.inserted_at_training)
        return missing < 1e-9
    return True
