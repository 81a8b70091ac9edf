"""torchvision's and PyTorch's names that are not minidl's, and what to use instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from minidl.errors import DTypeError, unknown_name

__all__ = ["DATASETS", "TRANSFORMS", "refuse_arguments"]

_OWN = "Make one of your own: Dataset(images, labels)."
_PIXELS = "A DataLoader makes pixels of uint8 float32 in [0, 1] by itself."
_TENSORS = "A DataLoader makes the tensors, after the transform, which gets NumPy arrays."
_COLORS = "ColorJitter changes colours, RandomErasing hides a part."

DATASETS = {
    "CIFAR100": f"minidl reads CIFAR10. {_OWN}",
    "TensorDataset": "A pair of arrays is one: DataLoader((images, labels), batch_size).",
    "Subset": "Use dataset.subset(indices, what).",
    "random_split": "It is validation_split, which is stratified.",
    **dict.fromkeys(
        ("KMNIST", "EMNIST", "QMNIST", "USPS"),
        "Put its IDX files through read_idx, and both arrays into Dataset(images, labels).",
    ),
    **dict.fromkeys(("SVHN", "STL10", "ImageNet", "FakeData", "DatasetFolder"), _OWN),
}
"""For minidl.datasets."""

TRANSFORMS = {
    "ToTensor": f"Leave it out. {_PIXELS}",
    "PILToTensor": _TENSORS,
    "ToPILImage": _TENSORS,
    "ConvertImageDtype": _PIXELS,
    "ToDtype": _PIXELS,
    "ToImage": _TENSORS,
    "Lambda": "Any function (images, rng) → images is a transform.",
    "Grayscale": "ImageFolder(root, channels=1) reads grey images.",
    "RandomResizedCrop": "Use Compose([RandomAffine(0, scale=…), RandomCrop(size)]).",
    **dict.fromkeys(
        ("AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix", "GaussianBlur"), _COLORS
    ),
    **dict.fromkeys(
        ("RandomApply", "RandomChoice", "RandomOrder"),
        "Write a function (images, rng) → images that draws from rng; it is a transform.",
    ),
}
"""For minidl.datasets.transforms."""


def refuse_arguments(
    operation: str,
    given: dict[str, Any],
    function: Callable[..., Any],
    pytorchs: Mapping[str, tuple[Any, str]],
) -> None:
    """Explain arguments that `function` takes up in its last parameter, ** of any name.

    Those of PyTorch's that say the same as leaving them out are accepted.

    >>> def load(root, train=True, **pytorchs):
    ...     refuse_arguments("load", pytorchs, load, {"transform": (None, "Give it to the loader")})
    >>> load("data", transform=None)
    >>> load("data", transform=abs)
    Traceback (most recent call last):
        ...
    minidl_kernels.common.errors.DTypeError: load: transform is PyTorch's argument. Give it to \
the loader.

    Args:
        operation: what messages call the function.
        given: the arguments taken up.
        function: whose parameters the known ones are.
        pytorchs: of PyTorch's argument, the value that says nothing, and what to do.

    """
    for name, value in given.items():
        nothing, advice = pytorchs.get(name, (None, ""))
        if not advice:
            known = [p for p in inspect.signature(function).parameters if p != "self"][:-1]
            unknown_name(f"{operation}: there is no argument", name, known, DTypeError)
        if value is not nothing and value != nothing:
            raise DTypeError(f"{operation}: {name} is PyTorch's argument. {advice}.")
