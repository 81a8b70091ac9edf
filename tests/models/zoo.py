"""What is checked of every network, whatever its family.

A family's test file calls these with its own names, sizes and figures; `test_zoo.py` calls what
needs no figures for every registered name.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

import minidl
from minidl import functional as F
from minidl import models, nn, optim
from minidl.datasets import BUNDLED, FashionMNIST
from minidl.errors import MinidlError
from minidl.models.blocks import WithAuxiliary


@contextmanager
def recorded_calls():
    """Inside it, every call of a module is noted as (module, output)."""
    original, calls = nn.Module.__call__, []

    def call(self, *inputs, **options):
        output = original(self, *inputs, **options)
        calls.append((self, output))
        return output

    nn.Module.__call__ = call
    try:
        yield calls
    finally:
        nn.Module.__call__ = original


def on_meta(name, **options):
    """The network without data: built at once, however large."""
    with minidl.use_backend("meta"):
        return models.create(name, **options).eval()


def run_on_meta(network, shape):
    """(calls, output) of the network, for an input of that shape."""
    with minidl.use_backend("meta"), minidl.no_grad(), recorded_calls() as calls:
        output = network(minidl.zeros(*shape))
    return calls, output


# ------------------------------------------------------------------------------ figures


def parameters(network):
    """How many numbers are trained."""
    return sum(p.numel() for p in network.parameters())


def macs(network, image_shape):
    """Multiply-accumulates for one image: every output of a convolution or a dense layer costs as
    many as it has weights. Biases, norms, activations and pools aren't counted."""
    total = 0
    for layer, y in run_on_meta(network, (1, *image_shape))[0]:
        if isinstance(layer, nn.Conv2d):
            _, weights_in, kh, kw = layer.weight.shape  # weights_in: of the output's own group
            total += y.numel() * weights_in * kh * kw
        elif isinstance(layer, nn.Linear):
            total += y.numel() * layer.in_features
    return total


def check_figures(name, expected_parameters, expected_macs):
    """Counted parameters and MACs, on the card's input, are those given; the card says so too."""
    card = models.card(name)
    network = on_meta(name, num_classes=card.num_classes)
    counted = parameters(network), macs(network, card.input)
    assert counted == (expected_parameters, expected_macs)
    assert (card.parameters, card.macs) == counted


def check_stages(name, expected, image_shape=None, **options):
    """Each named module's output for one image has the shape given: {"layer1": (64, 56, 56)}."""
    network = on_meta(name, **options)
    names = {id(module): path for path, module in network.named_modules()}
    calls, _ = run_on_meta(network, (1, *(image_shape or models.card(name).input)))
    shapes = {names[id(m)]: getattr(y, "shape", (None,))[1:] for m, y in calls if id(m) in names}
    assert {path: shapes.get(path) for path in expected} == expected


# ----------------------------------------------------------------------------- behaviour


def bundled_images(count, channels, size):
    """Real images (count, channels, size, size) with their labels: Fashion-MNIST, resampled."""
    dataset = FashionMNIST(BUNDLED, train=False)
    nearest = np.arange(size) * 28 // size
    images = dataset.images[:count].reshape(count, 1, 28, 28)[:, :, nearest[:, None], nearest]
    images = np.repeat(images.astype(np.float32), channels, axis=1)
    images = (images - images.mean()) / images.std()
    return minidl.tensor(images), minidl.tensor(dataset.labels[:count].astype(np.int64))


def loss_of(output, labels):
    """Cross-entropy, with 0.3 times that of every auxiliary head."""
    if isinstance(output, WithAuxiliary):
        heads = (0.3 * F.cross_entropy(head, labels) for head in output.auxiliary)
        return sum(heads, start=F.cross_entropy(output.logits, labels))
    return F.cross_entropy(output, labels)


def check_learns(name, size, steps=10, lr=0.02, batch=8, **options):
    """SGD on a few real images lowers their loss."""
    channels = options.get("in_channels", models.card(name).input[0])
    images, labels = bundled_images(batch, channels, size)
    network = models.create(name, num_classes=10, **options).train()
    optimizer = optim.SGD(network.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = loss_of(network(images), labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with minidl.no_grad():
        losses.append(loss_of(network(images), labels).item())
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


def check_state_dict_round_trip(name, size, **options):
    """A state dict puts another network of that name into the same state: equal logits."""
    channels = options.get("in_channels", models.card(name).input[0])
    images, _ = bundled_images(2, channels, size)
    one = models.create(name, num_classes=10, **options).train()
    with minidl.no_grad():
        one(images)  # moves the running statistics away from their start
        state = {key: value.numpy().copy() for key, value in one.state_dict().items()}
        other = models.create(name, num_classes=10, **options).eval()
        before = other(images).numpy()
        other.load_state_dict(state)
        after, expected = other(images).numpy(), one.eval()(images).numpy()
    assert not np.array_equal(before, expected)
    np.testing.assert_array_equal(after, expected)
    for key, value in other.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[key], err_msg=key)


def check_classes_and_channels_are_free(name):
    """num_classes=7 gives 7 logits, in_channels=2 takes images of two channels."""
    _, height, width = models.card(name).input
    network = on_meta(name, num_classes=7, in_channels=2)
    _, logits = run_on_meta(network, (3, 2, height, width))
    assert logits.shape == (3, 7)


def check_refuses(name, shape, message, **options):
    """An input of that shape raises an error of ours whose text matches."""
    with pytest.raises(MinidlError, match=message):
        run_on_meta(on_meta(name, **options), shape)


def check_key_map(name, pairs, all_used=True):
    """Every parameter and buffer gets one published name, and every pair (ours, theirs) is used.

    Not all where the map is that of a larger network.
    """
    used = set()
    for key in on_meta(name).state_dict():
        (pair,) = (pair for pair in pairs if key.startswith(f"{pair[0]}."))
        used.add(pair)
    assert used == set(pairs) or not all_used
    assert len(set(pairs)) == len(dict(pairs)) == len({theirs for _, theirs in pairs})


# --------------------------------------------------------------- weights that can be redrawn


def random_state(network, seed=0):
    """Values for every parameter and buffer, by name: the same for the same network and seed.

    Nothing stays at a value that would hide a mistake: batch norms get statistics, scales and
    shifts of their own. Weights are small enough for a deep network not to overflow.
    """
    rng, state = np.random.default_rng(seed), {}
    norms = {path for path, m in network.named_modules() if isinstance(m, _NORMS)}
    for name, value in network.state_dict().items():
        path, _, leaf = name.rpartition(".")
        if leaf == "num_batches_tracked":
            state[name] = np.array(3)
        elif leaf == "running_var" or (path in norms and leaf == "weight"):
            state[name] = rng.uniform(0.5, 1.5, value.shape)
        elif value.ndim < 2:
            state[name] = rng.normal(0.0, 0.2, value.shape)
        else:
            state[name] = rng.normal(size=value.shape) / np.sqrt(np.prod(value.shape[1:]))
    return state


def random_images(shape, seed=0):
    """Images and labels (of two classes) for a comparison with a reference."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.integers(0, 2, size=shape[0])


def loaded(name, seed=0, **options):
    """The network in float64 with random_state's values, for evaluation."""
    network = models.create(name, **options).double().eval()
    network.load_state_dict(random_state(network, seed))
    return network


def relative_error(ours, reference, floor=0.0):
    """max|Δ| / max|reference|; `floor` stands in for a reference that is zero but for rounding."""
    ours, reference = np.asarray(ours), np.asarray(reference)
    assert ours.shape == reference.shape
    if not ours.size:
        return 0.0
    return np.abs(ours - reference).max() / max(np.abs(reference).max(), floor)


_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
