"""The tables of the lecture, against figures computed by hand."""

import math

import numpy as np
import pytest

import minidl
from minidl import lecture
from minidl.errors import ArgumentError
from minidl.models.compound_scaling import scale


@pytest.fixture(scope="module")
def by_topic():
    return {table.topic: table for table in lecture.tables()}


@pytest.fixture(scope="module")
def find(by_topic):
    """The row of a topic with that name."""

    def look(topic, what):
        (row,) = [row for row in by_topic[topic].rows if row.what == what]
        return row

    return look


def conv(c_in, c_out, kernel):
    return c_in * c_out * kernel * kernel


ALEXNET = {  # weights and outputs of each row: 224 → 54 → 26 → 26 → 12 → 12
    "Conv1": (conv(3, 96, 11), 96, 54 * 54),
    "Conv2": (conv(96, 256, 5), 256, 26 * 26),
    "Conv3-5": (conv(256, 384, 3) + conv(384, 384, 3) + conv(384, 256, 3), 1024, 12 * 12),
    "Dense1": (256 * 5 * 5 * 4096, 4096, 1),
    "Dense2": (4096 * 4096, 4096, 1),
}
LENET = {
    "Conv1": (conv(1, 6, 5), 6, 28 * 28),
    "Conv2": (conv(6, 16, 5), 16, 10 * 10),
    "Dense1": (16 * 5 * 5 * 120, 120, 1),
    "Dense2": (120 * 84, 84, 1),
}
KINDS = {  # of parameters and of FLOP
    ("AlexNet", "Conv1"): ("rounded", "ambiguous"),
    ("AlexNet", "Conv2"): ("cut off", "ambiguous"),
    ("AlexNet", "Conv3-5"): ("rounded", "ambiguous"),
    ("AlexNet", "Dense1"): ("rounded", "ambiguous"),
    ("AlexNet", "Dense2"): ("cut off", "ambiguous"),
    ("LeNet", "Conv1"): ("ambiguous", "wrong"),
    ("LeNet", "Conv2"): ("rounded", "wrong"),
    ("LeNet", "Dense1"): ("wrong", "wrong"),
    ("LeNet", "Dense2"): ("wrong", "wrong"),
}


@pytest.mark.parametrize(("network", "line"), KINDS)
def test_complexity(find, network, line):
    weights, biases, positions = (ALEXNET if network == "AlexNet" else LENET)[line]
    parameters = find("complexity", f"{network}, {line}: parameters")
    flop = find("complexity", f"{network}, {line}: FLOP")
    assert (parameters.kind, flop.kind) == KINDS[network, line]
    without = "without" in parameters.verdict.reading.convention
    assert parameters.value == weights + (0 if without else biases)
    assert flop.value == weights * positions
    assert flop.verdict.reading.convention == "MACs"


def test_complexity_totals_and_ratios(find):
    def all_of(layers, last, place):
        rows = [(w + b, w * p) for w, b, p in layers.values()]
        return sum(row[place] for row in rows) + last[place]

    size, macs = 0, 1
    above = (0, 0)  # without the last layers, which the slide's rows leave out, too
    total = find("complexity", "AlexNet, Total: parameters")
    assert (total.kind, total.value) == ("cut off", all_of(ALEXNET, above, size))
    assert total.verdict.reading.convention == "parameters of the rows above"
    total = find("complexity", "AlexNet, Total: FLOP")
    assert (total.kind, total.value) == ("ambiguous", all_of(ALEXNET, above, macs))
    for what, place in (("parameters", size), ("FLOP", macs)):
        total = find("complexity", f"LeNet, Total: {what}")
        assert (total.kind, total.value) == ("wrong", all_of(LENET, above, place))
        assert total.verdict.remark == "ten times too large"
    increase = find("complexity", "AlexNet, Increase: parameters")
    expected = all_of(ALEXNET, above, size) / all_of(LENET, above, size)
    assert increase.kind == "wrong"
    assert increase.value == pytest.approx(expected)
    assert increase.verdict.remark == "a tenth of it, it is 46M / 0.6M, cut off"
    increase = find("complexity", "AlexNet, Increase: FLOP")
    expected = all_of(ALEXNET, above, macs) / all_of(LENET, above, macs)
    assert increase.kind == "wrong"
    assert increase.value == pytest.approx(expected)
    assert increase.verdict.remark == "it is 1G / 4M, exact"


@pytest.mark.parametrize(
    ("name", "product", "kind"),
    [
        ("LeNet", 16 * 5 * 5 * 120, "exact"),
        ("AlexNet", 256 * 5 * 5 * 4096, "rounded"),
        ("VGG", 512 * 7 * 7 * 4096, "cut off"),
    ],
)
def test_last_layers(find, name, product, kind):
    row = find("last-layers", f"{name}: first dense layer")
    assert (row.value, row.kind) == (product, kind)


def test_inception_against_single_convolutions(find):
    pixels = 28 * 28
    paths = [
        conv(192, 64, 1),
        conv(192, 96, 1) + conv(96, 128, 3),
        conv(192, 16, 1) + conv(16, 32, 5),
        conv(192, 32, 1),
    ]
    weights = {
        "Inception": (sum(paths), 64 + 96 + 128 + 16 + 32 + 32),
        "3x3 Conv": (conv(192, 256, 3), 256),
        "5x5 Conv": (conv(192, 256, 5), 256),
    }
    kinds = {"Inception": "rounded", "3x3 Conv": "rounded", "5x5 Conv": "cut off"}
    hows = {"Inception": "rounded", "3x3 Conv": "cut off", "5x5 Conv": "rounded"}
    for name, (amount, biases) in weights.items():
        size, flops = find("inception", f"{name}: parameters"), find("inception", f"{name}: FLOPS")
        assert (size.value, size.kind) == (amount + biases, kinds[name])
        assert (flops.value, flops.kind) == (amount * pixels, "ambiguous")
        assert flops.verdict.remark == hows[name]


def test_resnets(find):
    def network(inner, groups):
        """Weights and norms of the bottlenecks, stem and dense layer; MACs."""
        size, macs, c_in = conv(3, 64, 7) + 2 * 64, conv(3, 64, 7) * 112**2, 64
        for blocks, width, out, edge in zip(
            (3, 4, 6, 3), inner, (256, 512, 1024, 2048), (56, 28, 14, 7), strict=True
        ):
            for block in range(blocks):
                into = edge if block or out == 256 else 2 * edge
                first, middle = conv(c_in, width, 1), conv(width, width, 3) // groups
                last, side = conv(width, out, 1), 0 if block else conv(c_in, out, 1)
                size += first + middle + last + side
                size += 2 * (2 * width + out + (0 if block else out))
                macs += first * into**2 + (middle + last + side) * edge**2
                c_in = out
        return size + 2049 * 1000, macs + 2048 * 1000

    resnet, resnext = network((64, 128, 256, 512), 1), network((128, 256, 512, 1024), 32)
    row = find("resnext", "ResNet-50: # params.")
    assert (row.value, row.kind) == (resnet[0], "cut off")
    row = find("resnext", "ResNeXt-50: # params.")
    assert (row.value, row.kind) == (resnext[0], "rounded")
    for name, (_, macs) in (("ResNet-50", resnet), ("ResNeXt-50", resnext)):
        row = find("resnext", f"{name}: FLOPs")
        assert (row.value, row.kind, row.verdict.remark) == (macs, "ambiguous", "rounded")


def test_separable_convolutions(find):
    # MobileNet's second block: 64 → 128 channels, 112 → 56
    depthwise, pointwise, plain, pixels = 9 * 64, 64 * 128, 9 * 64 * 128, 56 * 56
    row = find("convolutions", "separable: parameters")
    assert row.kind == "ambiguous"
    assert row.computed == f"{plain:,}"
    assert f"{depthwise:,}" in row.note
    assert f"{depthwise + pointwise:,}" in row.note
    assert find("convolutions", "separable: computation").computed == f"{plain * pixels:,}"
    row = find("convolutions", "separable: “no mixing”")
    assert (row.kind, row.computed) == ("exact", f"{depthwise * pixels:,}")
    assert f"{(depthwise + pointwise) * pixels:,}" in row.note


def test_grouped_convolutions_have_a_share_of_the_parameters():
    from minidl.lecture.measure import measured
    from minidl.nn import Conv2d

    network = measured("resnext50_32x4d")
    grouped = {p: c for p, c in network.of(Conv2d).items() if c.groups > 1}
    assert len(grouped) == 16
    for path, layer in grouped.items():
        assert network[path].weights == conv(layer.in_channels, layer.out_channels, 3) // 32


@pytest.mark.parametrize(
    ("what", "slide", "base", "published"),
    [
        ("depth", "d = α^φ", 1.2, (1.1, 1.2, 1.4, 1.8, 2.2, 2.6, 3.1)),
        ("width", "w = β^φ", 1.1, (1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0)),
        ("resolution", "r = γ^φ", 1.15, (n / 224 for n in (240, 260, 300, 380, 456, 528, 600))),
    ],
)
def test_compound_scaling_of_each_axis(find, what, slide, base, published):
    row = find("efficientnet", what)
    assert (row.slide, row.kind) == (slide, "exact")
    assert row.computed == f"{base} for φ = 1, {base**7:.3g} for φ = 7"
    phis = (math.log(times) / math.log(base) for times in published)
    assert ", ".join(f"{phi:.1f}" for phi in phis) in row.note


@pytest.mark.parametrize("name", ["depth", "width", "resolution"])
def test_a_rule_that_scales_otherwise_is_found_wrong(monkeypatch, name):
    from minidl.lecture import compound_scaling

    def other(phi, *constants):
        size = scale(phi, *constants)
        value = getattr(size, name)
        return size._replace(**{name: type(value)(1.1 * value)})

    monkeypatch.setattr(compound_scaling, "scale", other)
    kinds = {row.what: row.kind for row in compound_scaling.efficientnet().rows}
    expected = {axis: "wrong" if axis == name else "exact" for axis in ("depth", "width")}
    assert {axis: kinds[axis] for axis in expected} == expected
    assert kinds["resolution"] == ("wrong" if name == "resolution" else "exact")


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("lenet5", 5),
        ("vgg16", 16),
        ("googlenet_2014", 22),
        ("resnet18", 18),
        ("resnet50", 50),  # the shortcuts' convolutions are beside the longest path
        ("densenet121", 121),
        ("inception_v3", 48),
    ],
)
def test_depth_is_the_published_number_of_layers(name, published):
    from minidl.lecture.measure import measured

    assert measured(name).depth == published


@pytest.mark.parametrize(("shifted", "kind"), [(0, "exact"), (2, "wrong")])
def test_digits_that_are_further_from_the_middle_than_is_allowed_are_not_centered(
    monkeypatch, shifted, kind
):
    from minidl.lecture import data_sets

    class Digits:
        images = np.zeros((2, 28, 28), np.uint8)
        labels, source = np.arange(2), "a subset"

        def __len__(self):
            return 2

    Digits.images[:, 10 + shifted : 18 + shifted, 10:18] = 255
    monkeypatch.setattr(data_sets, "_part", lambda train: Digits())
    row = data_sets.mnist().rows[-1]
    assert (row.slide, row.kind) == ("centered", kind)
    assert row.computed == f"{shifted:.4f} pixels off"
    assert "up to 1.00 is centered" in row.note


def test_total_says_which_layers_it_counts(by_topic):
    assert "first those of the rows" in by_topic["complexity"].note


def test_years_that_are_on_no_card_are_said_to_be(by_topic):
    assert "but for LeNet's 1995" in by_topic["papers"].note


def test_compound_scaling(find):
    row = find("efficientnet", "α · β² · γ² ≈")
    assert (row.value, row.kind) == (pytest.approx(1.2 * 1.1**2 * 1.15**2), "rounded")


def test_all_that_is_wrong(by_topic):
    wrong = [row.what for table in by_topic.values() for row in table.rows if row.kind == "wrong"]
    assert wrong == [
        "LeNet, Conv1: FLOP",
        "LeNet, Conv2: FLOP",
        "LeNet, Dense1: parameters",
        "LeNet, Dense1: FLOP",
        "LeNet, Dense2: parameters",
        "LeNet, Dense2: FLOP",
        "LeNet, Total: parameters",
        "LeNet, Total: FLOP",
        "AlexNet, Increase: parameters",
        "AlexNet, Increase: FLOP",
        "Inception-V4",
        "nn.Conv2D's arguments",
        "Inception v4 slices into",
    ]


@pytest.mark.parametrize(
    ("topic", "what", "kind", "computed"),
    [
        ("mnist", "image size", "exact", "28 x 28"),
        ("mnist", "digits", "exact", None),
        ("imagenet", "ImageNet: size", "published", "–"),
        ("imagenet", "ImageNet: classes", "exact", "1,000"),
        ("nin", "stride of 2 reduces resolution", "ambiguous", "4"),
        ("googlenet", "stages", "exact", "5"),
        ("googlenet", "inception blocks", "exact", "9"),
        ("googlenet", "Inception-V3", "exact", "48, not 22"),
        ("googlenet", "Inception-V3: 3x3 and 3x3 replace", "exact", "5x5"),
        ("googlenet", "Inception-V3: 1x7 and 7x1 replace", "ambiguous", "5x5"),
        ("googlenet", "Inception-V3: 1x3 and 3x1 replace", "exact", "3x3"),
        ("batch-norm", "μ_B", "exact", None),
        ("batch-norm", "x_{i+1}, with σ_B² = variance + ε", "exact", None),
        ("batch-norm", "“empirical variance” that is kept", "ambiguous", None),
        ("batch-norm", "a dense layer's normalization", "ambiguous", "one per feature"),
        ("batch-norm", "a convolution's normalization", "exact", "one per channel"),
        ("resnet", "a block's output", "ambiguous", "f(x) + x"),
        ("resnet", "forward(self, X), without conv3", "exact", "same result"),
        ("resnet", "forward(self, X), with conv3", "ambiguous", None),
        ("resnext", "blocks sliced into sub-blocks", "exact", "32"),
        ("convolutions", "1x5 and 5x1 reduce the cost", "ambiguous", "10 weights, not 25"),
        ("convolutions", "in b groups: computation", "exact", "16 of 16 layers"),
        ("papers", "LeNet: year", "ambiguous", "1995"),
        ("papers", "ResNeXt: year", "exact", "2016"),
        ("papers", "ShuffleNet: year", "ambiguous", "2018"),
    ],
)
def test_verdicts_on_statements(by_topic, topic, what, kind, computed):
    rows = [row for row in by_topic[topic].rows if row.what == what]
    assert rows
    assert {row.kind for row in rows} == {kind}
    if computed is not None:
        assert [row.computed for row in rows] == [computed]


def test_all_shapes_of_vgg_and_nin_are_right(by_topic):
    shapes = [r for t in ("vgg", "nin") for r in by_topic[t].rows if r.slide.startswith("(")]
    assert len(shapes) == 20
    assert {row.kind for row in shapes} == {"exact"}


def test_what_is_not_computed_has_no_value(by_topic):
    rows = [row for table in by_topic.values() for row in table.rows]
    assert all((row.value is None) == (row.kind == "published") for row in rows)
    assert sum(lecture.tally(rows).values()) == len(rows) > 150


def test_the_full_mnist_is_counted(monkeypatch):
    from minidl.lecture import data_sets

    class Full:
        source = "MNIST, all 60,000 training images, from a folder."

        def __len__(self):
            return 60_000

    monkeypatch.setattr(data_sets, "_part", lambda train: Full())
    row = data_sets._amount("training images", "60,000", train=True)
    assert (row.kind, row.value) == ("exact", 60_000)


def test_one_topic_alone_and_an_unknown_one():
    (table,) = lecture.tables("inception")
    assert table.topic == "inception"
    with pytest.raises(ArgumentError, match="Did you mean inception"):
        lecture.tables("incepton")


def test_random_numbers_are_not_disturbed():
    minidl.manual_seed(3)
    expected = minidl.rand(4).tolist()
    minidl.manual_seed(3)
    lecture.tables("resnet")
    lecture.tables("nin")
    assert minidl.rand(4).tolist() == expected


def test_text_and_html(by_topic):
    table = by_topic["complexity"]
    text, html = str(table), table._repr_html_()
    for shown in (text, html):
        assert "“Complexity”" in shown
        assert "wrong: ten times too large (computed: MACs)" in shown
    assert text.count("\n") > len(table.rows)


def test_a_figure_that_changes_is_found_wrong(monkeypatch):
    """The verdicts come from the quotes and the networks, not from anything else."""
    from minidl.lecture import quotes

    monkeypatch.setitem(quotes.COMPLEXITY, "Conv2", ("6.1M", "2.4K", "415M", "0.24M"))
    kinds = {row.what: row.explanation for row in lecture.tables("complexity")[0].rows}
    assert kinds["AlexNet, Conv2: parameters"].startswith("wrong: ten times too large")
    assert kinds["LeNet, Conv2: FLOP"] == "ambiguous: holds for MACs"
