"""ShuffleNet v1 beside a network written down from the paper; `make test-zoo` compares v2."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.zoo_oracle import CLASSES, Reference, check_agreement  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

pytestmark = pytest.mark.oracle

TABLE_1 = {  # groups: channels behind the three stages
    1: (144, 288, 576),
    2: (200, 400, 800),
    3: (240, 480, 960),
    4: (272, 544, 1088),
    8: (384, 768, 1536),
}


def conv_bn(*arguments, **options):
    """A convolution and its batch norm, with our names."""
    layers = nn.Sequential()
    layers.add_module("conv", nn.Conv2d(*arguments, bias=False, **options))
    layers.add_module("bn", nn.BatchNorm2d(layers.conv.out_channels))
    return layers


class PaperUnit(nn.Module):
    """Figure 2b with stride 1, figure 2c with stride 2."""

    def __init__(self, c_in, c_out, groups, stride, first_groups):
        super().__init__()
        inner = c_out // 4
        self.groups, self.stride = groups, stride
        self.reduce = conv_bn(c_in, inner, 1, groups=first_groups)
        self.depthwise = conv_bn(inner, inner, 3, stride, 1, groups=inner)
        self.expand = conv_bn(inner, c_out - c_in if stride == 2 else c_out, 1, groups=groups)

    def forward(self, x):
        y = F.channel_shuffle(F.relu(self.reduce(x)), self.groups)
        y = self.expand(self.depthwise(y))
        if self.stride == 1:
            return F.relu(x + y)
        return F.relu(torch.cat([F.avg_pool2d(x, 3, 2, 1), y], dim=1))


class PaperShuffleNet(nn.Module):
    """Table 1."""

    def __init__(self, groups):
        super().__init__()
        self.conv1 = conv_bn(3, 24, 3, 2, 1)
        c_in = 24
        for stage, c_out, units in zip((2, 3, 4), TABLE_1[groups], (4, 8, 4), strict=True):
            layers = [PaperUnit(c_in, c_out, groups, 2, 1 if stage == 2 else groups)]
            layers += [PaperUnit(c_out, c_out, groups, 1, groups) for _ in range(units - 1)]
            self.add_module(f"stage{stage}", nn.Sequential(*layers))
            c_in = c_out
        self.fc = nn.Linear(c_in, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 3, 2, 1)
        x = self.stage4(self.stage3(self.stage2(x)))
        return self.fc(x.mean((2, 3)))


def reference(groups):
    """The reference with that many groups."""
    return Reference(f"shufflenet_v1_g{groups}", lambda: PaperShuffleNet(groups), (3, 64, 47))


@pytest.mark.parametrize(
    "groups", [pytest.param(g, marks=() if g == 3 else pytest.mark.slow) for g in TABLE_1]
)
def test_networks_agree(groups):
    check_agreement(reference(groups))
