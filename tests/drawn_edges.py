"""What drawings are asked for in tests: their edges, of networks that are a formula."""

from minidl import nn
from minidl.analysis import draw


def called(node):
    return node.path if node.call is not None else node.title


def edges_of(model, size, **options):
    options = {"depth": 1, "fold": False, **options}
    return [(called(e.source), called(e.target)) for e in draw(model, size, **options).graph.edges]


class Formula(nn.Module):
    """A module whose forward is a function of it and its inputs."""

    def __init__(self, formula, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.formula = formula

    def forward(self, *inputs):
        return self.formula(self, *inputs)


def conv(channels=4):
    return nn.Conv2d(4, channels, 3, padding=1)
