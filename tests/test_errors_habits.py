"""What PyTorch's users read when they write what they are used to: the whole sentence."""

import pytest
from mistakes import assert_explained

import minidl
from minidl import backends, models, nn, optim
from minidl.errors import ArgumentError, BackendError, DTypeError, NotDefinedError

leaf = minidl.zeros(2, requires_grad=True)


def sgd():
    return optim.SGD([leaf], lr=1.0)


def load_buffer(value):
    optimizer = optim.Adam([leaf])
    state = {"step": 1, "exp_avg": value, "exp_avg_sq": [0.0, 0.0]}
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": [state], "param_groups": groups})


DEVICE = (
    'is PyTorch\'s argument. In minidl a backend says where arrays live: write .to("numpy") for '
    "the CPU."
)

MISTAKES = {
    # -------------------------------------------------------------------------- optimizers
    "amsgrad": (
        lambda: optim.Adam([leaf], amsgrad=True),
        DTypeError,
        "Adam: amsgrad=True is PyTorch's argument. minidl has Adam without it.",
    ),
    "maximize": (
        lambda: optim.RMSprop([leaf], maximize=True),
        DTypeError,
        "RMSprop: maximize=True is PyTorch's argument. Negate the loss: (-loss).backward().",
    ),
    "SGD's argument for AdamW": (
        lambda: optim.AdamW([leaf], momentum=0.9),
        DTypeError,
        "AdamW: there is no argument 'momentum'. There are: params, lr, betas, eps, weight_decay.",
    ),
    "an optimizer's argument misspelt": (
        lambda: optim.SGD([leaf], momentun=0.9),
        DTypeError,
        "SGD: there is no argument 'momentun'. Did you mean momentum? There are: params, lr, "
        "momentum, dampening, weight_decay, nesterov.",
    ),
    "a closure": (
        lambda: sgd().step(lambda: 0.0),
        DTypeError,
        "SGD.step: closure is PyTorch's argument. No optimizer here computes the loss several "
        "times a step: compute it and call loss.backward() before step().",
    ),
    "zero_grad of a model": (
        lambda: sgd().zero_grad(nn.ReLU()),
        DTypeError,
        "zero_grad: set_to_none is ReLU(), expected True or False.",
    ),
    "the largest gradient clipped": (
        lambda: optim.clip_grad_norm_([leaf], 1.0, norm_type=float("inf")),
        ArgumentError,
        "clip_grad_norm_: norm_type is inf, expected 2.",
    ),
    "an error for norms that aren't finite": (
        lambda: optim.clip_grad_norm_([leaf], 1.0, error_if_nonfinite=True),
        DTypeError,
        "clip_grad_norm_: error_if_nonfinite=True is PyTorch's argument. Look at the norm that is "
        "returned.",
    ),
    "a loaded buffer of letters": (
        lambda: load_buffer("x"),
        DTypeError,
        "Adam.load_state_dict: state[0][\"exp_avg\"] is 'x', expected a Tensor.",
    ),
    "a loaded average of letters": (
        lambda: optim.ExponentialMovingAverage([leaf], 0.5).load_state_dict(
            {"decay": 0.5, "averages": ["x"], "buffers": []}
        ),
        DTypeError,
        "ExponentialMovingAverage.load_state_dict: averages[0] is 'x', expected a Tensor.",
    ),
    # --------------------------------------------------------------------------- schedules
    "a rate that climbs": (
        lambda: optim.LambdaLR(sgd(), lambda t: -1.0),
        ArgumentError,
        "LambdaLR: lr_lambda(0) is -1.0, expected a finite number of at least 0.",
    ),
    "a function that returns nothing": (
        lambda: optim.LambdaLR(sgd(), [lambda t: None]),
        DTypeError,
        "LambdaLR: lr_lambda(0) is None, expected a number.",
    ),
    "no list of schedules": (
        lambda: optim.SequentialLR(sgd(), None, [1]),
        DTypeError,
        "SequentialLR: schedulers is a NoneType, expected a list of at least one schedule.",
    ),
    "an empty list of schedules": (
        lambda: optim.SequentialLR(sgd(), [], []),
        DTypeError,
        "SequentialLR: schedulers is empty, expected a list of at least one schedule.",
    ),
    # ------------------------------------------------------------------------------ moving
    "a model moved to a device by name": (
        lambda: nn.Linear(2, 2).to(device="cuda"),
        DTypeError,
        f"to: device='cuda' {DEVICE}",
    ),
    "a tensor moved to a device by name": (
        lambda: leaf.to(device="cpu"),
        DTypeError,
        f"to: device='cpu' {DEVICE}",
    ),
    "a dtype by name": (
        lambda: leaf.to(dtype="float64"),
        DTypeError,
        "to: dtype='float64' is PyTorch's argument. It has no name here: write .to(\"float64\").",
    ),
    # ----------------------------------------------------------------------------- modules
    "a prefix of the state": (
        lambda: nn.ReLU().state_dict(prefix="net."),
        DTypeError,
        "state_dict: prefix='net.' is PyTorch's argument. Write {\"net.\" + name: value for name, "
        "value in module.state_dict().items()}.",
    ),
    "an argument that no state has": (
        lambda: nn.ReLU().state_dict(strict=True),
        DTypeError,
        "state_dict: there is no argument 'strict'; it takes none.",
    ),
    "training by word": (
        lambda: nn.ReLU().train("yes"),
        DTypeError,
        "train: mode is 'yes', expected True or False.",
    ),
    "nothing applied": (
        lambda: nn.ReLU().apply(None),
        DTypeError,
        "apply: function is a NoneType, expected a function of a Module.",
    ),
    "a number of modules": (
        lambda: nn.ModuleList(3),
        DTypeError,
        "ModuleList: modules is a int, expected a list of Modules. ModuleList([…]).",
    ),
    "one module as a list": (
        lambda: nn.ModuleList(nn.ReLU()),
        DTypeError,
        "ModuleList: modules is a ReLU, expected a list of Modules. ModuleList([…]).",
    ),
    "a list of modules called": (
        lambda: nn.ModuleList()(leaf),
        NotDefinedError,
        "ModuleList has no forward method. Run its layers in a loop, or use nn.Sequential, which "
        "runs one after another.",
    ),
    "a dict of modules called": (
        lambda: nn.ModuleDict()(leaf),
        NotDefinedError,
        "ModuleDict has no forward method. Call one of its modules: modules[name](x).",
    ),
    "a list for a dict of modules": (
        lambda: nn.ModuleDict([nn.ReLU()]),
        DTypeError,
        "ModuleDict: modules is a list, expected a dict of Modules.",
    ),
    "a module that a dict hasn't got": (
        lambda: nn.ModuleDict({"head": nn.ReLU()})["haed"],
        ArgumentError,
        "ModuleDict: there is no module 'haed'. Did you mean head? There are: head.",
    ),
    "a buffer that isn't there": (
        lambda: nn.BatchNorm2d(2).get_buffer("running_std"),
        ArgumentError,
        "get_buffer: BatchNorm2d has no buffer 'running_std'. Did you mean running_var? There "
        "are: running_mean, running_var, num_batches_tracked.",
    ),
    # ------------------------------------------------------------------------------ layers
    "padding misspelt": (
        lambda: nn.Conv2d(1, 1, 3, padding="smae"),
        ArgumentError,
        'Conv2d: padding is \'smae\', expected a number, "same", "valid" or "tf_same".',
    ),
    "padding below zero": (
        lambda: nn.Conv2d(1, 1, 3, padding=-1),
        ArgumentError,
        "Conv2d: padding is -1, expected at least 0.",
    ),
    "same padding at stride 2": (
        lambda: nn.Conv2d(1, 1, 3, stride=2, padding="same"),
        ArgumentError,
        'Conv2d: stride is (2, 2), expected stride 1 with padding="same". TensorFlow\'s rule for '
        'other strides is padding="tf_same".',
    ),
    "no stride": (
        lambda: nn.ConvTranspose2d(1, 1, 3, stride=0),
        ArgumentError,
        "ConvTranspose2d: stride is 0, expected at least 1.",
    ),
    "a rule for transposed padding": (
        lambda: nn.ConvTranspose2d(1, 1, 3, padding="same"),
        ArgumentError,
        "ConvTranspose2d: padding is 'same', expected an int or a pair of ints.",
    ),
    "a window of nothing": (
        lambda: nn.MaxPool2d(0),
        ArgumentError,
        "MaxPool2d: kernel_size is 0, expected at least 1.",
    ),
    "pooling below the border": (
        lambda: nn.AvgPool2d(2, padding=-1),
        ArgumentError,
        "AvgPool2d: padding is -1, expected at least 0.",
    ),
    "a loss reduced to its average": (
        lambda: nn.CrossEntropyLoss(reduction="avg"),
        ArgumentError,
        'CrossEntropyLoss: reduction is \'avg\', expected "mean", "sum" or "none".',
    ),
    "another loss reduced to its average": (
        lambda: nn.MSELoss("avg"),
        ArgumentError,
        'MSELoss: reduction is \'avg\', expected "mean", "sum" or "none".',
    ),
    "a layer initialised": (
        lambda: nn.init.kaiming_normal_(nn.Linear(2, 2)),
        DTypeError,
        "kaiming_normal_: tensor is a Linear, expected a Tensor. Give its weight: layer.weight.",
    ),
    "a list filled with zeros": (
        lambda: nn.init.zeros_([1.0]),
        DTypeError,
        "zeros_: tensor is a list, expected a Tensor.",
    ),
    # ------------------------------------------------------------------------------ models
    "an option misspelt": (
        lambda: models.create("lenet5", num_class=3),
        DTypeError,
        "lenet5: there is no argument 'num_class'. Did you mean num_classes? There are: "
        "num_classes, in_channels.",
    ),
    "an option that is handed on misspelt": (
        lambda: models.create("resnet18", num_class=3),
        DTypeError,
        "resnet18: there is no argument 'num_class'. Did you mean num_classes? There are: "
        "num_classes, in_channels, width, zero_init_residual, attention, shortcut.",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_habit_is_explained(mistake):
    act, error, sentence = MISTAKES[mistake]
    assert_explained(act, error, sentence)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
@pytest.mark.parametrize("moved", [leaf, nn.Linear(2, 2)])
def test_a_device_is_answered_with_the_backends(moved, device):
    assert_explained(
        lambda: moved.to(device),
        BackendError,
        f"There is no backend {device!r}: that is a device of PyTorch's. Here a backend says where "
        'arrays live: "numpy" computes on the CPU, there is none for GPUs. There are: '
        f"{', '.join(backends.names())}.",  # other tests register theirs
    )


def test_arguments_that_mean_nothing_pass():
    optim.Adam([leaf], amsgrad=False, foreach=None, fused=None)
    optim.SGD([leaf], maximize=False).step(None)
    optim.clip_grad_norm_([leaf], 1.0, 2, error_if_nonfinite=False)
    optim.clip_grad_value_([leaf], 1.0, foreach=None)
    assert nn.ReLU().state_dict(prefix="", keep_vars=False) == {}
    assert leaf.to("numpy", non_blocking=False) is leaf


def test_an_optimizers_gradients_become_none_or_zeros():
    p, unused = minidl.ones(2, requires_grad=True), minidl.ones(2, requires_grad=True)
    optimizer = optim.SGD([p, unused])
    (p * p).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert (p.grad.tolist(), unused.grad) == ([0.0, 0.0], None)
    optimizer.zero_grad(set_to_none=True)
    assert p.grad is None


def test_a_modules_gradients_become_none_or_zeros():
    layer = nn.Linear(2, 1, bias=False)
    layer(minidl.ones(1, 2)).sum().backward()
    gradient = layer.weight.grad
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.tolist() == [[0.0, 0.0]]
    assert gradient.tolist() == [[1.0, 1.0]]  # another tensor, as after backward()
    layer.zero_grad()
    assert layer.weight.grad is None


def test_a_gradient_that_was_kept_is_not_added_to():
    x = minidl.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    kept = x.grad
    (x * 2).sum().backward()
    assert (kept.tolist(), x.grad.tolist()) == ([2.0, 2.0], [4.0, 4.0])


B0_TO_B7 = ", ".join(f"efficientnet_b{i}" for i in range(8))
RESNET18S = "resnet18, seresnet18, resnet101, resnet110, resnet152, resnet20, resnet32, resnet34"
RESNET50S = "resnet50, seresnet50, resnet20, resnet56, resnet101, resnet110, resnet152"


@pytest.mark.parametrize(
    ("name", "meant", "closest"),
    [
        ("efficientnet", "efficientnet_b0", B0_TO_B7),
        ("resnext50", "resnext50_32x4d", f"resnext50_32x4d, {RESNET50S}"),
        ("resnet18.a1_in1k", "resnet18", RESNET18S),
        ("hf_hub:timm/resnet18", "resnet18", RESNET18S),
    ],
)
def test_a_model_that_there_is_not_is_answered_with_the_closest(name, meant, closest):
    assert_explained(
        lambda: models.create(name),
        ArgumentError,
        f"create: there is no model {name!r}. Did you mean {meant}? The closest: {closest}; "
        f"`minidl models` lists all {len(models.list())}.",
    )
