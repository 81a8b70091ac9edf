"""What students read when a file isn't what it should be: the whole sentence."""

import gzip
import pickle

import numpy as np
import pytest
from mistakes import assert_explained
from PIL import Image

import minidl
from minidl import datasets, models
from minidl.datasets.idx import encode_idx
from minidl.errors import ArgumentError, DataError, DTypeError
from minidl.train import checkpoint

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
PICTURES = encode_idx(np.zeros((3, 28, 28), np.uint8))
CLASSES = encode_idx(np.zeros(3, np.uint8))


@pytest.fixture
def folder(tmp_path):
    """A folder with the files of a student who trained a network on images of cats and dogs."""
    lenet = models.create("lenet5")
    minidl.save(lenet.state_dict(), tmp_path / "lenet")
    checkpoint.save_checkpoint(
        tmp_path / "run", {"model": lenet.state_dict()}, {"model": "lenet5", "options": {}}
    )
    for name, height in (("cat", 4), ("dog", 6)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (5, height)).save(tmp_path / "pets" / name / "1.png")
    (tmp_path / "text").write_text("This is a letter to my aunt.")
    (tmp_path / "weights.pth").write_bytes(pickle.dumps({"weight": [1.0]}))
    return tmp_path


def mnist(folder, images=PICTURES, labels=CLASSES, ending=""):
    (folder / f"{IMAGES}{ending}").write_bytes(images)
    (folder / LABELS).write_bytes(labels)
    datasets.MNIST(folder)


def shortened(path, by):
    path.write_bytes(path.read_bytes()[:-by])
    return path


def pets(folder, *, size=None, add=None):
    if add:
        path = folder / "pets" / add
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"miaow")
    datasets.ImageFolder(folder / "pets", size=size)


MISTAKES = {
    # ----------------------------------------------------------------------------------------- IDX
    "a folder without the files": (
        lambda folder: datasets.MNIST(folder / "pets"),
        DataError,
        "MNIST: no train-images-idx3-ubyte and train-labels-idx1-ubyte (with .gz or without) in "
        "root = FOLDER/pets, nor in its mnist/, MNIST/raw/. Without root, the other places are "
        "tried.",
    ),
    "a folder that isn't there": (
        lambda folder: datasets.MNIST(folder / "nowhere"),
        DataError,
        "MNIST: there is no folder FOLDER/nowhere to look in.",
    ),
    "a truncated IDX file": (
        lambda folder: mnist(folder, images=PICTURES[:-7]),
        DataError,
        "FOLDER/train-images-idx3-ubyte is truncated: it declares 3 × 28 × 28 = 2,352 elements "
        "and holds 2,345.",
    ),
    "an empty IDX file": (
        lambda folder: mnist(folder, images=b""),
        DataError,
        "FOLDER/train-images-idx3-ubyte is empty.",
    ),
    "a page in the place of an IDX file": (
        lambda folder: mnist(folder, images=b"<html>Not found</html>"),
        DataError,
        "FOLDER/train-images-idx3-ubyte is neither IDX nor gzip-compressed IDX: its content "
        "starts with b'<htm'.",
    ),
    "images and labels exchanged": (
        lambda folder: mnist(folder, images=CLASSES, labels=PICTURES),
        DataError,
        "FOLDER/train-images-idx3-ubyte has 1 dimension(s) (magic number 2049), expected 3 "
        "(magic number 2051); images have 3, labels have 1.",
    ),
    "a truncated gzip file": (
        lambda folder: mnist(folder, gzip.compress(PICTURES)[:-9], ending=".gz"),
        DataError,
        "FOLDER/train-images-idx3-ubyte.gz is truncated: its gzip stream breaks off after 2,368 "
        "bytes.",
    ),
    "other images by that name": (
        mnist,
        DataError,
        "FOLDER/train-images-idx3-ubyte is not MNIST's train-images-idx3-ubyte: the MD5 of its "
        "decompressed bytes is ace3cac195f19e92f17d9191031c49c9, expected "
        "6bbc9ace898e44ae57da46a324031adb.",
    ),
    "CIFAR-10 where it isn't": (
        lambda folder: datasets.CIFAR10(folder),
        DataError,
        "CIFAR10: no data_batch_1 and data_batch_2 and data_batch_3 and data_batch_4 and "
        "data_batch_5, and no cifar-10-python.tar.gz, in root = FOLDER, nor in its cifar-10/, "
        "cifar-10-batches-py/, cifar-10/cifar-10-batches-py/. Without root, the other places are "
        "tried.",
    ),
    # --------------------------------------------------------------------------- folders of images
    "an image folder that isn't there": (
        lambda folder: datasets.ImageFolder(folder / "pet"),
        DataError,
        "ImageFolder: FOLDER/pet doesn't exist.",
    ),
    "an image folder that is a file": (
        lambda folder: datasets.ImageFolder(folder / "text"),
        DataError,
        "ImageFolder: FOLDER/text is a file, not a folder.",
    ),
    "an image folder without classes": (
        lambda folder: datasets.ImageFolder(folder / "pets" / "cat"),
        DataError,
        "ImageFolder: FOLDER/pets/cat has no folders. Put the images into a folder for each "
        "class, such as FOLDER/pets/cat/cat/1.png and FOLDER/pets/cat/dog/1.png.",
    ),
    "a class without images": (
        lambda folder: pets(folder, add="fish/readme.txt"),
        DataError,
        "ImageFolder: no images in fish. Every folder in the root is a class; images are files "
        "that end in .png, .jpg, .jpeg, .bmp, .gif, .webp, .pbm, .pgm, .ppm.",
    ),
    "images of different sizes": (
        pets,
        DataError,
        "ImageFolder: FOLDER/pets/cat/1.png has 5 × 4 pixels, FOLDER/pets/dog/1.png 5 × 6. "
        "Images of different sizes need size=…: each is then resized, and the square in its "
        "middle cut out.",
    ),
    "a text that is called an image": (
        lambda folder: pets(folder, size=4, add="cow/1.jpg"),
        DataError,
        "FOLDER/pets/cow/1.jpg is no image of a format that minidl reads (PNG, JPEG, BMP, GIF, "
        "WebP, PBM, PGM, PPM), or its header is damaged; it starts with b'miaow'.",
    ),
    "images of no size": (
        lambda folder: pets(folder, size=0),
        ArgumentError,
        "ImageFolder: size is 0, expected at least 1.",
    ),
    # ------------------------------------------------------------------------------------- tensors
    "weights that aren't there": (
        lambda folder: minidl.load(folder / "lenet5"),
        DataError,
        "FOLDER/lenet5 can't be read: No such file or directory.",
    ),
    "a folder as weights": (
        minidl.load,
        DataError,
        "FOLDER is not a safetensors file, or damaged: it is a folder.",
    ),
    "a text as weights": (
        lambda folder: minidl.load(folder / "text"),
        DataError,
        "FOLDER/text is not a safetensors file, or damaged: it is truncated, or something else.",
    ),
    "a pickle as weights": (
        lambda folder: minidl.load(folder / "weights.pth"),
        DataError,
        "FOLDER/weights.pth is no checkpoint of PyTorch's that can be read: it is a pickle, but "
        "torch.save didn't write it.",
    ),
    "truncated weights": (
        lambda folder: minidl.load(shortened(folder / "lenet", by=100)),
        DataError,
        "FOLDER/lenet is not a safetensors file, or damaged: it has 246,724 bytes of data, its "
        "header says 246,824.",
    ),
    "a model saved for its state": (
        lambda folder: minidl.save(models.create("lenet5"), folder / "new"),
        DTypeError,
        "save: state is a LeNet5, expected a dict of tensors by name. Give model.state_dict().",
    ),
    "path and state exchanged": (
        lambda folder: minidl.save(folder / "new", {"x": np.ones(2)}),
        DTypeError,
        "save: state is a PosixPath, expected a dict of tensors by name. The dict comes first, "
        "then the path.",
    ),
    "a nested state saved": (
        lambda folder: minidl.save({"model": {"x": np.ones(2)}}, folder / "new"),
        DTypeError,
        "save: state['model'] is a dict, expected a Tensor or a NumPy array. A checkpoint of "
        "a model and its optimizer is written by minidl.train.save_checkpoint(path, "
        '{"model": …, "optimizer": …, "epoch": 1}, config={}); here a nested dict must be '
        "flattened: one name per tensor.",
    ),
    "saved into a folder that isn't there": (
        lambda folder: minidl.save({"x": np.ones(2)}, folder / "no" / "new"),
        DataError,
        "FOLDER/no/new can't be written: its folder doesn't exist. Make the folder first.",
    ),
    # --------------------------------------------------------------------------------- checkpoints
    "a checkpoint that isn't there": (
        lambda folder: checkpoint.load_checkpoint(folder / "rum"),
        DataError,
        "FOLDER/rum can't be read: No such file or directory.",
    ),
    "a text as a checkpoint": (
        lambda folder: checkpoint.load_checkpoint(folder / "text"),
        DataError,
        "FOLDER/text is not a safetensors file, or damaged: it is truncated, or something else.",
    ),
    "weights as a checkpoint": (
        lambda folder: checkpoint.load_checkpoint(folder / "lenet"),
        DataError,
        "FOLDER/lenet is no checkpoint of minidl's: it holds tensors only.",
    ),
    "a truncated checkpoint": (
        lambda folder: checkpoint.load_checkpoint(shortened(folder / "run", 100)),
        DataError,
        "FOLDER/run is not a safetensors file, or damaged: it has 246,724 bytes of data, its "
        "header says 246,824.",
    ),
    "a checkpoint of another model": (
        lambda folder: checkpoint.load_model(folder / "run", "resnet18"),
        ArgumentError,
        "load_model: model is 'resnet18', expected 'lenet5', which FOLDER/run is of.",
    ),
    "weights of an unnamed model": (
        lambda folder: checkpoint.load_model(folder / "lenet"),
        ArgumentError,
        "load_model: FOLDER/lenet holds weights only, and doesn't say of which model. Name it.",
    ),
    "weights of another number of classes": (
        lambda folder: checkpoint.load_model(folder / "lenet", "lenet5", {"num_classes": 3}),
        ArgumentError,
        "FOLDER/lenet is not of lenet5. load_weights: the state does not fit LeNet5, its names "
        "read as those of minidl.\n  misshapen: fc3.weight is (10, 84), expected (3, 84), fc3.bias "
        "is (10,), expected (3,)\nThe weights are for 10 classes, the model has 3. Create it with "
        "num_classes=10; or, to train it for 3 classes, load all but fc3 with strict=False.",
    ),
    "weights of another model": (
        lambda folder: checkpoint.load_model(folder / "lenet", "resnet18"),
        ArgumentError,
        "FOLDER/lenet is not of resnet18. load_weights: 1 of its 10 names belong to ResNet, by its "
        "names here or those that it was published under (torchvision, timm, pretrainedmodels).\n  "
        "there: conv1.bias, conv1.weight, conv2.bias, conv2.weight, fc1.bias … and 5 more\n  "
        "expected: conv1.weight, bn1.weight, bn1.bias, bn1.running_mean, bn1.running_var "
        "… and 117 more",
    ),
}
"""What is done in the folder, the error, and its sentence; FOLDER stands for the folder's path."""

CAUSED = {
    "a text that is called an image",
    "weights that aren't there",
    "saved into a folder that isn't there",
    "a checkpoint that isn't there",
    "weights of another number of classes",
    "weights of another model",
}
"""Those behind which stands another error, which a traceback may show: the system's or Pillow's."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained(folder, mistake):
    act, error, sentence = MISTAKES[mistake]
    sentence = sentence.replace("FOLDER", str(folder))
    assert_explained(lambda: act(folder), error, sentence, cause=mistake in CAUSED)


def test_a_data_folder_that_is_none_is_named_with_its_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "nowhere"))
    sentence = (
        f"The environment variable MINIDL_DATA names {tmp_path / 'nowhere'}, which is not a "
        "folder. Correct it, or unset it to use the other places."
    )
    assert_explained(datasets.MNIST, DataError, sentence)
