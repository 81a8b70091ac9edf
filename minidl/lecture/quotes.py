"""The slides' tables and lists, as they are printed there; what is computed stands elsewhere.

Q. Chen, "Advanced deep learning architectures", COMP 5214 & ELEC 5680. Figures that a slide has in
a sentence are quoted where they are checked.
"""

from __future__ import annotations

MNIST = {
    "training": "60,000",
    "test": "10,000",
    "size": "28 x 28",
    "classes": "10",
}
"""Slide "MNIST"."""

DATA_SETS = {
    # ImageNet, MNIST
    "size": ("469 x 387", "28 x 28"),
    "examples": ("1.2 M", "60 K"),
    "classes": ("1,000", "10"),
}
"""Slide "ImageNet (2010)"."""

COMPLEXITY = {
    # parameters of AlexNet and LeNet, FLOP of AlexNet and LeNet
    "Conv1": ("35K", "150", "101M", "1.2M"),
    "Conv2": ("614K", "2.4K", "415M", "2.4M"),
    "Conv3-5": ("3M", "", "445M", ""),
    "Dense1": ("26M", "0.48M", "26M", "0.48M"),
    "Dense2": ("16M", "0.1M", "16M", "0.1M"),
    "Total": ("46M", "0.6M", "1G", "4M"),
    "Increase": ("76x", "1x", "250x", "1x"),
}
"""Slide "Complexity"."""

LAST_LAYERS = {
    # c, height, width, n; and their product
    "LeNet": ("16 × 5 × 5 × 120", "48k"),
    "AlexNet": ("256 × 5 × 5 × 4096", "26M"),
    "VGG": ("512 × 7 × 7 × 4096", "102M"),
}
"""Slide "The Last Layer(s)"."""

VGG_SHAPES = {
    "sequential1": "(1, 64, 112, 112)",
    "sequential2": "(1, 128, 56, 56)",
    "sequential3": "(1, 256, 28, 28)",
    "sequential4": "(1, 512, 14, 14)",
    "sequential5": "(1, 512, 7, 7)",
    "dense0": "(1, 4096)",
    "dropout0": "(1, 4096)",
    "dense1": "(1, 4096)",
    "dropout1": "(1, 4096)",
    "dense2": "(1, 10)",
}
"""Slide "VGG parameters"."""

NIN_SHAPES = {
    "sequential1": "(96, 54, 54)",
    "pool0": "(96, 26, 26)",
    "sequential2": "(256, 26, 26)",
    "pool1": "(256, 12, 12)",
    "sequential3": "(384, 12, 12)",
    "pool2": "(384, 5, 5)",
    "dropout0": "(384, 5, 5)",
    "sequential4": "(10, 5, 5)",
    "pool3": "(10, 1, 1)",
    "flatten0": "(10)",
}
"""Slide "Summary" behind "NiN Last Layers"."""

INCEPTION = {
    # parameters, FLOPS
    "Inception": ("0.16 M", "128 M"),
    "3x3 Conv": ("0.44 M", "346 M"),
    "5x5 Conv": ("1.22 M", "963 M"),
}
"""Slide "Inception Blocks"."""

RESNEXT_STAGES = {
    # output; kernel, stride, channels and groups of ResNet-50, of ResNeXt-50; times the blocks
    "conv1": ("112×112", "7×7, 64, stride 2", "7×7, 64, stride 2"),
    "conv2, pool": ("56×56", "3×3 max pool, stride 2", "3×3 max pool, stride 2"),
    "conv2": (
        "56×56",
        "1×1, 64; 3×3, 64; 1×1, 256; ×3",
        "1×1, 128; 3×3, 128, C=32; 1×1, 256; ×3",
    ),
    "conv3": (
        "28×28",
        "1×1, 128; 3×3, 128; 1×1, 512; ×4",
        "1×1, 256; 3×3, 256, C=32; 1×1, 512; ×4",
    ),
    "conv4": (
        "14×14",
        "1×1, 256; 3×3, 256; 1×1, 1024; ×6",
        "1×1, 512; 3×3, 512, C=32; 1×1, 1024; ×6",
    ),
    "conv5": (
        "7×7",
        "1×1, 512; 3×3, 512; 1×1, 2048; ×3",
        "1×1, 1024; 3×3, 1024, C=32; 1×1, 2048; ×3",
    ),
    "end": ("1×1", "1000-d fc", "1000-d fc"),
}
RESNEXT_COST = {
    "# params.": ("25.5×10^6", "25.0×10^6"),
    "FLOPs": ("4.1×10^9", "4.2×10^9"),
}
"""Slide "Reducing the cost of Convolutions", the table of ResNet-50 and ResNeXt-50 (32×4d)."""

PAPERS = (
    # first author, year; the model with that paper on its card
    ("LeNet", "", "1995", "lenet5"),
    ("AlexNet", "", "2012", "alexnet_2012"),
    ("ResNeXt", "Xie", "2016", "resnext50_32x4d"),
    ("Squeeze-Excite Net", "Hu", "2017", "seresnet50"),
    ("ShuffleNet", "Zhang", "2018", "shufflenet_v1_g3"),
    ("EfficientNet", "Tan", "2019", "efficientnet_b0"),
)
"""Slides "Progress", "AlexNet", "ResNext", "Squeeze-Excite Net", "ShuffleNet", "EfficientNet"."""
