"""One expression."""

from gcb6206.exercises import solves


@solves("hw5.should_train")
def should_train(self):
    enough = len(self) >= self.train_batch_size
    new = self.counts["inserted"] - self.inserted_at_training
    paid = new * self.production_consume_ratio + 1e-8 >= self.train_batch_size
    later = self.sampler == "Fifo" or paid
    return enough and (len(self) >= self.preload if self.filling else later)
