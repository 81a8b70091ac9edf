"""What is said about names that don't exist."""

import traceback

import pytest
from mistakes import assert_explained

import minidl
from minidl import functional as F
from minidl import models, naming, nn, optim
from minidl.errors import MinidlError
from minidl.models import pytorchs

x = minidl.zeros(2)
LENET = models.create("lenet5")
RESNET = models.create("resnet20")
HOOK = "A hook sees what a layer makes: network.layer4.register_forward_hook(hook)."
FC = "print(network) shows the last layer and its name: in a ResNet it is network.fc."
LOAD = 'Published weights are read from a file: models.load_weights(model, "resnet50.pth").'
BACKENDS = (
    "In minidl a backend says where arrays live: move them with .to(backend), such as "
    '.to("numpy") for the CPU; the command `minidl backends` lists the others.'
)
EXPLAINED = {
    "minidl has no attribute 'relu'. It is a method here: x.relu().": lambda: minidl.relu,
    "minidl has no attribute 'long'. It is minidl.int64; x.long() converts.": lambda: minidl.long,
    f"minidl has no attribute 'device'. {BACKENDS}": lambda: minidl.device,
    "minidl has no attribute 'summary'. It is minidl.analysis.summary.": lambda: minidl.summary,
    "minidl has no attribute 'tensors'. Did you mean tensor?": lambda: minidl.tensors,
    "minidl has no attribute 'optims'. Did you mean optim?": lambda: minidl.optims,
    "minidl.nn has no attribute 'GELU'. The nearest are SiLU and LeakyReLU.": lambda: nn.GELU,
    "minidl.nn has no attribute 'LayerNorm'. minidl normalises with BatchNorm1d, BatchNorm2d and "
    "LocalResponseNorm.": lambda: nn.LayerNorm,
    "minidl.nn has no attribute 'BCEWithLogitsLoss'. For two classes take CrossEntropyLoss, with "
    "two outputs.": lambda: nn.BCEWithLogitsLoss,
    "minidl.nn has no attribute 'Conv1d'. minidl's layers are for images: give a signal the "
    "height 1, (N, C, 1, L), and use Conv2d.": lambda: nn.Conv1d,
    "minidl.nn has no attribute 'utils'. PyTorch's nn.utils.clip_grad_norm_ is "
    "minidl.optim.clip_grad_norm_ here.": lambda: nn.utils.clip_grad_norm_,
    "minidl.nn has no attribute 'Batchnorm2d'. Did you mean BatchNorm2d?": lambda: nn.Batchnorm2d,
    "minidl.nn.init has no attribute 'kaiming_normal'. Did you mean kaiming_normal_?": lambda: (
        nn.init.kaiming_normal
    ),
    "minidl.nn.init has no attribute 'zeros'. Did you mean zeros_?": lambda: nn.init.zeros,
    "minidl.functional has no attribute 'gelu'. The nearest are silu and leaky_relu.": lambda: (
        F.gelu
    ),
    "minidl.nn.functional has no attribute 'conv1d'. minidl's layers are for images: give a "
    "signal the height 1, (N, C, 1, L), and use conv2d.": lambda: nn.functional.conv1d,
    "minidl.optim has no attribute 'Sgd'. Did you mean SGD?": lambda: optim.Sgd,
    "minidl.optim has no attribute 'Adagrad'. minidl has SGD, RMSprop, Adam and AdamW.": lambda: (
        optim.Adagrad
    ),
    "minidl.optim.lr_scheduler has no attribute 'OneCycleLR'. LambdaLR takes any function of the "
    "step count, and SequentialLR puts one schedule after another.": lambda: (
        optim.lr_scheduler.OneCycleLR
    ),
    f"Tensor has no attribute 'cuda'. {BACKENDS}": lambda: x.cuda(),
    f"Tensor has no attribute 'cpu'. {BACKENDS}": lambda: x.cpu(),
    f"Tensor has no attribute 'device'. {BACKENDS}": lambda: x.device,
    "Tensor has no attribute 'shap'. Did you mean shape?": lambda: x.shap,
    f"LeNet5 has no attribute 'cuda'. {BACKENDS}": lambda: LENET.cuda(),
    "LeNet5 has no attribute 'half'. minidl computes in float32 and float64.": lambda: LENET.half(),
    "LeNet5 has no attribute 'conv9'. Did you mean conv1?": lambda: LENET.conv9,
    f"CifarResNet has no attribute 'features'. {HOOK}": lambda: RESNET.features,
    f"CifarResNet has no attribute 'forward_features'. {HOOK}": lambda: RESNET.forward_features,
    f"CifarResNet has no attribute 'classifier'. {FC}": lambda: RESNET.classifier,
    f"CifarResNet has no attribute 'get_classifier'. {FC}": lambda: RESNET.get_classifier(),
    f"CifarResNet has no attribute 'num_features'. Its last layer has in_features. {FC}": lambda: (
        RESNET.num_features
    ),
    f"CifarResNet has no attribute 'num_classes'. Its last layer has out_features. {FC}": lambda: (
        RESNET.num_classes
    ),
    "CifarResNet has no attribute 'reset_classifier'. Make a network with num_classes=…, or set "
    "its last layer.": lambda: RESNET.reset_classifier(10),
    "CifarResNet has no attribute 'pretrained_cfg'. What a network was made for: "
    "minidl.models.card(name).": lambda: RESNET.pretrained_cfg,
    "minidl.models has no attribute 'list_models'. It is models.list(pattern).": lambda: (
        models.list_models("resnet*")
    ),
    "minidl.models has no attribute 'create_model'. It is models.create(name).": lambda: (
        models.create_model("resnet18")
    ),
    "minidl.models has no attribute 'is_model'. Ask for it: name in models.list().": lambda: (
        models.is_model("resnet18")
    ),
    f"minidl.models has no attribute 'ResNet18_Weights'. {LOAD}": lambda: models.ResNet18_Weights,
    "minidl.models has no attribute 'mobilenet_v3_large'. The nearest is models.mobilenet_v2.": (
        lambda: models.mobilenet_v3_large
    ),
    "minidl.models has no attribute 'resnext50'. Did you mean resnext50_32x4d?": lambda: (
        models.resnext50
    ),
    "Linear has no attribute 'wieght'. Did you mean weight?": lambda: nn.Linear(2, 2).wieght,
    "Linear has no attribute 'baias'. Did you mean bias?": lambda: delattr(
        nn.Linear(2, 2), "baias"
    ),
}


@pytest.mark.parametrize("sentence", EXPLAINED, ids=lambda sentence: sentence.split(".")[0])
def test_a_name_that_does_not_exist_is_explained(sentence):
    assert_explained(EXPLAINED[sentence], naming.MissingNameError, sentence)


@pytest.mark.parametrize(
    ("table", "owner"),
    [
        (naming.MINIDL, minidl),
        (naming.NN, nn),
        (naming.INIT, nn.init),
        (naming.FUNCTIONAL, nn.functional),
        (naming.FUNCTIONAL, F),
        (naming.OPTIM, optim),
        (naming.SCHEDULES, optim.lr_scheduler),
        (naming.TENSOR, x),
        (naming.MODULE, LENET),
        (naming.MODULE, RESNET),
        (pytorchs.NAMES, models),
    ],
)
def test_the_tables_have_no_name_that_exists(table, owner):
    assert not [name for name in table if hasattr(owner, name)]


def test_pytorchs_module_of_schedules_is_there():
    assert optim.lr_scheduler.StepLR is optim.StepLR


def raised(name, known=("ReLU", "SiLU", "_hidden"), pytorchs=None):
    with pytest.raises(AttributeError) as caught:
        naming.missing_name("here", name, known, pytorchs or {})
    return caught.value


def test_a_name_spelt_alike_is_suggested():
    assert str(raised("Relu")) == "here has no attribute 'Relu'. Did you mean ReLU?"
    assert isinstance(raised("Relu"), MinidlError)
    assert raised("Relu").name == "Relu"


def test_nothing_is_suggested_for_what_is_unlike_or_private():
    assert str(raised("Conv2d")) == "here has no attribute 'Conv2d'."
    assert str(raised("_relu")) == "here has no attribute '_relu'."
    assert str(raised("hidden")) == "here has no attribute 'hidden'."


def test_pytorchs_name_is_explained_before_anything_is_guessed():
    explained = raised("relu", pytorchs={"relu": "It is ReLU here."})
    assert str(explained) == "here has no attribute 'relu'. It is ReLU here."


def test_asking_whether_there_is_a_name_looks_for_nothing():
    class Asked:
        def __getattr__(self, name):
            naming.missing_name("Asked", name, self.names, {})

        def names(self):
            raise AssertionError

    assert not hasattr(Asked(), "weight")
    assert getattr(Asked(), "weight", 3) == 3


def test_python_adds_no_second_suggestion():
    shown = "".join(traceback.format_exception(raised("Relu")))
    assert shown.count("Did you mean") == 1
