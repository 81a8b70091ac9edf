"""Names that don't exist: what was meant, or what PyTorch's name is in minidl.

The tables say it for the names that PyTorch's users type first; the rest is a guess by spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

from minidl.errors import DTypeError, MinidlError, closest_names, unknown_name

PyTorchs: TypeAlias = Mapping[str, tuple[Any, str]]
"""PyTorch's arguments that aren't minidl's: the value that means nothing, and what to do."""


class MissingNameError(MinidlError, AttributeError):
    """A module or an object has no such attribute.

    The advice is looked for when the message is shown: `hasattr` and the three-argument `getattr`
    ask for names that may well be missing, and must stay cheap.
    """

    def __init__(
        self,
        owner: str,
        name: str,
        known: Iterable[str] | Callable[[], Iterable[str]],
        pytorchs: Mapping[str, str],
    ) -> None:
        super().__init__(owner, name, name=name, obj=None)  # given obj, Python would guess again
        self._owner, self._name = owner, name
        self._known, self._pytorchs = known, pytorchs

    def __str__(self) -> str:
        """The sentence, and the advice if there is any."""
        sentence = f"{self._owner} has no attribute {self._name!r}."
        advice = self._pytorchs.get(self._name) or self._guess()
        return f"{sentence} {advice}" if advice else sentence

    def _guess(self) -> str:
        if self._name.startswith("_"):  # Python's own and private names: nobody typed them
            return ""
        known = self._known() if callable(self._known) else self._known
        meant, _ = closest_names(self._name, (name for name in known if not name.startswith("_")))
        return f"Did you mean {meant}?" if meant else ""


def missing_name(
    owner: str,
    name: str,
    known: Iterable[str] | Callable[[], Iterable[str]],
    pytorchs: Mapping[str, str],
) -> NoReturn:
    """Raise MissingNameError: for the end of a `__getattr__`, a module's or a class's.

    `known` are the names there are (or a function that collects them), `pytorchs` sentences for
    PyTorch's names.

    >>> missing_name("minidl.nn", "Relu", ["ReLU", "SiLU"], {})
    Traceback (most recent call last):
        ...
    minidl.naming.MissingNameError: minidl.nn has no attribute 'Relu'. Did you mean ReLU?
    """
    raise MissingNameError(owner, name, known, pytorchs)


def refuse_arguments(
    operation: str, given: Mapping[str, Any], function: Any, pytorchs: PyTorchs
) -> None:
    """Explain what was given to `function` as **given, beyond its own arguments.

    PyTorch's arguments pass with the value that means nothing, such as `amsgrad=False`. In the
    place of a function there may be the list of its arguments.

    >>> def scale(x, factor, **pytorchs):
    ...     refuse_arguments("scale", pytorchs, scale, {"out": (None, "Use x.copy_(result)")})
    >>> scale(1, 2, factr=3)
    Traceback (most recent call last):
        ...
    minidl_kernels.common.errors.DTypeError: scale: there is no argument 'factr'. Did you mean \
factor? There are: x, factor.
    """
    for name, value in given.items():
        nothing, advice = pytorchs.get(name, (None, ""))
        if not advice:
            known = function if isinstance(function, list) else _arguments(function)
            if not known:
                raise DTypeError(f"{operation}: there is no argument {name!r}; it takes none.")
            unknown_name(f"{operation}: there is no argument", name, known, DTypeError)
        if value is not nothing and value != nothing:
            raise DTypeError(f"{operation}: {name}={value!r} is PyTorch's argument. {advice}.")


def _arguments(function: Any) -> list[str]:
    import inspect

    return [p for p in inspect.signature(function).parameters if p != "self"][:-1]


# --------------------------------------------------------- what PyTorch's names are in minidl


def _each(names: str, sentence: str) -> dict[str, str]:
    """The same sentence for several names; {0} is the name."""
    return {name: sentence.format(name) for name in names.split()}


_BACKENDS = (
    "In minidl a backend says where arrays live: move them with .to(backend), such as "
    '.to("numpy") for the CPU; the command `minidl backends` lists the others.'
)
MOVING: PyTorchs = {
    "device": (
        None,
        'In minidl a backend says where arrays live: write .to("numpy") for the CPU',
    ),
    "dtype": (None, 'It has no name here: write .to("float64")'),
    "non_blocking": (False, "Moves are done when they return"),
    "copy": (False, "Use .clone()"),
}
"""Arguments of `to`."""

_DTYPES = "minidl computes in float32 and float64."
_IMAGES = "minidl's layers are for images: give a signal the height 1, (N, C, 1, L), and use {0}."
_TWO_CLASSES = "For two classes take CrossEntropyLoss, with two outputs."
_METHOD = "It is a method here: x.{0}()."

MINIDL = {
    **_each("relu sigmoid tanh softmax sum mean exp log sqrt abs flatten squeeze", _METHOD),
    **_each("cuda device get_default_device set_default_device", _BACKENDS),
    **_each("float", "It is minidl.float32; x.float() converts."),
    **_each("double", "It is minidl.float64; x.double() converts."),
    **_each("half bfloat16 autocast amp", _DTYPES),
    **_each("long", "It is minidl.int64; x.long() converts."),
    **_each("int", "It is minidl.int32."),
    **_each("bool", "It is minidl.bool_."),
    "as_tensor": "It is minidl.tensor, which copies, or minidl.from_numpy, which doesn't.",
    "inference_mode": "It is minidl.no_grad.",
    "mm": "It is minidl.matmul, or a @ b.",
    "bmm": "It is minidl.matmul, or a @ b.",
    "summary": "It is minidl.analysis.summary.",
    "utils": "PyTorch's utils.data is minidl.datasets, with DataLoader and Dataset.",
}
"""For the package itself."""

NN = {
    **_each("GELU ELU SELU CELU PReLU Mish Softplus", "The nearest are SiLU and LeakyReLU."),
    **_each(
        "LayerNorm GroupNorm InstanceNorm2d RMSNorm",
        "minidl normalises with BatchNorm1d, BatchNorm2d and LocalResponseNorm.",
    ),
    **_each("BCELoss BCEWithLogitsLoss", _TWO_CLASSES),
    **_each("L1Loss SmoothL1Loss HuberLoss", "Compute it: (x - target).abs().mean(), or MSELoss."),
    **_each("Conv1d", _IMAGES.format("Conv2d")),
    **_each("MaxPool1d", _IMAGES.format("MaxPool2d")),
    **_each("AvgPool1d AdaptiveAvgPool1d", _IMAGES.format("AvgPool2d")),
    **_each("Conv3d MaxPool3d AvgPool3d BatchNorm3d", "minidl's layers are for images, in 2-D."),
    **_each("AdaptiveMaxPool2d", "The largest of a whole image is x.amax((2, 3))."),
    **_each("Dropout1d Dropout2d", "Dropout drops elements, DropPath whole samples."),
    **_each("Upsample UpsamplingNearest2d PixelShuffle", "ConvTranspose2d enlarges images."),
    **_each(
        "RNN LSTM GRU Embedding Transformer MultiheadAttention",
        "minidl is made for convolutional networks, and has no layers for sequences.",
    ),
    **_each("DataParallel", "minidl computes on one machine and one device."),
    **_each("ParameterList ParameterDict", "Use register_parameter(name, parameter)."),
    "utils": "PyTorch's nn.utils.clip_grad_norm_ is minidl.optim.clip_grad_norm_ here.",
}
"""For minidl.nn."""

FUNCTIONAL = {
    **_each("gelu elu selu celu prelu mish softplus", "The nearest are silu and leaky_relu."),
    **_each("layer_norm group_norm instance_norm", "minidl has batch_norm, local_response_norm."),
    **_each(
        "binary_cross_entropy binary_cross_entropy_with_logits",
        "For two classes take cross_entropy, with two outputs.",
    ),
    **_each("l1_loss smooth_l1_loss huber_loss", "Compute it: (x - target).abs().mean()."),
    **_each("conv1d", _IMAGES.format("conv2d")),
    **_each("max_pool1d avg_pool1d", _IMAGES.format("max_pool2d or avg_pool2d")),
    **_each("interpolate upsample pixel_shuffle", "conv_transpose2d enlarges images."),
    **_each("adaptive_max_pool2d", "The largest of a whole image is x.amax((2, 3))."),
    **_each("hardsigmoid", "It is a layer here: nn.Hardsigmoid()(x)."),
    **_each("normalize", "Divide by the norm: x / x.square().sum(1, keepdim=True).sqrt()."),
    **_each("one_hot", "cross_entropy takes the classes' numbers; minidl.tensor(np.eye(n)[y])."),
}
"""For minidl.nn.functional and minidl.functional."""

_SCHEDULES = (
    "LambdaLR takes any function of the step count, and SequentialLR puts one schedule after "
    "another."
)
SCHEDULES = _each(
    "ReduceLROnPlateau OneCycleLR CyclicLR CosineAnnealingWarmRestarts PolynomialLR "
    "MultiplicativeLR ChainedScheduler",
    _SCHEDULES,
)
"""For minidl.optim.lr_scheduler."""

OPTIM = {
    **SCHEDULES,
    **_each(
        "Adagrad Adadelta Adamax NAdam RAdam Rprop LBFGS SparseAdam Adafactor Muon",
        "minidl has SGD, RMSprop, Adam and AdamW.",
    ),
    "swa_utils": "PyTorch's AveragedModel is optim.ExponentialMovingAverage here.",
}
"""For minidl.optim."""

INIT = _each(
    "orthogonal_ eye_ dirac_ sparse_",
    "Compute the values with NumPy and write them: tensor.copy_(values) within minidl.no_grad().",
)
"""For minidl.nn.init."""

TENSOR = {
    **_each("cuda cpu device is_cuda get_device pin_memory", _BACKENDS),
    **_each("half bfloat16", _DTYPES),
    **_each("int short byte bool type type_as", "Use x.astype(dtype)."),
    **_each("mm bmm mv dot", "Use a @ b."),
    **_each("norm", "Use x.square().sum().sqrt()."),
    **_each("masked_fill where", "Use minidl.where(mask, value, x)."),
    **_each("repeat tile", "Use minidl.concatenate([x, x]), or x.expand(shape)."),
    **_each("gather", "Use minidl.functional.gather_along, or x[rows, columns]."),
    **_each("topk sort argsort", "Use NumPy: np.argsort(x.data)."),
    **_each("eq ne lt le gt ge add sub mul div neg", "Use the operator, such as x == y or x + y."),
    **_each("floor sign isnan unfold", "It is a function here: minidl.functional.{0}(x)."),
    **_each("maximum minimum", "It is a function here: minidl.{0}(x, y)."),
    **_each("nelement", "It is x.numel()."),
    **_each("t", "It is x.T."),
}
"""For tensors."""

_LAST_LAYER = "print(network) shows the last layer and its name: in a ResNet it is network.fc."
_FEATURES = "A hook sees what a layer makes: network.layer4.register_forward_hook(hook)."
MODULE = {
    **_each("cuda cpu device", _BACKENDS),
    **_each("half bfloat16", _DTYPES),
    **_each("type", "Use module.to(dtype)."),
    **_each("summary", "It is minidl.analysis.summary(module, input_size)."),
    **_each("fit", "minidl.train has a trainer: see minidl.train.fit."),
    **_each("save", "Use minidl.save(module.state_dict(), path)."),
    **_each(
        "load",
        "Use module.load_state_dict(minidl.load(path)), or for names published elsewhere "
        "minidl.models.load_weights(module, path).",
    ),
    **_each("compile", "There is nothing to compile: modules compute at once."),
    **_each("features forward_features feature_info", _FEATURES),
    **_each("classifier head get_classifier", _LAST_LAYER),
    **_each("reset_classifier", "Make a network with num_classes=…, or set its last layer."),
    **_each("num_features", f"Its last layer has in_features. {_LAST_LAYER}"),
    **_each("num_classes", f"Its last layer has out_features. {_LAST_LAYER}"),
    **_each("default_cfg pretrained_cfg", "What a network was made for: minidl.models.card(name)."),
}
"""For modules."""
