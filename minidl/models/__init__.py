"""The networks, one file per paper: `create("lenet5")`, `list("lenet*")`, `card("lenet5")`."""

from typing import TYPE_CHECKING, NoReturn

from minidl.interop import export_weights, load_weights
from minidl.models import compound_scaling, pytorchs
from minidl.models.alexnet import AlexNet, alexnet, alexnet_2012, alexnet_lecture
from minidl.models.card import Card, Paper, Preprocessing
from minidl.models.cifar_resnet import (
    CifarResNet,
    plain20,
    plain32,
    plain44,
    plain56,
    plain110,
    resnet20,
    resnet32,
    resnet44,
    resnet56,
    resnet110,
)
from minidl.models.densenet import (
    CifarDenseNet,
    DenseBlock,
    DenseLayer,
    DenseNet,
    Transition,
    densenet121,
    densenet161,
    densenet169,
    densenet201,
    densenet_bc,
)
from minidl.models.efficientnet import (
    EfficientNet,
    efficientnet_b0,
    efficientnet_b1,
    efficientnet_b2,
    efficientnet_b3,
    efficientnet_b4,
    efficientnet_b5,
    efficientnet_b6,
    efficientnet_b7,
)
from minidl.models.efficientnet_lite import efficientnet_lite0, tf_efficientnet_lite0
from minidl.models.googlenet import GoogLeNet, googlenet
from minidl.models.googlenet_2014 import GoogLeNet2014, googlenet_2014
from minidl.models.imagenet import imagenet_classes
from minidl.models.inception_v2 import InceptionV2, inception_v2
from minidl.models.inception_v3 import InceptionV3, inception_v3
from minidl.models.inception_v4 import InceptionV4, inception_v4
from minidl.models.lenet import LeNet5, lenet5, lenet5_1998
from minidl.models.mobilenet_v1 import MobileNetV1, mobilenet_v1
from minidl.models.mobilenet_v2 import MobileNetV2, mobilenet_v2
from minidl.models.nin import NiN, NiNBlock, nin
from minidl.models.preact_resnet import (
    PreActResNet,
    ResidualUnit,
    preact_resnet18,
    preact_resnet50,
    preact_resnet101,
    preact_resnet152,
)
from minidl.models.registry import card, create, register
from minidl.models.registry import names as list
from minidl.models.resnet import (
    BasicBlock,
    Bottleneck,
    ResNet,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
)
from minidl.models.resnext import resnext50_32x4d, resnext101_32x8d
from minidl.models.seresnet import seresnet18, seresnet34, seresnet50, squeeze_excite
from minidl.models.shufflenet_v1 import (
    ShuffleNetV1,
    shufflenet_v1_g1,
    shufflenet_v1_g2,
    shufflenet_v1_g3,
    shufflenet_v1_g4,
    shufflenet_v1_g8,
)
from minidl.models.shufflenet_v2 import (
    ShuffleNetV2,
    shufflenet_v2_x0_5,
    shufflenet_v2_x1_0,
    shufflenet_v2_x1_5,
    shufflenet_v2_x2_0,
)
from minidl.models.vgg import (
    VGG,
    vgg11,
    vgg11_bn,
    vgg13,
    vgg13_bn,
    vgg16,
    vgg16_bn,
    vgg19,
    vgg19_bn,
    vgg_lecture,
)

if not TYPE_CHECKING:  # else type checkers would take every name for a known one

    def __getattr__(name: str) -> NoReturn:
        """Explain a name that doesn't exist."""
        pytorchs.refuse_name(name, [*globals()])
