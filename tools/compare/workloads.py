"""What is measured: the same workloads as in examples/throughput.rs, which checks nothing of this."""

from dataclasses import dataclass

CLASSES = 10


@dataclass(frozen=True)
class Workload:
    name: str
    samples: int
    timesteps: int
    features: int
    units: int
    batch: int
    epochs: int  # epochs or predicts in one measured round; its time is divided by them
    turns: int  # how often each peer has its turn, by default
    goal: str  # what burn-keras is meant to reach

    @property
    def trains(self):
        return self.name.startswith("train")

    @property
    def what(self):
        return f"{'train' if self.trains else 'predict'} {self.samples}×{self.timesteps}×{self.features}, units {self.units}"


WORKLOADS = {
    w.name: w
    for w in [
        Workload("train_small", 1000, 8, 16, 32, 64, 10, 8, "3× the fastest peer"),
        Workload("train_medium", 256, 50, 64, 256, 64, 1, 5, "1.5× PyTorch"),
        Workload("train_large", 128, 100, 128, 512, 64, 1, 3, "1.3× PyTorch"),
        Workload("predict_small", 1000, 8, 16, 32, 1000, 20, 8, "2.3× PyTorch"),
        Workload("predict_one", 1, 8, 16, 32, 1, 500, 8, "8× the fastest peer"),
    ]
}
