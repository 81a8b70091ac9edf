"""torchvision's and PyTorch's names that are not minidl's, and what to use instead."""

from __future__ import annotations

__all__ = ["DATASETS", "TRANSFORMS"]

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
