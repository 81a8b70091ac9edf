"""What students read when a network, its training or a data set goes wrong: the whole sentence."""

import copy

import numpy as np
import pytest
from mistakes import assert_explained

import minidl
from minidl import autograd, datasets, models, nn, optim
from minidl import functional as F
from minidl.errors import (
    ArgumentError,
    AutogradError,
    BackendError,
    DTypeError,
    ForgottenZeroGrad,
    InPlaceError,
    NotDefinedError,
    OutOfRangeError,
    ShapeError,
)

image = minidl.zeros(2, 3, 8, 9)
logits = minidl.zeros(2, 5)
labels = minidl.tensor([1, 4])


def trained():
    return minidl.ones(2, 3, requires_grad=True)


def linear():
    return nn.Linear(2, 1)


def backward_twice():
    x = trained()
    loss = (x * x).sum()
    loss.backward()
    loss.backward()


def changed_before_backward():
    y = trained() * 2
    loss = (y * y).sum()
    with minidl.no_grad():
        y.add_(1)
    loss.backward()


def computed_without_gradients():
    with minidl.no_grad():
        loss = linear()(minidl.ones(1, 2)).sum()
    loss.backward()


def moved_before_backward():
    layer = linear()
    loss = layer(minidl.ones(1, 2)).sum()
    layer.double()
    loss.backward()


def add_in_place():
    x = trained()
    x += 1


def assign_an_element():
    image[0] = 1


class ForgetsSuper(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(2, 2)


class ForgetsSuperAndAssignsNothing(nn.Module):
    def __init__(self):
        pass

    def forward(self, x):
        return x


class LayersInAList(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2), nn.ReLU()]


class LayersAppendedToAList(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = []
        self.layers.append(nn.Linear(2, 2))


class ForgetsParentheses(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.ReLU

    def forward(self, x):
        return self.act(x)


class ForgetsForward(nn.Module):
    def forwards(self, x):
        return x


class ForgetsReturn(nn.Module):
    def forward(self, x):
        F.relu(x)


def a_generator_read_twice():
    parameters = linear().parameters()
    optim.SGD(parameters, lr=0.1)
    optim.SGD(parameters, lr=0.1)


def state_with(**changes):
    state = linear().state_dict()
    return {name: value for name, value in (state | changes).items() if value is not None}


def pixels(*shape, dtype=np.uint8):
    return np.zeros(shape, dtype)


LENET = models.create("lenet5")
ADAM = optim.Adam(linear().parameters())


MISTAKES = {
    # ----------------------------------------------------------------------------------- gradients
    "backward a second time": (
        backward_twice,
        AutogradError,
        "Mul: backward a second time through the same graph, but its saved arrays were released "
        "by the first. Give retain_graph=True to the first call, or run the forward pass again.",
    ),
    "a change before backward": (
        changed_before_backward,
        InPlaceError,
        "Mul: an array of shape (2, 3) that its backward needs was changed in place (version 0 "
        "was saved, it is now at 1). Change a copy instead (x.clone()), or do it after backward.",
    ),
    "adding to a trained tensor in place": (
        add_in_place,
        InPlaceError,
        "add_: an in-place change can't be differentiated, and the tensor requires a gradient. "
        "Compute x = x + other instead, or change it within minidl.no_grad().",
    ),
    "an element assigned": (
        assign_an_element,
        InPlaceError,
        "x[i] = value: tensors can't be changed by assignment. Make a new one: "
        "minidl.where(mask, value, x), or minidl.concatenate of slices; to overwrite all values, "
        "x.copy_(new).",
    ),
    "backward of many numbers": (
        lambda: (trained() * 2).backward(),
        AutogradError,
        "backward: the tensor has shape (2, 3); a gradient may be left out only for a single "
        "number. Reduce it, for example with .sum() or .mean(), or give the gradient of its "
        "shape.",
    ),
    "backward of what needs no gradient": (
        lambda: logits.sum().backward(),
        AutogradError,
        "backward: the tensor does not require a gradient and has no graph. Make an input with "
        "requires_grad=True, and compute the tensor outside no_grad().",
    ),
    "backward of what was detached": (
        lambda: trained().detach().sum().backward(),
        AutogradError,
        "backward: the tensor does not require a gradient and has no graph. Make an input with "
        "requires_grad=True, and compute the tensor outside no_grad().",
    ),
    "backward of what was computed under no_grad": (
        computed_without_gradients,
        AutogradError,
        "backward: the tensor does not require a gradient and has no graph. Make an input with "
        "requires_grad=True, and compute the tensor outside no_grad().",
    ),
    "backward after the model was moved": (
        moved_before_backward,
        InPlaceError,
        "Linear: a tensor of shape (1, 2) that its backward needs was moved to another backend "
        "or dtype since the forward pass. Call module.to(...) before the forward pass, or after "
        "backward.",
    ),
    "backward from a gradient of another shape": (
        lambda: (trained() * 2).backward(minidl.ones(2)),
        AutogradError,
        "backward: the gradient is (2,) float32, expected the tensor's (2, 3) float32.",
    ),
    "backward from a number": (
        lambda: (trained() * 2).backward(1.0),
        AutogradError,
        "backward: the gradient is a float, expected a Tensor of the tensor's (2, 3) float32.",
    ),
    "a gradient in what wasn't used": (
        lambda: autograd.grad(trained().sum(), trained()),
        AutogradError,
        "grad: input 0 was not used in computing the outputs. Give allow_unused=True to get None "
        "for it.",
    ),
    "a gradient in what needs none": (
        lambda: autograd.grad(trained().sum(), logits),
        AutogradError,
        "grad: input 0 does not require a gradient. Make it with requires_grad=True before "
        "computing the outputs.",
    ),
    "integers that require a gradient": (
        lambda: minidl.tensor([1, 2], requires_grad=True),
        DTypeError,
        "requires_grad: the tensor's dtype is int64, expected float32 or float64. Only floating "
        "tensors have gradients; convert it with .float().",
    ),
    "a gradient of another shape assigned": (
        lambda: setattr(trained(), "grad", minidl.ones(3)),
        AutogradError,
        "x.grad = value: the value is (3,) float32, expected the tensor's (2, 3) float32.",
    ),
    "an array assigned as gradient": (
        lambda: setattr(trained(), "grad", np.ones((2, 3))),
        AutogradError,
        "x.grad = value: the value is a ndarray, expected a Tensor of the tensor's (2, 3) float32.",
    ),
    "values assigned to data": (
        lambda: setattr(trained(), "data", np.ones((2, 3))),
        InPlaceError,
        "x.data = value: the array can't be exchanged. To overwrite the values, use "
        "x.copy_(value) within minidl.no_grad().",
    ),
    "a copy of a computed tensor": (
        lambda: copy.deepcopy(trained() * 2),
        AutogradError,
        "deepcopy: the tensor was computed and belongs to a graph. Use .detach() first.",
    ),
    "a hook on what needs no gradient": (
        lambda: logits.register_hook(print),
        AutogradError,
        "register_hook: the tensor does not require a gradient.",
    ),
    # -------------------------------------------------------------------------------- beside NumPy
    "numpy() of a trained tensor": (
        lambda: trained().numpy(),
        AutogradError,
        "numpy: the tensor requires a gradient, which NumPy would lose. Use .detach().numpy().",
    ),
    "an array of a trained tensor": (
        lambda: np.array(trained()),
        AutogradError,
        "numpy: the tensor requires a gradient, which NumPy would lose. Use .detach().numpy().",
    ),
    "a NumPy function of a tensor": (
        lambda: np.exp(logits),
        DTypeError,
        "exp: NumPy's functions don't take tensors; use x.exp(), or np.exp(x.detach().numpy()).",
    ),
    "a NumPy function that tensors lack": (
        lambda: np.linalg.norm(logits),
        DTypeError,
        "norm: NumPy's functions don't take tensors; use np.linalg.norm(x.detach().numpy()).",
    ),
    "an array of another shape added": (
        lambda: logits + pixels(3, 3, dtype=np.float32),
        ShapeError,
        "add: the operands' shapes are (2, 5) and (3, 3), expected sizes that agree from the "
        "last axis backwards, or are 1. Use reshape or unsqueeze to line the axes up.",
    ),
    "an array of doubles added": (
        lambda: logits + np.zeros((2, 5)),
        DTypeError,
        "add: the operands' dtypes are float32 and float64, expected one floating dtype. minidl "
        "never mixes precisions silently: use .float() (float32) or .double().",
    ),
    "a list as a factor": (
        lambda: logits * [1, 2],
        DTypeError,
        "mul: operand is a list, expected a Tensor. Make one with minidl.tensor(...).",
    ),
    "None added": (
        lambda: logits + None,
        DTypeError,
        "add: operand is a NoneType, expected a Tensor. Make one with minidl.tensor(...).",
    ),
    "bool() of many numbers": (
        lambda: bool(logits == 0),
        ShapeError,
        "bool: a tensor of shape (2, 5) is neither true nor false. Use .any() or .all().",
    ),
    "item() of many numbers": (
        lambda: logits.item(),
        ShapeError,
        "item: the tensor has 10 elements (shape (2, 5)), expected one. Use .tolist() or index "
        "it first.",
    ),
    "float() of many numbers": (
        lambda: float(logits),
        ShapeError,
        "item: the tensor has 10 elements (shape (2, 5)), expected one. Use .tolist() or index "
        "it first.",
    ),
    "values of a tensor that has none": (
        lambda: np.asarray(minidl.zeros(2, backend="meta")),
        BackendError,
        'A tensor on the backend "meta" has a shape ((2,)) but no values. Build the network on '
        'another backend, such as "numpy", to compute.',
    ),
    # -------------------------------------------------------------------------- shapes and indices
    "view as another number of elements": (
        lambda: logits.view(3, 3),
        ShapeError,
        "reshape: shape is (3, 3), expected sizes that multiply to x.numel() = 10.",
    ),
    "view of what lies otherwise in memory": (
        lambda: logits.transpose(0, 1).view(10),
        ShapeError,
        "view: x is a tensor whose elements stand in another order in memory, expected one that "
        "has shape (10,) without copying. Use x.reshape(...), which copies.",
    ),
    "unknown size that isn't whole": (
        lambda: logits.reshape(4, -1),
        ShapeError,
        "reshape: shape is (4, -1), expected sizes that multiply to x.numel() = 10.",
    ),
    "permuting too few dimensions": (
        lambda: image.permute(0, 2, 1),
        ArgumentError,
        "permute: dims is (0, 2, 1), expected each of x's 4 dimensions once.",
    ),
    "cat along the wrong dimension": (
        lambda: minidl.cat([logits, minidl.zeros(3, 4)]),
        ShapeError,
        "concatenate: tensors[1].shape is (3, 4), expected (2, 5) but for dimension 0.",
    ),
    "the length of a number": (
        lambda: len(minidl.tensor(1.0)),
        ShapeError,
        "len: a zero-dimensional tensor has no length. Use .item().",
    ),
    "too many indices": (
        lambda: logits[0, 0, 0],
        OutOfRangeError,
        "x[...]: too many indices for array: array is 2-dimensional, but 3 were indexed (x has "
        "shape (2, 5)).",
    ),
    "an index by name": (
        lambda: logits["a"],
        DTypeError,
        "x[...]: the index is 'a', expected ints, slices or arrays.",
    ),
    "an index in a list out of range": (
        lambda: logits[[0, 7]],
        OutOfRangeError,
        "x[...]: index 7 is out of bounds for axis 0 with size 2 (x has shape (2, 5)).",
    ),
    "nothing made into a tensor": (
        lambda: minidl.tensor(None),
        DTypeError,
        "tensor: data is a NoneType, expected numbers, nested lists of them, or an array.",
    ),
    "numbers and text made into a tensor": (
        lambda: minidl.tensor([1, "a"]),
        DTypeError,
        "tensor: data is a list with more than numbers, expected numbers, nested lists of them, "
        "or an array.",
    ),
    "a size that is no whole number": (
        lambda: minidl.zeros(2.0),
        DTypeError,
        "zeros: shape is (2.0,), expected ints.",
    ),
    # ------------------------------------------------------------------------------------ backends
    "operands on two backends": (
        lambda: image + minidl.zeros(2, 3, 8, 9, backend="meta"),
        BackendError,
        "Add: operands live on different backends, 'numpy' and 'meta'. Move one of them, for "
        'example with .to("numpy").',
    ),
    "an input on another backend than the layer": (
        lambda: nn.Conv2d(3, 2, 3)(image.to("meta")),
        BackendError,
        "Conv2d: operands live on different backends, 'meta' and 'numpy'. Move one of them, for "
        'example with .to("meta").',
    ),
    "PyTorch's device": (
        lambda: minidl.zeros(2, device="cuda"),
        DTypeError,
        "device='cuda' is PyTorch's argument. In minidl a backend says where an array lives: "
        'backend="numpy" for the CPU; the command `minidl backends` lists the others.',
    ),
    # ----------------------------------------------------------------------------- writing modules
    "super().__init__() forgotten": (
        ForgetsSuper,
        ArgumentError,
        "ForgetsSuper: call super().__init__() before assigning 'fc'.",
    ),
    "super().__init__() forgotten, noticed later": (
        lambda: list(ForgetsSuperAndAssignsNothing().parameters()),
        ArgumentError,
        "ForgetsSuperAndAssignsNothing: super().__init__() was not called. Call it at the "
        "beginning of __init__.",
    ),
    "layers in a plain list": (
        LayersInAList,
        DTypeError,
        "LayersInAList: 'layers' is a list of modules, whose parameters would not be found. Use "
        "nn.ModuleList(layers), or nn.Sequential(*layers) to run one after another.",
    ),
    "layers appended to a plain list": (
        lambda: optim.SGD(LayersAppendedToAList().parameters(), lr=0.1),
        ArgumentError,
        "SGD: there are no parameters. Give model.parameters(); a generator of them can be read "
        "only once, and layers in a plain list are not found: use nn.ModuleList.",
    ),
    "parentheses of a layer forgotten": (
        lambda: ForgetsParentheses()(image),
        DTypeError,
        "ReLU: the arguments are a Tensor, expected none. Make the module first and then call it "
        "with tensors: ReLU()(x).",
    ),
    "parentheses of a layer in Sequential forgotten": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU),
        DTypeError,
        "Sequential: a layer is ReLU (type), expected a Module. Wrap a function in a Module, or "
        "give an instance: nn.ReLU(), not nn.ReLU.",
    ),
    "a function in Sequential": (
        lambda: nn.Sequential(nn.Linear(2, 2), F.relu),
        DTypeError,
        "Sequential: a layer is relu (function), expected a Module. Wrap a function in a Module, "
        "or give an instance: nn.ReLU(), not nn.ReLU.",
    ),
    "forward misspelt": (
        lambda: ForgetsForward()(image),
        NotDefinedError,
        "ForgetsForward has no forward method. Define forward(self, x) in the class.",
    ),
    "return forgotten": (
        lambda: nn.Sequential(ForgetsReturn(), nn.ReLU())(image),
        DTypeError,
        "relu: x is a NoneType, expected a Tensor. Make one with minidl.tensor(...).",
    ),
    "a tensor where a parameter was": (
        lambda: setattr(linear(), "weight", minidl.zeros(1, 2)),
        DTypeError,
        "Linear: 'weight' is a Tensor, expected a Parameter or None. To make it something else, "
        "first del module.weight.",
    ),
    "a submodule that isn't there": (
        lambda: LENET.get_submodule("conv3"),
        ArgumentError,
        "get_submodule: LeNet5 has no submodule 'conv3'. Did you mean conv1? There are: conv1, "
        "conv2, fc1, fc2, fc3, activation, pool.",
    ),
    "a layer of a Sequential that isn't there": (
        lambda: nn.Sequential(nn.ReLU())[1],
        OutOfRangeError,
        "Sequential: the index is 1, but there are 1 layers.",
    ),
    "a model moved to integers": (
        lambda: linear().to("int64"),
        DTypeError,
        "to: the target is 'int64', expected a backend or a floating dtype: parameters need "
        "gradients.",
    ),
    # ------------------------------------------------------------------------------- making layers
    "groups that don't divide the channels": (
        lambda: nn.Conv2d(3, 4, 3, groups=2),
        ArgumentError,
        "Conv2d: groups is 2, expected a divisor of in_channels (3) and of out_channels (4).",
    ),
    "an argument misspelt": (
        lambda: nn.Conv2d(3, 4, 3, strides=2),
        DTypeError,
        "Conv2d: there is no argument 'strides'. Did you mean stride? There are: in_channels, "
        "out_channels, kernel_size, stride, padding, dilation, groups, bias.",
    ),
    "PyTorch's dtype of a layer": (
        lambda: nn.Linear(2, 2, dtype="float64"),
        DTypeError,
        "Linear: dtype='float64' is PyTorch's argument. Layers are made in float32: convert with "
        ".double() or .to(dtype).",
    ),
    "padding that isn't zeros": (
        lambda: nn.Conv2d(3, 4, 3, padding_mode="reflect"),
        DTypeError,
        "Conv2d: padding_mode='reflect' is PyTorch's argument. minidl pads with zeros only: make "
        "the border yourself before the layer.",
    ),
    "half a channel": (
        lambda: nn.Conv2d(3, 4.5, 3),
        DTypeError,
        "Conv2d: out_channels is 4.5, expected an int.",
    ),
    "a dense layer made of a tensor": (
        lambda: nn.Linear(image, 10),
        DTypeError,
        "Linear: in_features is a Tensor of shape (2, 3, 8, 9), expected an int.",
    ),
    "a probability in percent": (
        lambda: nn.Dropout(50),
        ArgumentError,
        "Dropout: p is 50, expected a probability from 0 to 1. p is the share that is dropped, "
        "not the share that is kept.",
    ),
    "softmax of no dimension": (
        lambda: nn.Softmax(),
        DTypeError,
        "Softmax: dim is None, expected an int. Use dim=1 for logits (N, C).",
    ),
    "an unknown gain": (
        lambda: nn.init.kaiming_normal_(linear().weight, nonlinearity="gelu"),
        ArgumentError,
        'calculate_gain: nonlinearity is \'gelu\', expected one of "linear", "conv2d", '
        '"sigmoid", "tanh", "relu", "leaky_relu".',
    ),
    "a bias initialised by its fans": (
        lambda: nn.init.xavier_uniform_(linear().bias),
        ArgumentError,
        "fan_in: the tensor has shape (1,), expected a weight (out, in, …).",
    ),
    # ------------------------------------------------------------------------------ calling models
    "a model called with an array": (
        lambda: LENET(pixels(1, 1, 28, 28, dtype=np.float32)),
        DTypeError,
        "conv2d: x is a ndarray, expected a Tensor. Make one with minidl.tensor(...).",
    ),
    "a model called with a file's name": (
        lambda: LENET("digit.png"),
        DTypeError,
        "conv2d: x is a str, expected a Tensor. Make one with minidl.tensor(...).",
    ),
    "one image without a batch": (
        lambda: LENET(minidl.zeros(1, 28, 28)),
        ShapeError,
        "conv2d: x.shape is (1, 28, 28), expected 4 dimensions (N, C, H, W). Add a batch "
        "dimension with x.unsqueeze(0).",
    ),
    "one image of height and width alone": (
        lambda: LENET(minidl.zeros(28, 28)),
        ShapeError,
        "conv2d: x.shape is (28, 28), expected 4 dimensions (N, C, H, W). Add the axes of batch "
        "and channels with x.unsqueeze(0).unsqueeze(0).",
    ),
    "a batch without channels": (
        lambda: LENET(minidl.zeros(64, 28, 28)),
        ShapeError,
        "conv2d: x.shape is (64, 28, 28), expected 4 dimensions (N, C, H, W). Add the channels' "
        "axis with x.unsqueeze(1).",
    ),
    "an image as height, width, channels": (
        lambda: nn.Conv2d(3, 8, 3)(minidl.zeros(2, 32, 32, 3)),
        ShapeError,
        "conv2d: x.shape[1] (channels) is 32, expected weight.shape[1] · groups = 3 · 1 = 3. x "
        "is (2, 32, 32, 3) in the order (N, C, H, W), weight is (8, 3, 3, 3). Channels look "
        "last: x.permute(0, 3, 1, 2).",
    ),
    "a colour image for a grey model": (
        lambda: LENET(minidl.zeros(1, 3, 28, 28)),
        ShapeError,
        "conv2d: x.shape[1] (channels) is 3, expected weight.shape[1] · groups = 1 · 1 = 1. x is "
        "(1, 3, 28, 28) in the order (N, C, H, W), weight is (6, 1, 5, 5). Make the layer, or the "
        "network, with in_channels=3.",
    ),
    "an image too large for the dense layer": (
        lambda: LENET(minidl.zeros(1, 1, 32, 32)),
        ShapeError,
        "linear: x.shape is (1, 576), expected (…, 400), since weight is (120, 400) = "
        "(out_features, in_features). Make the layer nn.Linear(576, 120), or give the network "
        "images of the size that it was made for.",
    ),
    "an image too small for the kernels": (
        lambda: LENET(minidl.zeros(1, 1, 4, 4)),
        ShapeError,
        "conv2d: the input is 2×2, expected at least the window's 5×5. Use a larger image, a "
        "smaller kernel or more padding.",
    ),
    "a double image for a float model": (
        lambda: LENET(minidl.zeros(1, 1, 28, 28, dtype="float64")),
        DTypeError,
        "conv2d: weight.dtype is float32, expected that of x (float64). minidl never mixes "
        "precisions silently: convert one of them with .float() (float32) or .double() (float64).",
    ),
    "a byte image for a float model": (
        lambda: LENET(minidl.zeros(1, 1, 28, 28, dtype="uint8")),
        DTypeError,
        "conv2d: x.dtype is uint8, expected float32 or float64. Convert it with x.float().",
    ),
    "flatten forgotten": (
        lambda: nn.Linear(216, 10)(image),
        ShapeError,
        "linear: x.shape is (2, 3, 8, 9), expected (…, 216), since weight is (10, 216) = "
        "(out_features, in_features). Flatten images first with x.flatten(1).",
    ),
    "flatten forgotten and the size wrong": (
        lambda: nn.Linear(100, 10)(image),
        ShapeError,
        "linear: x.shape is (2, 3, 8, 9), expected (…, 100), since weight is (10, 100) = "
        "(out_features, in_features). Flatten images first with x.flatten(1), and make the layer "
        "nn.Linear(216, 10).",
    ),
    "a dense layer of the wrong size": (
        lambda: nn.Linear(100, 10)(image.flatten(1)),
        ShapeError,
        "linear: x.shape is (2, 216), expected (…, 100), since weight is (10, 100) = "
        "(out_features, in_features). Make the layer nn.Linear(216, 10), or give the network "
        "images of the size that it was made for.",
    ),
    "a window larger than the image": (
        lambda: nn.MaxPool2d(11)(image),
        ShapeError,
        "max_pool2d: the input is 8×9, expected at least the window's 11×11. Use a larger image, "
        "a smaller kernel or more padding.",
    ),
    "batch norm for other channels": (
        lambda: nn.BatchNorm2d(4)(image),
        ShapeError,
        "BatchNorm2d: x.shape[1] (channels) is 3, expected num_features = 4. x is (2, 3, 8, 9).",
    ),
    "batch norm of one value per channel": (
        lambda: nn.BatchNorm2d(3)(minidl.zeros(1, 3, 1, 1)),
        ShapeError,
        "batch_norm: the number of values per channel is 1 (x is (1, 3, 1, 1)), expected more "
        "than 1 value per channel when training. A single value is its own mean, so every output "
        "would be the bias alone. Use a larger batch (a DataLoader with drop_last=True leaves "
        "out a short last one), or call model.eval() to normalise with the running statistics.",
    ),
    "batch norm for rows given images": (
        lambda: nn.BatchNorm1d(3)(image),
        ShapeError,
        "BatchNorm1d: x.shape is (2, 3, 8, 9), expected 2 or 3 dimensions, (N, C, …).",
    ),
    # -------------------------------------------------------------------------------------- losses
    "labels that are a list": (
        lambda: F.cross_entropy(logits, [1, 4]),
        DTypeError,
        "cross_entropy: target is a list, expected a Tensor. Make one with minidl.tensor(...).",
    ),
    "one-hot labels": (
        lambda: nn.CrossEntropyLoss()(logits, minidl.zeros(2, 5)),
        DTypeError,
        "cross_entropy: target.dtype is float32, expected int32 or int64, the number of each "
        "sample's class. Convert class numbers with target.long(), one-hot rows with "
        "target.argmax(1).",
    ),
    "labels and logits exchanged in a layer": (
        lambda: nn.CrossEntropyLoss()(labels, logits),
        DTypeError,
        "cross_entropy: the first argument's dtype is int64, expected float32 or float64. "
        "cross_entropy takes (logits, target), in this order.",
    ),
    "logits of one image without a batch": (
        lambda: F.cross_entropy(logits[0], labels[:1]),
        ShapeError,
        "cross_entropy: logits.shape is (5,), expected at least 2 dimensions (N, C, …). One "
        "sample's scores become a batch with logits.unsqueeze(0).",
    ),
    "labels compared as numbers": (
        lambda: F.mse_loss(logits, labels),
        ShapeError,
        "mse_loss: target.shape is (2,), expected x's (2, 5). Broadcasting here is nearly always "
        "a mistake: reshape one of them.",
    ),
    # -------------------------------------------------------------------------------------- states
    "a state that lacks a name": (
        lambda: linear().load_state_dict(state_with(bias=None)),
        ArgumentError,
        "load_state_dict: the state does not fit Linear.\n  missing: bias",
    ),
    "a state with a name too many": (
        lambda: linear().load_state_dict(state_with(scale=[1.0])),
        ArgumentError,
        "load_state_dict: the state does not fit Linear.\n  unexpected: scale",
    ),
    "a state with a value of another shape": (
        lambda: linear().load_state_dict(state_with(bias=[1.0, 2.0])),
        ArgumentError,
        "load_state_dict: the state does not fit Linear.\n  misshapen: bias is (2,), expected (1,)",
    ),
    "a state of text": (
        lambda: linear().load_state_dict(state_with(bias="zero")),
        DTypeError,
        "load_state_dict: bias: data is a str, expected numbers, nested lists of them, or an "
        "array.",
    ),
    "a state with DataParallel's prefix": (
        lambda: linear().load_state_dict({"module.weight": [[1.0, 2.0]], "module.bias": [1.0]}),
        ArgumentError,
        "load_state_dict: the state does not fit Linear.\n  "
        "missing: weight, bias\n  "
        "unexpected: module.weight, module.bias\n"
        'Every name begins with "module.", which PyTorch\'s DataParallel adds. Remove it: '
        '{name.removeprefix("module."): value for name, value in state.items()}.',
    ),
    "a state for a part of the model": (
        lambda: nn.Sequential(linear()).load_state_dict(state_with()),
        ArgumentError,
        "load_state_dict: the state does not fit Sequential.\n  "
        "missing: 0.weight, 0.bias\n  "
        "unexpected: weight, bias\n"
        'Every name lacks "0." at its beginning. Load the state into module.0.',
    ),
    "a file's name as a state": (
        lambda: linear().load_state_dict("weights.pt"),
        DTypeError,
        "load_state_dict: the state is a str, expected a dict from names to tensors or arrays.",
    ),
    "an optimizer's state for a model": (
        lambda: linear().load_state_dict(ADAM.state_dict()),
        ArgumentError,
        "load_state_dict: the state does not fit Linear.\n  "
        "missing: weight, bias\n  "
        "unexpected: state, param_groups",
    ),
    "a model's state for an optimizer": (
        lambda: ADAM.load_state_dict(state_with()),
        ArgumentError,
        "Adam.load_state_dict: the state_dict lacks state, param_groups and has unknown weight, "
        "bias, expected state, param_groups. Was it saved by something else?",
    ),
    # ---------------------------------------------------------------------------------- optimizers
    "an optimizer of nothing": (
        lambda: optim.SGD(nn.ReLU().parameters(), lr=0.1),
        ArgumentError,
        "SGD: there are no parameters. Give model.parameters(); a generator of them can be read "
        "only once, and layers in a plain list are not found: use nn.ModuleList.",
    ),
    "a generator read twice": (
        a_generator_read_twice,
        ArgumentError,
        "SGD: there are no parameters. Give model.parameters(); a generator of them can be read "
        "only once, and layers in a plain list are not found: use nn.ModuleList.",
    ),
    "a model in the place of its parameters": (
        lambda: optim.SGD(linear(), lr=0.1),
        DTypeError,
        "SGD: params is a Linear, expected a list of parameters. Give model.parameters().",
    ),
    "names with the parameters": (
        lambda: optim.SGD(linear().named_parameters(), lr=0.1),
        DTypeError,
        "SGD: parameter 0 is a tuple, expected a Tensor.",
    ),
    "a computed parameter": (
        lambda: optim.SGD([trained() * 2], lr=0.1),
        ArgumentError,
        "SGD: parameter 0 was computed, expected a leaf: a tensor made with requires_grad=True, "
        "or a Parameter.",
    ),
    "the same parameter twice": (
        lambda: optim.SGD([*LENET.parameters(), LENET.fc1.weight], lr=0.1),
        ArgumentError,
        "SGD: parameter 10 is given twice. It would move twice per step; give it once, in one "
        "group.",
    ),
    "a negative learning rate": (
        lambda: optim.SGD(linear().parameters(), lr=-0.1),
        ArgumentError,
        "SGD: lr is -0.1, expected a finite number of at least 0.",
    ),
    "a learning rate of text": (
        lambda: optim.Adam(linear().parameters(), lr="1e-3"),
        DTypeError,
        "Adam: lr is '1e-3', expected a number.",
    ),
    "one beta": (
        lambda: optim.Adam(linear().parameters(), betas=0.9),
        DTypeError,
        "Adam: betas is 0.9, expected two numbers, such as (0.9, 0.999).",
    ),
    "Nesterov without momentum": (
        lambda: optim.SGD(linear().parameters(), lr=0.1, nesterov=True),
        ArgumentError,
        "SGD: nesterov needs momentum > 0 and dampening = 0, but they are 0.0 and 0.0.",
    ),
    "an unknown option of a group": (
        lambda: optim.SGD([{"params": linear().parameters(), "rate": 1}]),
        ArgumentError,
        "SGD.add_param_group: the option is 'rate', expected one of lr, momentum, dampening, "
        "weight_decay, nesterov.",
    ),
    # ----------------------------------------------------------------------------- models and data
    "a batch of no images": (
        lambda: datasets.DataLoader((pixels(3, 1, 4, 4), [0, 1, 2]), batch_size=0),
        ArgumentError,
        "DataLoader: batch_size is 0, expected at least 1.",
    ),
    "images without labels": (
        lambda: datasets.DataLoader(pixels(3, 1, 4, 4), batch_size=2),
        DTypeError,
        "as_dataset: data is ndarray, expected a Dataset or a pair (images, labels).",
    ),
    "a label too few for the images": (
        lambda: datasets.Dataset(pixels(3, 1, 4, 4), np.array([0, 1])),
        ShapeError,
        "Dataset: labels.shape is (2,), expected one label per image, (3,).",
    ),
    "labels that are fractions": (
        lambda: datasets.Dataset(pixels(3, 1, 4, 4), np.zeros(3)),
        DTypeError,
        "Dataset: labels.dtype is float64, expected an integer type.",
    ),
    "images of integers": (
        lambda: datasets.Dataset(pixels(3, 1, 4, 4, dtype=np.int64), np.array([0, 1, 2])),
        DTypeError,
        "Dataset: images.dtype is int64, expected uint8, float32 or float64. Pixels 0 … 255 are "
        "uint8.",
    ),
    "a sample past the end": (
        lambda: datasets.Dataset(pixels(3, 1, 4, 4), np.array([0, 1, 2]))[3],
        OutOfRangeError,
        "Dataset: the index is 3, expected one of 3.",
    ),
    "a seed that is a fraction": (
        lambda: minidl.manual_seed(0.5),
        ArgumentError,
        "manual_seed: seed is 0.5, expected an int in [0, 2**32).",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained(mistake):
    assert_explained(*MISTAKES[mistake])


@pytest.mark.parametrize(
    ("act", "error", "beginning"),
    [
        (
            lambda: models.create("lenet"),
            ArgumentError,
            "create: there is no model 'lenet'. Did you mean lenet5? The closest: "
            "lenet5, lenet5_1998, ",
        ),
        (
            lambda: image.to("nmpy"),
            BackendError,
            "There is no backend 'nmpy'. Did you mean numpy? There are: numpy, ",
        ),
    ],
)
def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(act, error, beginning):
    with pytest.raises(error) as caught:
        act()
    assert str(caught.value).startswith(beginning)


def test_a_forgotten_zero_grad_is_hinted_at():
    x = trained()
    optimizer = optim.SGD([x], lr=0.1)
    (x * x).sum().backward()
    optimizer.step()
    (x * x).sum().backward()
    with pytest.warns(ForgottenZeroGrad) as caught:
        optimizer.step()
    assert [str(warning.message) for warning in caught] == [
        "SGD.step: backward() has added to gradients that the step before had used already, and "
        "this step uses the sum. Call optimizer.zero_grad() before each backward(). If the sum is "
        "meant, ignore minidl.errors.ForgottenZeroGrad."
    ]
