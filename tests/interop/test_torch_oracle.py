"""Files between minidl and PyTorch, both ways, bit for bit."""

from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

import minidl  # noqa: E402
from minidl.errors import DataError  # noqa: E402
from minidl.interop.torch_file import read_torch  # noqa: E402

pytestmark = pytest.mark.oracle

FORMATS = {"zip": True, "legacy": False}
DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8")


@pytest.fixture(params=FORMATS)
def through_file(request, tmp_path):
    """What minidl reads of what PyTorch saved."""

    def saved_and_read(value, **options):
        zipped = FORMATS[request.param]
        torch.save(value, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped, **options)
        return read_torch(tmp_path / "x.pth")

    return saved_and_read


def check_same(ours, theirs):
    """Containers alike, tensors equal bit for bit; bfloat16 as float32."""
    if isinstance(theirs, torch.Tensor):
        theirs = theirs.detach()
        expected = (theirs.float() if theirs.dtype == torch.bfloat16 else theirs).numpy()
        assert isinstance(ours, np.ndarray)
        assert (ours.shape, ours.dtype) == (expected.shape, expected.dtype)
        assert ours.tobytes() == expected.tobytes()
    elif isinstance(theirs, dict):
        assert type(ours) is type(theirs)
        assert list(ours) == list(theirs)
        for key, value in theirs.items():
            check_same(ours[key], value)
    elif isinstance(theirs, list | tuple) and not isinstance(theirs, torch.Size):
        assert type(ours) is type(theirs)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            check_same(one, other)
    elif isinstance(theirs, torch.dtype | torch.device):
        assert str(ours) in str(theirs)
    else:
        assert ours == theirs


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(through_file, dtype):
    values = torch.tensor([[0, 1, 2], [100, 7, 3]]).to(getattr(torch, dtype))
    check_same(through_file({"x": values}), {"x": values})


def test_extreme_values(through_file):
    values = {
        dtype: torch.tensor(
            [0.0, -0.0, 1e-45, 6e-8, 65504.0, 3e38, float("inf"), float("-inf"), float("nan")],
            dtype=getattr(torch, dtype),
        )
        for dtype in DTYPES[:4]
    }
    values["bool"] = torch.tensor([True, False])
    values["int64"] = torch.tensor([-(2**63), 2**63 - 1])
    check_same(through_file(values), values)


def test_views(through_file):
    base = torch.arange(120.0).reshape(2, 3, 4, 5)
    channels_last = base.to(memory_format=torch.channels_last)
    views = {
        "base": base,
        "transposed": base.transpose(0, 3),
        "strided": base[:, ::2, 1:, ::3],
        "one": base[1, 2, 3, 4],
        "expanded": base[:, :1].expand(2, 6, 4, 5),
        "diagonal": base[0, 0].diagonal(),
        "overlapping": base.reshape(-1).unfold(0, 7, 3),
        "channels last": channels_last,
        "empty": base[:, 3:],
        "no elements": torch.zeros(0, 3),
        "scalar": torch.tensor(3.5),
        "flipped": base.flip(0),
    }
    check_same(through_file(views), views)


def test_shared_storages_and_repeated_values(through_file):
    weight = torch.randn(4, 5)
    state = {"embed.weight": weight, "head.weight": weight, "rows": [weight[i] for i in range(4)]}
    check_same(through_file(state), state)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_protocols(through_file, protocol):
    state = OrderedDict(a=torch.ones(2), b=torch.arange(3))
    check_same(through_file(state, pickle_protocol=protocol), state)


def test_a_checkpoint_of_training(through_file):
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.randn(2, 2, 5, 5)).sum().backward()
    optimizer.step()
    checkpoint = {
        "epoch": 3,
        "state_dict": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "best": 71.25,
        "shape": torch.Size([3, 224, 224]),
        "dtype": torch.float32,
        "device": torch.device("cpu"),
        "parameter": network[0].weight,
        "generator": torch.get_rng_state(),
    }
    check_same(through_file(checkpoint), checkpoint)


@pytest.mark.parametrize("seed", range(20))
def test_random_views(through_file, seed):
    rng = np.random.default_rng(seed)
    views = {}
    for number in range(10):
        ndim = int(rng.integers(1, 5))
        shape = tuple(int(size) for size in rng.integers(0, 5, ndim))
        steps = tuple(int(step) for step in rng.integers(0, 7, ndim))
        offset = int(rng.integers(0, 5))
        base = torch.randn(150)
        views[str(number)] = base.as_strided(shape, steps, offset)
    check_same(through_file(views), views)


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.nn.Linear(2, 2),
        lambda: torch.zeros(2, dtype=torch.complex64),
        lambda: torch.eye(2).to_sparse(),
        lambda: torch.zeros(2, dtype=torch.float8_e4m3fn),
        lambda: torch.zeros(2, dtype=torch.uint16),
        lambda: torch.ones(2).untyped_storage(),
        lambda: torch.complex(torch.ones(2), torch.ones(2)).conj().imag,
        lambda: torch.device,
    ],
)
def test_what_is_no_plain_tensor_is_refused(through_file, make):
    with pytest.raises(DataError, match=r"x\.pth"):
        through_file({"x": make()})


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_is_refused(tmp_path):
    path = str(tmp_path / "x.pt")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(DataError, match="TorchScript"):
        minidl.load(path)


def test_pytorch_reads_what_minidl_saves(tmp_path):
    rng = np.random.default_rng(0)
    state = {
        "conv.weight": rng.normal(size=(4, 3, 2, 5)).astype(np.float32),
        "double": rng.normal(size=(3,)),
        "half": rng.normal(size=(2, 2)).astype(np.float16),
        "transposed": rng.normal(size=(3, 4)).T,
        "empty": np.zeros((0, 3, 0), np.float32),
        "scalar": np.array(7),
        "flags": np.array([True, False]),
        "bytes": np.arange(3, dtype=np.uint8),
        "swapped": np.arange(3, dtype=">i2"),
        "ä.weight": np.arange(4, dtype=np.int8),
        "int32": np.arange(4, dtype=np.int32),
    }
    minidl.save(state, tmp_path / "x.pth")
    for options in ({"weights_only": True}, {"weights_only": False}, {"mmap": True}):
        loaded = torch.load(tmp_path / "x.pth", **options)
        assert type(loaded) is OrderedDict
        assert list(loaded) == list(state)
        for key, expected in state.items():
            assert loaded[key].shape == expected.shape
            assert loaded[key].is_contiguous()
            assert not loaded[key].requires_grad
            native = expected.astype(expected.dtype.newbyteorder("="), order="C")
            assert loaded[key].numpy().dtype == native.dtype
            assert loaded[key].numpy().tobytes() == native.tobytes()
    check_same(read_torch(tmp_path / "x.pth"), loaded)
