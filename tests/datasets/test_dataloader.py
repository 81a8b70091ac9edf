import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.datasets import MNIST, DataLoader, Dataset
from minidl.datasets.transforms import Compose, Normalize, Pad, RandomHorizontalFlip
from minidl.errors import ArgumentError, DTypeError, ShapeError
from minidl.random import default_generator

sizes = st.integers(0, 40)
batch_sizes = st.integers(1, 45)


def numbered(size):
    """Samples whose image and label are both their number."""
    numbers = np.arange(size)
    return numbers.astype(np.float64)[:, None], numbers


def labels_of(loader):
    """The labels of each batch of one pass, after checking that the images belong to them."""
    batches = []
    for images, labels in loader.numpy_batches():
        assert images[:, 0].tolist() == labels.tolist()
        batches.append(labels.tolist())
    return batches


@given(sizes, batch_sizes, st.booleans(), st.integers(0, 9))
def test_each_epoch_sees_every_sample_once(size, batch_size, shuffle, epoch):
    loader = DataLoader(numbered(size), batch_size, shuffle=shuffle)
    loader.set_epoch(epoch)
    batches = labels_of(loader)
    assert sorted(itertools.chain(*batches)) == list(range(size))
    assert len(batches) == len(loader)
    assert all(len(batch) == batch_size for batch in batches[:-1])


@given(sizes, batch_sizes, st.booleans())
def test_drop_last_leaves_out_only_the_batch_that_would_be_smaller(size, batch_size, shuffle):
    dropping = DataLoader(numbered(size), batch_size, shuffle, drop_last=True, seed=0)
    whole = labels_of(DataLoader(numbered(size), batch_size, shuffle, seed=0))
    assert labels_of(dropping) == [batch for batch in whole if len(batch) == batch_size]
    assert len(dropping) == size // batch_size


def test_without_shuffle_the_order_is_the_data_sets():
    assert labels_of(DataLoader(numbered(5), 2)) == [[0, 1], [2, 3], [4]]


def test_order_depends_on_seed_and_epoch_alone():
    def epochs(seed, batch_size=7):
        loader = DataLoader(numbered(50), batch_size, shuffle=True, seed=seed)
        return [list(itertools.chain(*labels_of(loader))) for _ in range(3)]

    first = epochs(0)
    np.random.seed(99)
    assert epochs(0) == first
    assert epochs(0, batch_size=50) == first
    different = [*first, *epochs(1)]
    assert all(a != b for i, a in enumerate(different) for b in different[:i])


def test_set_epoch_jumps_to_that_epochs_order():
    loader = DataLoader(numbered(20), 6, shuffle=True, seed=0)
    epochs = [labels_of(loader) for _ in range(3)]
    loader.set_epoch(1)
    assert labels_of(loader) == epochs[1]
    assert loader.epoch == 2


def test_pass_left_early_starts_again_in_the_same_order():
    loader = DataLoader(numbered(20), 6, shuffle=True, seed=0)
    next(loader.numpy_batches())
    assert (loader.epoch, loader.position) == (0, 1)
    again = labels_of(loader)
    assert again == labels_of(DataLoader(numbered(20), 6, shuffle=True, seed=0))


def noise(images, rng):
    return images + rng.normal(size=images.shape)


@given(st.integers(1, 30), batch_sizes, st.booleans(), st.integers(0, 25), st.booleans())
def test_resumed_run_continues_with_the_very_next_batch(size, batch_size, drop, stop, shuffle):
    def make():
        return DataLoader(numbered(size), batch_size, shuffle, drop, seed=4, transform=noise)

    def run(loader, epochs=3):
        for _ in range(loader.epoch, epochs):
            for images, labels in loader.numpy_batches():
                yield images.tolist(), labels.tolist(), json.dumps(loader.state_dict())

    everything = list(run(make()))
    if stop >= len(everything):
        return
    resumed = make()
    resumed.load_state_dict(json.loads(everything[stop][2]))
    rest = list(run(resumed))
    assert rest == everything[stop + 1 :]


def test_state_between_epochs_resumes_at_the_next_one():
    loader = DataLoader(numbered(10), 3, shuffle=True)
    labels_of(loader)
    resumed = DataLoader(numbered(10), 3, shuffle=True)
    resumed.load_state_dict(loader.state_dict())
    assert (resumed.epoch, resumed.position) == (1, 0)
    assert labels_of(resumed) == labels_of(loader)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"batch_size": 4}, r"state\['batch_size'\] is 3, expected this loader's 4"),
        ({"seed": 1}, r"state\['seed'\] is 0, expected this loader's 1"),
        ({"shuffle": False}, r"state\['shuffle'\] is True, expected this loader's False"),
        ({"drop_last": True}, r"state\['drop_last'\] is False, expected this loader's True"),
        ({"dataset": numbered(11)}, r"state\['samples'\] is 10, expected this loader's 11"),
    ],
)
def test_state_of_another_loader_is_refused(other, message):
    arguments = {"dataset": numbered(10), "batch_size": 3, "shuffle": True, "seed": 0}
    state = DataLoader(**arguments).state_dict()
    with pytest.raises(ArgumentError, match=message):
        DataLoader(**{**arguments, **other}).load_state_dict(state)


def test_broken_state_is_refused_and_changes_nothing():
    loader = DataLoader(numbered(10), 3)
    labels_of(loader)
    state = loader.state_dict()
    for broken in ({**state, "position": 5}, {**state, "position": -1}, {**state, "epoch": -1}):
        with pytest.raises(ArgumentError):
            loader.load_state_dict(broken)
    del (incomplete := dict(state))["seed"]
    with pytest.raises(ArgumentError, match="state is without seed, expected what state_dict"):
        loader.load_state_dict(incomplete)
    assert loader.state_dict() == state


# ---------------------------------------------------------------------- what is in a batch


def test_pixels_become_normalised_float32_with_a_channel_axis():
    pixels = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5) * 8
    data = Dataset(pixels, np.array([1, 0], np.uint8), mean=(0.25,), std=(0.5,))
    ((images, labels),) = DataLoader(data, 2).numpy_batches()
    assert images.shape == (2, 1, 3, 5)
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    for n in range(2):
        for h in range(3):
            for w in range(5):
                expected = (int(pixels[n, h, w]) / 255 - 0.25) / 0.5
                assert images[n, 0, h, w] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_each_channel_has_its_own_mean_and_std():
    pixels = np.full((1, 3, 2, 4), 51, np.uint8)  # 51 / 255 = 0.2
    data = Dataset(pixels, np.array([0]), mean=(0.2, 0.1, 0.0), std=(1.0, 0.5, 0.25))
    ((images, _),) = DataLoader(data, 1).numpy_batches()
    assert images[0, :, 1, 3] == pytest.approx([0.0, 0.2, 0.8], abs=1e-7)


def test_normalised_training_images_have_mean_0_and_std_1(full_data):
    loader = DataLoader(MNIST(full_data), 60000)
    ((images, _),) = loader.numpy_batches()
    assert images.mean(dtype=np.float64) == pytest.approx(0, abs=2e-4)
    assert images.std(dtype=np.float64) == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_point_samples_keep_dtype_shape_and_values(dtype):
    samples = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(dtype)[:, ::-1]
    ((got, _),) = DataLoader((samples, np.zeros(4, np.uint8)), 9).numpy_batches()
    assert got.dtype == dtype
    assert got.tolist() == samples.tolist()


def test_tensors_have_the_values_and_types_of_the_arrays():
    loader = DataLoader(MNIST(train=False), 128, shuffle=True)
    tensors = [(images.numpy(), labels.numpy()) for images, labels in loader]
    assert (loader.epoch, len(tensors)) == (1, 16)
    loader.set_epoch(0)
    for got, expected in zip(tensors, loader.numpy_batches(), strict=True):
        for a, b in zip(got, expected, strict=True):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            assert a.tobytes() == b.tobytes()


def test_tensors_are_made_on_the_loaders_backend_and_else_on_the_default_one():
    with minidl.use_backend("meta"):
        chosen = next(iter(DataLoader(numbered(3), 3, backend="numpy")))
        default = next(iter(DataLoader(numbered(3), 3)))
    assert [tensor.backend.name for tensor in chosen] == ["numpy", "numpy"]
    assert [tensor.backend.name for tensor in default] == ["meta", "meta"]
    assert [tensor.requires_grad for tensor in chosen] == [False, False]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_changing_a_batch_changes_nothing_of_the_data_set(dtype):
    original = np.ones((4, 2, 3), dtype)
    labels = np.zeros(4, np.int64)
    for batch in DataLoader((original, labels), 4).numpy_batches():
        for array in batch:
            array += 7
    assert (original == 1).all()
    assert (labels == 0).all()


def test_transform_sees_pixels_from_0_to_1_before_they_are_normalised():
    seen = []

    def crop(images, rng):
        seen.append((images.shape, images.min(), images.max()))
        return images[:, :, 1:, :]

    data = Dataset(np.full((3, 4, 5), 255, np.uint8), np.arange(3), mean=(0.5,), std=(0.25,))
    data.images[:, :2] = 0
    ((images, _),) = DataLoader(data, 3, transform=crop).numpy_batches()
    assert seen == [((3, 1, 4, 5), 0.0, 1.0)]
    assert images.shape == (3, 1, 3, 5)
    assert images[0, 0, :, 0].tolist() == [-2.0, 2.0, 2.0]


def test_transform_gets_new_random_numbers_in_each_batch_and_epoch():
    draws = []

    def record(images, rng):
        draws.append(rng.random())
        return images

    loader = DataLoader(numbered(6), 2, transform=record)
    for _ in range(2):
        labels_of(loader)
    assert len(set(draws)) == 6


def test_transform_may_keep_what_it_returned():
    kept = np.ones((2, 1))
    data = Dataset(np.zeros((2, 1)), np.arange(2), mean=(0.5,), std=(0.5,))
    list(DataLoader(data, 2, transform=lambda images, rng: kept).numpy_batches())
    assert kept.tolist() == [[1.0], [1.0]]


def test_transform_that_loses_images_is_refused():
    loader = DataLoader(numbered(6), 4, transform=lambda images, rng: images[1:])
    with pytest.raises(ShapeError, match=r"result is \(3, 1\), expected \(4, …\), as many"):
        labels_of(loader)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0, expected at least 1"),
        ({"batch_size": 1, "seed": -1}, "seed is -1, expected at least 0"),
        ({"batch_size": 1, "prefetch": -1}, "prefetch is -1, expected at least 0"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        DataLoader(numbered(3), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": "2"}, "batch_size is '2', expected an int"),
        ({"batch_size": 2.0}, r"batch_size is 2\.0, expected an int"),
        ({"batch_size": True}, "batch_size is True, expected an int"),
        ({"seed": "1"}, "seed is '1', expected an int"),
        ({"prefetch": "2"}, "prefetch is '2', expected an int"),
        ({"transform": "flip"}, r"transform is 'flip', expected a function \(images, rng\)"),
        ({"transform": RandomHorizontalFlip}, r"Make one: RandomHorizontalFlip\(…\)"),
        ({"transform": lambda images: images}, "It gets a batch .* lambda images, rng"),
        ({"transform": lambda: None}, "It gets a batch"),
        ({"num_workers": 4}, "num_workers=.* is PyTorch's argument.* prefetch=2"),
        ({"pin_memory": True}, "pin_memory=.* is PyTorch's argument.* backend="),
        ({"generator": 1}, "generator=.* is PyTorch's argument.* seed="),
        ({"shufle": True}, r"no argument 'shufle'\. Did you mean shuffle\?"),
        ({"dataset": MNIST}, r"the class MNIST, expected a Dataset .* Make one: MNIST"),
    ],
)
def test_arguments_of_another_kind_are_explained(arguments, message):
    with pytest.raises(DTypeError, match=message):
        DataLoader(**{"dataset": numbered(3), "batch_size": 1, **arguments})


def test_arguments_of_pytorch_that_change_nothing_are_accepted():
    loader = DataLoader(numbered(3), 1, num_workers=0, pin_memory=False, collate_fn=None)
    assert labels_of(loader) == [[0], [1], [2]]


@pytest.mark.parametrize("transform", [min, np.add])
def test_functions_in_c_are_accepted_as_transforms(transform):
    assert DataLoader(numbered(3), 1, transform=transform).transform is transform


@pytest.mark.parametrize(
    "transform", [Normalize(0.13, 0.31), Compose([Pad(2), Compose([Normalize([0.13], [0.31])])])]
)
def test_normalising_twice_is_refused(transform):
    data = Dataset(np.ones((2, 3, 3), np.uint8), np.arange(2), mean=(0.13,), std=(0.31,))
    with pytest.raises(ArgumentError, match=r"the loader normalises .* mean \(0\.13,\)"):
        DataLoader(data, 2, transform=transform)
    data.mean = data.std = None
    ((images, _),) = DataLoader(data, 2, transform=transform).numpy_batches()
    middle = images.shape[2] // 2
    assert images[0, 0, middle, middle] == pytest.approx((1 / 255 - 0.13) / 0.31, abs=1e-6)


@pytest.mark.parametrize("state", [None, [], 3])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(DTypeError, match=r"state is .*, expected what state_dict\(\) returned"):
        DataLoader(numbered(3), 1).load_state_dict(state)


def test_repr_names_what_it_loads_and_how():
    loader = DataLoader(MNIST(train=False), 32, shuffle=True, seed=5)
    assert repr(loader) == (
        "DataLoader(MNIST of 2,000 samples, batch_size=32, shuffle=True, seed=5)"
    )
    loader = DataLoader(numbered(3), 2, drop_last=True, transform=Pad(1), prefetch=2)
    assert repr(loader) == (
        "DataLoader(Dataset of 3 samples, batch_size=2, shuffle=False, seed=0, drop_last=True, "
        "transform=Pad(padding=1, fill=0, padding_mode='constant'), prefetch=2)"
    )


# ------------------------------------------------------------------------------ without a seed


def first_order(**options):
    return labels_of(DataLoader(numbered(50), 50, **options))


def test_the_default_generator_gives_the_seed_that_is_not_given():
    orders = []
    for seed in (1, 1, 2):
        minidl.manual_seed(seed)
        orders.append((first_order(shuffle=True), first_order(shuffle=True)))
    assert orders[0] == orders[1]
    flat = [order for pair in orders[1:] for order in pair]
    assert all(a != b for a, b in itertools.combinations(flat, 2))


def test_a_loader_that_draws_nothing_leaves_the_default_generator_alone():
    minidl.manual_seed(1)
    before = default_generator.get_state()
    DataLoader(numbered(5), 2)
    DataLoader(numbered(5), 2, transform=Pad(1))
    DataLoader(numbered(5), 2, shuffle=True, seed=3)
    assert default_generator.get_state() == before
    DataLoader(numbered(5), 2, transform=RandomHorizontalFlip())
    assert default_generator.get_state() != before


def test_a_loader_without_a_seed_takes_that_of_the_state():
    minidl.manual_seed(1)
    loader = DataLoader(numbered(20), 3, shuffle=True)
    next(loader.numpy_batches())
    minidl.manual_seed(2)
    resumed = DataLoader(numbered(20), 3, shuffle=True)
    resumed.load_state_dict(json.loads(json.dumps(loader.state_dict())))
    assert labels_of(resumed) == labels_of(loader)[1:]
    assert labels_of(resumed) == labels_of(loader)


def test_negative_epoch_is_refused():
    with pytest.raises(ArgumentError, match="epoch is -1, expected at least 0"):
        DataLoader(numbered(3), 1).set_epoch(-1)


def test_what_is_no_data_set_is_refused():
    with pytest.raises(DTypeError, match="data is ndarray, expected a Dataset or a pair"):
        DataLoader(np.zeros((3, 2)), 1)
