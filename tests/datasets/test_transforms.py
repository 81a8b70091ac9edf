"""What all transforms have in common, Compose and Normalize, and what is refused."""

import re

import numpy as np
import pytest

from minidl import datasets
from minidl.datasets import DataLoader, foreign, transforms
from minidl.datasets.transforms import (
    CenterCrop,
    ColorJitter,
    Compose,
    Normalize,
    Pad,
    RandomAffine,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
)
from minidl.errors import ArgumentError, DTypeError, ShapeError

RANDOM = [
    RandomHorizontalFlip(),
    RandomVerticalFlip(0.3),
    RandomCrop((5, 7), padding=2, fill=0.5),
    RandomCrop(6, padding=(1, 2, 3, 4), padding_mode="reflect"),
    RandomAffine(30, translate=(0.2, 0.1), scale=(0.7, 1.5), shear=(-20, 20, -5, 5)),
    RandomAffine((10, 20), interpolation="nearest", fill=(0.1, 0.2, 0.3)),
    RandomRotation(45),
    ColorJitter(0.4, 0.4, 0.4, 0.2),
    RandomErasing(0.7),
    RandomErasing(value="random"),
    Compose([RandomHorizontalFlip(), RandomRotation(10), Normalize((0.5,), (0.5,))]),
]
FIXED = [
    Pad((1, 2), padding_mode="edge"),
    CenterCrop((4, 9)),
    Resize((5, 20)),
    Resize(4, "bicubic", antialias=False),
    Resize(4, "nearest"),
    Normalize((0.1, 0.2, 0.3), (1, 2, 3)),
    Compose([]),
    Compose([Pad(1), CenterCrop(3)]),
]
every = pytest.mark.parametrize("transform", RANDOM + FIXED, ids=repr)


def batch(dtype=np.float64, N=6):
    return np.random.default_rng(5).random((N, 3, 8, 11)).astype(dtype)


def generator(seed=1):
    return np.random.default_rng(seed)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_result_has_the_dtype_of_the_images(transform, dtype):
    assert transform(batch(dtype), generator()).dtype == dtype


@every
def test_images_are_not_changed_and_not_shared_with_the_result(transform):
    images = batch()
    images.setflags(write=False)
    result = transform(images, generator())
    assert not np.shares_memory(result, images)
    result += 1


@every
def test_any_strides_give_the_same_result(transform):
    images = batch()
    expected = transform(images, generator())
    reversed_columns = np.ascontiguousarray(images[..., ::-1])[..., ::-1]
    channels_last = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for strange in (reversed_columns, channels_last):
        got = transform(strange, generator())
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14)


@every
def test_images_all_alike_in_memory_are_transformed_one_by_one(transform):
    one = batch(N=1)
    repeated = np.broadcast_to(one, (4, *one.shape[1:]))  # zero strides
    expected = transform(repeated.copy(), generator())
    assert transform(repeated, generator()).tobytes() == expected.tobytes()


@every
def test_batch_of_no_images_stays_one(transform):
    result = transform(batch(N=0), generator())
    assert result.shape[:2] == (0, 3)


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_same_generator_state_gives_the_same_batch_and_another_one_another(transform):
    first = transform(batch(), generator(3))
    np.random.seed(0)
    assert transform(batch(), generator(3)).tobytes() == first.tobytes()
    assert transform(batch(), generator(4)).tobytes() != first.tobytes()


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_each_image_gets_its_own_random_numbers(transform):
    same = np.repeat(batch(N=1), 32, axis=0)
    result = transform(same, generator())
    assert len({image.tobytes() for image in result}) > 1


@pytest.mark.parametrize("transform", FIXED, ids=repr)
def test_what_is_not_random_needs_no_generator(transform):
    assert transform(batch()).tobytes() == transform(batch(), generator()).tobytes()


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
@pytest.mark.parametrize("rng", [None, 3, np.random.RandomState(0)])
def test_what_is_random_asks_for_a_generator(transform, rng):
    with pytest.raises(DTypeError, match=r"rng is \w+, expected a numpy.random.Generator"):
        transform(batch(), rng)


@every
def test_batch_of_another_form_is_refused(transform):
    if transform.__class__ is Compose and not transform.transforms:
        return
    with pytest.raises(DTypeError, match=r"images.dtype is uint8, expected float32 or float64"):
        transform(batch().astype(np.uint8), generator())
    with pytest.raises(ShapeError, match=r"images.shape is \(3, 8, 11\), .* images\[None\]"):
        transform(batch()[0], generator())


# ------------------------------------------------------------------- Compose and Normalize


def test_compose_applies_one_after_the_other_with_the_same_generator():
    flip, crop = RandomHorizontalFlip(), RandomCrop(5)
    rng = generator()
    expected = crop(flip(batch(), rng), rng)
    assert Compose([flip, crop])(batch(), generator()).tobytes() == expected.tobytes()


def test_compose_takes_any_callable_and_gives_it_the_generator():
    def brighter(images, rng):
        return images + rng.random()

    got = Compose([brighter, Pad(1)])(batch(), generator())
    assert got[0, 0, 1, 1] == batch()[0, 0, 0, 0] + generator().random()


def test_compose_prints_one_transform_a_line_and_nested_ones_indented():
    nested = Compose([RandomHorizontalFlip(), Compose([Pad(1)])])
    assert repr(nested).split("\n") == [
        "Compose(",
        "    RandomHorizontalFlip(p=0.5)",
        "    Compose(",
        "        Pad(padding=1, fill=0, padding_mode='constant')",
        "    )",
        ")",
    ]


def test_normalize_is_the_formula_of_each_channel():
    images = batch()
    got = Normalize((0.1, 0.2, 0.3), (1, 2, 4))(images)
    for c, (mean, std) in enumerate([(0.1, 1), (0.2, 2), (0.3, 4)]):
        for h in range(8):
            for w in range(11):
                assert got[2, c, h, w] == pytest.approx((images[2, c, h, w] - mean) / std)


def test_loader_repeats_an_augmented_epoch_bit_for_bit():
    images = np.random.default_rng(0).integers(0, 256, (20, 12, 10), np.uint8)
    augment = Compose([RandomCrop(8, padding=1), RandomRotation(15), RandomErasing()])

    def epochs():
        loader = DataLoader((images, np.arange(20)), 6, shuffle=True, seed=3, transform=augment)
        return [[x.tobytes() for x, _ in loader.numpy_batches()] for _ in range(2)]

    first, second = epochs()
    assert epochs() == [first, second]
    assert first != second


# ------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomHorizontalFlip(1.1), r"RandomHorizontalFlip: p is 1.1, .* probability"),
        (lambda: RandomVerticalFlip(-0.1), r"RandomVerticalFlip: p is -0.1"),
        (lambda: RandomErasing(p=float("nan")), "p is nan"),
        (lambda: Pad(-1), "Pad: padding is -1, expected an int, "),
        (lambda: Pad((1, 2, 3)), r"padding is \(1, 2, 3\)"),
        (lambda: Pad(1, padding_mode="wrap"), "padding_mode is 'wrap', expected one of 'constant'"),
        (lambda: RandomCrop(0), r"RandomCrop: size is 0, expected an int or \(height, width\)"),
        (lambda: RandomCrop((3, 4, 5)), r"size is \(3, 4, 5\)"),
        (lambda: RandomCrop(3, padding=1.5), "RandomCrop: padding is"),
        (lambda: CenterCrop((3, 0)), r"CenterCrop: size is \(3, 0\)"),
        (lambda: Resize(2.5), "Resize: size is"),
        (lambda: Resize(2, "lanczos"), "interpolation is 'lanczos', expected one of 'bilinear'"),
        (lambda: RandomRotation(-5), r"degrees is -5, .* degrees=\(minimum, maximum\)"),
        (lambda: RandomRotation((5, -5)), r"degrees is \(5, -5\), expected \(minimum, maximum\)"),
        (lambda: RandomRotation(5, "bicubic"), "interpolation is 'bicubic'"),
        (lambda: RandomAffine(0, translate=(0.1, 2)), r"translate is \(0.1, 2\), .* in 0 … 1"),
        (lambda: RandomAffine(0, translate=0.1), "translate is 0.1"),
        (lambda: RandomAffine(0, scale=(0, 1)), r"scale is \(0, 1\), expected above 0"),
        (lambda: RandomAffine(0, scale=(2, 1)), r"scale is \(2, 1\), expected \(minimum, max"),
        (lambda: RandomAffine(0, scale=0.5), "scale is 0.5"),
        (lambda: RandomAffine(0, shear=(1, 2, 3)), r"shear is \(1, 2, 3\)"),
        (lambda: RandomAffine(0, shear=-3), "shear is -3"),
        (lambda: ColorJitter(-0.1), "brightness is -0.1, expected at least 0"),
        (lambda: ColorJitter(contrast=(-1, 1)), r"contrast is \(-1, 1\)"),
        (lambda: ColorJitter(hue=0.6), r"hue is \(-0.6, 0.6\), expected .* in -0.5 … 0.5"),
        (lambda: ColorJitter(saturation="much"), "saturation is 'much'"),
        (lambda: RandomErasing(scale=(0.1, 1.2)), r"scale is \(0.1, 1.2\), expected .* in 0 … 1"),
        (lambda: RandomErasing(ratio=(0, 1)), r"ratio is \(0, 1\), expected above 0"),
        (lambda: RandomErasing(value="noise"), "value is 'noise', expected a number, one per"),
        (lambda: RandomCrop("28"), "size is '28', expected an int"),
        (lambda: RandomCrop(28, padding="4"), "padding is '4', expected an int"),
        (lambda: RandomHorizontalFlip("0.5"), r"p is '0\.5', expected a probability"),
        (lambda: Normalize([0.5], [0]), r"std is \(0.0,\), expected positive numbers"),
    ],
)
def test_impossible_argument_is_refused_when_the_transform_is_made(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (RandomCrop(12), r"size is \(12, 12\), expected at most \(8, 11\), the size of the padded"),
        (RandomCrop((13, 2), padding=2), r"at most \(12, 15\)"),
        (CenterCrop((8, 12)), r"CenterCrop: size is \(8, 12\), expected at most \(8, 11\)"),
        (Normalize((0.1, 0.2), (1, 1, 1)), r"mean is \(0.1, 0.2\), .* per channel \(3\)"),
        (Normalize((0.1,), (1, 1)), r"std is \(1.0, 1.0\)"),
        (Pad(1, fill=(0.1, 0.2)), r"fill is \(0.1, 0.2\), expected one number per channel"),
        (RandomErasing(p=1, value=(1, 2)), r"value is \(1, 2\), expected one number per channel"),
        (
            RandomCrop(3, 9, padding_mode="symmetric"),
            "RandomCrop: padding is 9, expected at most 8",
        ),
        (Pad(8, padding_mode="reflect"), "padding is 8, expected at most 7 above and below"),
    ],
)
def test_argument_that_does_not_fit_the_images_is_refused(transform, message):
    with pytest.raises(ArgumentError, match=message):
        transform(batch(), generator())


def test_colours_of_two_channels_are_refused():
    with pytest.raises(ShapeError, match=r"images.shape\[1\] is 2, expected 3 channels"):
        ColorJitter(0.1)(batch()[:, :2], generator())


def test_what_cannot_be_called_is_refused():
    with pytest.raises(DTypeError, match="one of the transforms is 3, expected a function"):
        Compose([Pad(1), 3])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Compose(Pad(1)), r"expected a list of transforms\. Put it into one: Compose\(\["),
        (lambda: Compose([RandomCrop]), r"Make one: RandomCrop\(…\)"),
        (lambda: Compose([lambda images: images]), "It gets a batch .* lambda images, rng"),
        (lambda: Normalize("0.5", 0.5), r"mean is '0\.5', expected a number, or a list"),
        (lambda: Normalize([0.5], ["0.5"]), r"std is \['0\.5'\], expected a number, or a list"),
        (lambda: Normalize(None, 1), "mean is None"),
    ],
)
def test_arguments_of_another_kind_are_explained(make, message):
    with pytest.raises(DTypeError, match=message):
        make()


def test_a_single_number_normalises_every_channel():
    images = batch()
    expected = Normalize([0.13] * 3, [0.31] * 3)(images)
    assert Normalize(0.13, 0.31)(images).tobytes() == expected.tobytes()
    assert (
        Normalize(np.float32(0.5), np.array([2]))(images).tobytes()
        == ((images - 0.5) / 2).tobytes()
    )


@pytest.mark.parametrize(
    ("module", "name", "advice"),
    [
        (transforms, "ToTensor", "Leave it out"),
        (transforms, "RandomHorizontalFilp", r"Did you mean RandomHorizontalFlip\?"),
        (datasets, "Cifar10", r"Did you mean CIFAR10\?"),
        (datasets, "random_split", "It is validation_split"),
    ],
)
def test_names_that_are_not_there_are_explained(module, name, advice):
    with pytest.raises(AttributeError, match=f"{module.__name__} has no attribute '{name}'") as it:
        getattr(module, name)
    assert re.search(advice, str(it.value))


@pytest.mark.parametrize("module", [transforms, datasets])
def test_the_tables_of_foreign_names_hold_no_name_that_is_there(module):
    table = foreign.TRANSFORMS if module is transforms else foreign.DATASETS
    assert not set(table) & set(module.__all__)
