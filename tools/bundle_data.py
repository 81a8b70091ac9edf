"""Make the subsets of MNIST and Fashion-MNIST that come with minidl.

    python tools/bundle_data.py FOLDER [--output minidl/datasets/data]

FOLDER holds the full sets, in `mnist/` and `fashion-mnist/`. Of each class, 1,000 training images
and 200 test images are drawn with a fixed seed, the training images from the training part and the
test images from the test part; they keep the order they have there. A file's decompressed bytes
are the same wherever this runs, and its compressed bytes wherever zlib is the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from minidl.datasets import BUNDLED, MNIST, FashionMNIST
from minidl.datasets.idx import gzip_idx, md5_of_idx

SEED = 0
PER_CLASS = {True: 1000, False: 200}
"""How many images of each class: of the training part (True), of the test part (False)."""


def main() -> None:
    """Write the eight files and print each one's name, size and MD5 (of the decompressed bytes)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the full sets are")
    parser.add_argument("--output", type=Path, default=BUNDLED)
    arguments = parser.parse_args()
    for dataset in (MNIST, FashionMNIST):
        for train, count in PER_CLASS.items():
            bundle(dataset, train, count, arguments.folder, arguments.output)


def bundle(
    dataset: type[MNIST | FashionMNIST], train: bool, count: int, folder: Path, output: Path
) -> None:
    """Write the images' and the labels' file of one part of one set."""
    full = dataset(train=train, root=folder)
    if not full.source.startswith(f"{dataset.title}, all"):
        raise SystemExit(f"The full set is needed. {full.source}")
    chosen = draw_balanced(full.labels, count)
    for file, array in zip(dataset.files[train], (full.images, full.labels), strict=True):
        path = output / dataset.subfolders[0] / f"{file.name}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip_idx(array[chosen]))
        md5 = md5_of_idx(array[chosen])
        known = "as known" if md5 == file.md5_of_subset else "NOT the one minidl knows"
        print(f"{path}  {path.stat().st_size:,} bytes  {md5}, {known}")


def draw_balanced(labels: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """Ascending indices of `count` samples of each class."""
    # RandomState's stream is frozen by NumPy's promise (NEP 19); the newer generators' isn't.
    rng = np.random.RandomState(SEED)
    by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.sort(np.concatenate([rng.permutation(indices)[:count] for indices in by_class]))


if __name__ == "__main__":
    main()
