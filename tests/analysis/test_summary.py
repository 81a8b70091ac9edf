"""summary: every number against one worked out by hand."""

import copy
import math

import numpy as np
import pytest

import minidl
from minidl import functional as F
from minidl import models, nn
from minidl.analysis import SummaryError, summary


def by_path(table):
    return {row.path: row for row in table.rows}


def test_lenet_row_by_row():
    table = summary(models.create("lenet5"), (1, 28, 28))
    rows = [
        (row.path, row.type, row.output, row.parameters, row.macs, row.again)
        for row in table.rows[1:]
    ]
    assert rows == [
        ("conv1", "Conv2d", (1, 6, 28, 28), 6 * 25 + 6, 28 * 28 * 6 * 25, False),
        ("activation", "ReLU", (1, 6, 28, 28), 0, 0, False),
        ("pool", "MaxPool2d", (1, 6, 14, 14), 0, 0, False),
        ("conv2", "Conv2d", (1, 16, 10, 10), 16 * 150 + 16, 100 * 16 * 150, False),
        ("activation", "ReLU", (1, 16, 10, 10), 0, 0, True),
        ("pool", "MaxPool2d", (1, 16, 5, 5), 0, 0, True),
        ("fc1", "Linear", (1, 120), 400 * 120 + 120, 400 * 120, False),
        ("activation", "ReLU", (1, 120), 0, 0, True),
        ("fc2", "Linear", (1, 84), 120 * 84 + 84, 120 * 84, False),
        ("activation", "ReLU", (1, 84), 0, 0, True),
        ("fc3", "Linear", (1, 10), 850, 840, False),
    ]
    assert (table.parameters, table.trainable) == (61_706, 61_706)
    assert (table.macs, table.flops) == (416_520, 833_040)
    assert table.parameter_bytes == 4 * 61_706
    assert (table.buffer_bytes, table.input_bytes) == (0, 4 * 784)
    assert table.rows[1].output_bytes == 4 * 6 * 28 * 28
    assert [row.receptive_field for row in table.rows[1:7]] == [
        *((5, 5), (5, 5), (6, 6), (14, 14), (14, 14), (16, 16)),
    ]
    assert all(row.sees_all for row in table.rows[7:])


@pytest.mark.parametrize("name", models.list())
def test_registered_models_have_their_cards_figures(name):
    card = models.card(name)
    if card is None:
        pytest.skip("no card")
    with minidl.backends.use_backend("meta"):
        model = models.create(name)
    table = summary(model, card.input)
    assert (table.parameters, table.macs) == (card.parameters, card.macs)


def naive_conv_macs(x, w, stride, padding, dilation, transposed=False):
    """Count the products that a loop over the outputs (or inputs, transposed) would make."""
    n, _, h, width = x
    o, c, kh, kw = w
    if transposed:
        return n * o * h * width * c * kh * kw  # every input is scattered to every tap
    out_h = len(range(0, h + 2 * padding[0] - dilation[0] * (kh - 1), stride[0]))
    out_w = len(range(0, width + 2 * padding[1] - dilation[1] * (kw - 1), stride[1]))
    return sum(c * kh * kw for _ in range(n * o * out_h * out_w))


def test_grouped_dilated_strided_convolution():
    conv = nn.Conv2d(6, 4, (3, 2), stride=(2, 3), padding=(1, 2), dilation=(2, 1), groups=2)
    table = summary(conv, (2, 6, 11, 14))
    expected = naive_conv_macs((2, 6, 11, 14), (4, 3, 3, 2), (2, 3), (1, 2), (2, 1))
    assert table.macs == expected
    assert table.rows[0].output == conv(minidl.zeros(2, 6, 11, 14)).shape


def test_depthwise_convolution_with_multiplier():
    table = summary(nn.Conv2d(5, 10, 3, padding=1, groups=5, bias=False), (5, 7, 8))
    assert table.macs == naive_conv_macs((1, 5, 7, 8), (10, 1, 3, 3), (1, 1), (1, 1), (1, 1))
    assert table.parameters == 90


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_transposed_convolution(groups):
    layer = nn.ConvTranspose2d(4, 8, (3, 2), stride=(2, 1), groups=groups)
    table = summary(layer, (3, 4, 5, 6))
    assert table.macs == naive_conv_macs(
        (3, 4, 5, 6), (4, 8 // groups, 3, 2), None, None, None, transposed=True
    )


def test_linear_on_three_dimensions():
    table = summary(nn.Linear(8, 3), minidl.zeros(2, 5, 8))
    assert table.macs == 2 * 5 * 8 * 3
    assert table.rows[0].output == (2, 5, 3)


class Functional(nn.Module):
    """No layers at all: what it computes is counted as its own."""

    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(minidl.ones(4, 3, 3, 3))
        self.w = nn.Parameter(minidl.ones(4, 7))
        self.scale = minidl.ones(7)  # a plain tensor attribute

    def forward(self, x):
        y = F.conv2d(x, self.kernel).mean((2, 3)) @ self.w
        y = y * self.scale + minidl.ones(7)
        return minidl.einsum("ni,mi->nm", y, y)


def test_functional_calls_count_for_the_module_that_makes_them():
    table = summary(nn.Sequential(Functional()), (2, 3, 6, 5))
    own = 2 * 4 * 4 * 3 * 27 + 2 * 4 * 7 + 2 * 2 * 7
    assert [(row.path, row.macs) for row in table.rows] == [("", 0), ("0", own)]
    assert table.rows[1].parameters == 4 * 27 + 28


def test_shared_layers_and_tied_parameters_are_counted_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(self.first(self.first(x)))

    model = Tied()
    table = summary(model, (1, 4))
    assert [(r.path, r.parameters, r.macs, r.again) for r in table.rows[1:]] == [
        ("first", 20, 16, False),
        ("first", 0, 16, True),
        ("second", 4, 16, False),
    ]
    assert table.parameters == 24 == sum(p.numel() for p in model.parameters())


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn, self.act = nn.BatchNorm2d(channels), nn.ReLU()

    def forward(self, x):
        return nn.norm_act(self.conv(x), self.bn, self.act, residual=x)


def test_fused_steps_show_as_the_layers_they_are():
    table = summary(Residual(4), (4, 8, 8))
    assert [(row.path, row.output) for row in table.rows] == [
        *(("", (1, 4, 8, 8)), ("conv", (1, 4, 8, 8)), ("bn", (1, 4, 8, 8))),
        ("act", (1, 4, 8, 8)),
    ]
    assert (table.parameters, table.macs) == (4 * 4 * 9 + 8, 64 * 4 * 36)


def test_frozen_parameters_are_told_apart():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    model[0].requires_grad_(False)
    table = summary(model, (1, 4))
    assert (table.parameters, table.trainable) == (23, 8)
    assert [row.frozen for row in table.rows] == [0, 15, 0]
    assert "8 trainable, 15 frozen" in str(table)


def test_parameters_that_do_not_run_are_listed():
    class Headed(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.ModuleList([nn.Linear(4, 4)])
            self.auxiliary = nn.Sequential(nn.Linear(4, 2), nn.ReLU())

        def forward(self, x):
            x = self.body[0](x)
            return (x, self.auxiliary(x)) if self.training else x

    model = Headed()
    table = summary(model, (1, 4))
    assert [(r.name, r.parameters, r.status) for r in table.rows] == [
        ("Headed", 0, "run"),
        ("body.0", 20, "run"),
        ("auxiliary", 10, "not run"),
    ]
    assert table.parameters == 30
    assert summary(model, (1, 4), training=True).macs == 16 + 8


def test_parameters_used_without_calling_their_module_are_not_lost():
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.inner = nn.Parameter(minidl.ones(4)), nn.Linear(4, 4)

    class Borrows(nn.Module):
        def __init__(self):
            super().__init__()
            self.bag = Bag()

        def forward(self, x):
            return self.bag.inner(x) * self.bag.scale

    table = summary(Borrows(), (1, 4))
    assert [(row.path, row.parameters, row.status) for row in table.rows] == [
        ("", 0, "run"),
        ("bag.inner", 20, "run"),
        ("bag", 4, "not run"),
    ]


def test_columns_add_up_at_every_depth():
    model = nn.Sequential(nn.Sequential(Residual(3), Residual(3)), nn.Flatten(), nn.Linear(48, 2))
    table = summary(model, (3, 4, 4))
    for depth in (0, 1, 2, None):
        rows = table.collapsed(depth)
        assert sum(row.macs for row in rows) == table.macs
        assert sum(row.parameters for row in rows) == table.parameters
        assert depth is None or max(row.depth for row in rows) <= depth
    assert [row.path for row in table.collapsed(1)] == ["", "0", "1", "2"]
    assert table.collapsed(0)[0].macs == table.macs


def test_the_model_and_the_random_numbers_are_left_alone():
    model = nn.Sequential(
        *(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()),
        nn.Linear(3 * 4, 2),
    )
    model[3].eval()
    seen = []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    model(minidl.ones(2, 2, 4, 4)).sum().backward()
    seen.clear()
    tensors = [*model.parameters(), *model.buffers()]
    before = [(id(t._array), t.backend, t.numpy().copy() if not t.requires_grad else
               t.detach().numpy().copy()) for t in tensors]  # fmt: skip
    gradients = [p.grad.numpy().copy() for p in model.parameters()]
    modes = [m.training for m in model.modules()]
    state = minidl.random.default_generator.get_state()
    names = [sorted(vars(m)) for m in model.modules()]
    for training in (False, True):
        summary(model, (2, 2, 4, 4), training=training)
    assert seen == []
    assert minidl.random.default_generator.get_state() == state
    assert [m.training for m in model.modules()] == modes
    assert [sorted(vars(m)) for m in model.modules()] == names
    for t, (key, backend, values) in zip(tensors, before, strict=True):
        assert id(t._array) == key
        assert t.backend is backend
        np.testing.assert_array_equal(t.detach().numpy(), values)
    for p, gradient in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), gradient)
    assert minidl.backends.default().name == "numpy"


def test_a_model_on_meta_and_one_in_float64():
    model = models.create("lenet5")
    assert summary(copy.deepcopy(model).to("meta"), (1, 28, 28)).macs == 416_520
    assert summary(model.double(), (1, 28, 28)).parameter_bytes == 8 * 61_706


def test_several_inputs():
    class Sum(nn.Module):
        def forward(self, x, y):
            return x + y

    table = summary(Sum(), [(3, 4, 4), (1, 1, 4, 4)])
    assert table.inputs == ((1, 3, 4, 4), (1, 1, 4, 4))
    assert table.rows[0].output == (1, 3, 4, 4)


def test_a_layer_that_refuses_is_named_with_the_table_up_to_there():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(100, 10), nn.ReLU())
    with pytest.raises(SummaryError) as raised:
        summary(model, (1, 8, 8))
    message, rows = str(raised.value), raised.value.partial.rows
    layer = "Linear(in_features=100, out_features=10, bias=True)"
    assert f"the layer 2, {layer}, can't take its input 1×144" in message
    assert "expected (…, 100)" in message
    assert "nn.Linear(144, 10)" in message
    assert [(row.path, row.output, row.status) for row in rows] == [
        ("", None, "run"),
        ("0", (1, 4, 6, 6), "run"),
        ("1", (1, 144), "run"),
        ("2", None, "failed"),
    ]
    assert rows[-1].parameters == 1010
    assert "failed" in str(raised.value.partial)


def test_the_layer_that_refuses_shows_at_any_depth():
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 3)), nn.Linear(3, 1))
    with pytest.raises(SummaryError) as raised:
        summary(model, (1, 4), depth=0)
    rows = raised.value.partial.collapsed(0)
    assert [(row.path, row.parameters, row.status) for row in rows] == [
        *(("", 15, "run"), ("0.1", 15, "failed"), ("1", 4, "not run")),
    ]


def test_a_model_that_needs_values_says_so():
    class Peeks(nn.Module):
        def forward(self, x):
            return x if x.sum().item() > 0 else -x

    with pytest.raises(
        SummaryError, match=r"(?s)the model, Peeks.*fails on its input 1×4.*no values"
    ):
        summary(Peeks(), (1, 4))


def test_what_is_no_size_is_refused():
    for size in ("big", (3, -1, 4), (), (3, 2.5, 1), 7, [True, 3, 3]):
        with pytest.raises(minidl.errors.MinidlError, match="the input's size"):
            summary(nn.ReLU(), size)
    with pytest.raises(minidl.errors.MinidlError, match=r"an nn\.Module"):
        summary(lambda x: x, (1, 2, 2))


def test_text_and_html_show_every_layer():
    model = nn.Sequential({"a<b": nn.Linear(4, 3), "act": nn.ReLU()})
    table = summary(model, (1, 4))
    text, html = str(table), table._repr_html_()
    assert "a<b" in text
    assert "a&lt;b" in html
    assert "<b>" not in html.replace("<b>Sequential", "")
    assert "http" not in html
    assert max(map(len, text.splitlines())) <= 80
    lines = [line for line in text.splitlines() if line.startswith("total")]
    assert lines[0].split() == ["total", "15", "12"]


@pytest.mark.parametrize("name", ["lenet5", "vgg16", "inception_v3", "efficientnet_b7"])
def test_print_fits_eighty_columns_and_the_page_is_exact(name):
    with minidl.backends.use_backend("meta"):
        table = summary(models.create(name), models.card(name).input)
    lines = str(table).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("sees: the receptive field") for line in lines)
    assert f"{table.macs:,} MACs" in str(table)
    largest = max(table.rows, key=lambda row: row.macs)
    assert f"{largest.macs:,}" in table._repr_html_()


def test_a_thousand_layers_of_cost():
    """Not a matter of time, but of how much is done: a thousand rows, each with its numbers."""
    model = nn.Sequential(*[nn.Conv2d(4, 4, 3, padding=1) for _ in range(1000)])
    table = summary(model, (4, 5, 5))
    assert len(table.rows) == 1001
    assert table.macs == 1000 * 25 * math.prod((4, 4, 9))
    assert table.rows[-1].receptive_field == (2001, 2001)
