"""profile: what is counted and to whom, not how long it took."""

import dataclasses

import numpy as np
import pytest

import minidl
from minidl import models, nn
from minidl.analysis import profile
from minidl.analysis.clock import BACKWARD, FORWARD, Clock, Place
from minidl.errors import MinidlError


@pytest.fixture(scope="module")
def lenet():
    return profile(models.create("lenet5"), (4, 1, 28, 28), steps=3)


def test_lenet_calls_exactly(lenet):
    expected = {
        "conv2d": (2, 0),
        "conv2d_weight_grad": (0, 2),
        "conv2d_input_grad": (0, 1),  # the image needs none
        "channel_sum": (0, 2),
        "relu": (4, 0),
        "relu_grad": (0, 4),
        "max_pool2d": (2, 0),
        "max_pool2d_grad": (0, 2),
        "matmul": (3, 6),
    }
    for kernel, (forward, backward) in expected.items():
        assert lenet.calls(kernel, phase=FORWARD) == forward
        assert lenet.calls(kernel, phase=BACKWARD) == backward
    costs = {cost.name: cost for cost in lenet.kernels}
    assert (costs["matmul"].calls, costs["matmul"].backward_calls) == (9, 6)
    assert [(c.name, c.calls) for c in lenet.layers if c.name and c.calls] == [
        *(("conv1", 1), ("activation", 4), ("pool", 2), ("conv2", 1)),
        *(("fc1", 1), ("fc2", 1), ("fc3", 1)),
    ]


def test_calls_belong_to_the_layer_that_asked(lenet):
    assert lenet.calls("conv2d", "conv1") == lenet.calls("conv2d", "conv2") == 1
    assert lenet.calls("conv2d_input_grad", "conv1") == 0
    assert lenet.calls("conv2d_input_grad", "conv2") == 1
    assert lenet.calls("relu_grad", "activation", BACKWARD) == 4
    for layer, matmuls in (("fc1", 2), ("fc2", 2), ("fc3", 2), ("conv2", 0)):
        assert lenet.calls("matmul", layer, BACKWARD) == matmuls
    assert lenet.calls("reshape", "", FORWARD) == 1  # flatten, in the model's own forward


def test_everything_adds_up_to_the_wall_time(lenet):
    for costs in (lenet.layers, lenet.kernels):
        assert sum(cost.forward for cost in costs) == pytest.approx(lenet.forward, rel=1e-9)
        assert sum(cost.backward for cost in costs) == pytest.approx(lenet.backward, rel=1e-9)
        assert all(cost.seconds >= 0 for cost in costs)
    assert 0 < lenet.seconds <= min(lenet.walls) * (1 + 1e-9)
    for cost in lenet.layers:
        assert cost.in_kernels <= cost.seconds
    assert sum(c.result_bytes for c in lenet.layers) == sum(c.result_bytes for c in lenet.kernels)


def test_result_bytes_are_the_results_and_views_take_none(lenet):
    costs = {cost.name: cost for cost in lenet.kernels}
    assert costs["conv2d"].result_bytes == 4 * 4 * (6 * 28 * 28 + 16 * 10 * 10)
    assert costs["max_pool2d"].result_bytes == 2 * 4 * 4 * (6 * 14 * 14 + 16 * 5 * 5)  # + indices
    assert costs["copy"].result_bytes == 4 * 61_706  # a gradient for every parameter
    assert costs["reshape"].result_bytes == costs["transpose"].result_bytes == 0
    assert lenet.peak_bytes >= costs["conv2d"].result_bytes


def test_two_equal_layers_are_told_apart():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    report = profile(model, (3, 4), steps=1)
    calls = [report.calls("matmul", str(i), BACKWARD) for i in range(3)]
    assert calls == [1, 2, 2]  # the input of the first needs no gradient
    assert [report.calls("matmul", str(i), FORWARD) for i in range(3)] == [1, 1, 1]


def test_inner_layers_do_not_count_for_the_outer_one():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.ReLU()

        def forward(self, x):
            return self.inner(x * 2.0) + 1.0

    report = profile(nn.Sequential(nn.Linear(3, 3), Outer()), (2, 3), steps=1)
    assert report.calls("multiply", "1", FORWARD) == 1
    assert report.calls("multiply", "1", BACKWARD) == 1
    assert report.calls("relu", "1") == 0
    assert report.calls("relu", "1.inner") == 1
    assert report.calls("relu_grad", "1.inner") == 1


def normed():
    minidl.manual_seed(3)
    return nn.Sequential(
        *(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()),
        nn.Linear(12, 2),
    )


def test_results_and_gradients_are_bit_for_bit_the_same():
    x = minidl.tensor(np.random.default_rng(0).normal(size=(5, 2, 4, 4)).astype("float32"))
    plain, model = normed(), normed()
    minidl.manual_seed(7)
    y = plain(x)
    y.backward(minidl.ones(5, 2))
    minidl.manual_seed(7)
    clock = Clock(model, model[0].weight.backend)
    output = clock.run([x], backward=True)
    np.testing.assert_array_equal(output.detach().numpy(), y.detach().numpy())
    for profiled, parameter in zip(clock.twin.parameters(), plain.parameters(), strict=True):
        np.testing.assert_array_equal(profiled.grad.numpy(), parameter.grad.numpy())


def test_the_model_and_the_random_numbers_are_left_alone():
    model = normed()
    seen = []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    before = {name: t.numpy().copy() for name, t in model.state_dict().items()}
    arrays = [id(p._array) for p in model.parameters()]
    names = [sorted(vars(m)) for m in model.modules()]
    state = minidl.random.default_generator.get_state()
    profile(model, (5, 2, 4, 4), steps=2)
    assert minidl.random.default_generator.get_state() == state
    assert seen == []
    assert [sorted(vars(m)) for m in model.modules()] == names
    assert [id(p._array) for p in model.parameters()] == arrays
    assert all(p.grad is None and p.backend.name == "numpy" for p in model.parameters())
    for name, t in model.state_dict().items():
        np.testing.assert_array_equal(t.numpy(), before[name])


def test_fused_steps_stay_fused():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.bn, self.act = nn.BatchNorm2d(2), nn.ReLU()

        def forward(self, x):
            return nn.norm_act(x, self.bn, self.act)

    report = profile(Block(), (2, 2, 3, 3), steps=1)
    assert report.calls("batch_norm", "bn") == 1
    assert report.calls("relu") == 0
    assert [cost.name for cost in report.layers] == ["", "bn", "(autograd)"]


def test_forward_alone():
    report = profile(models.create("lenet5"), (2, 1, 28, 28), steps=1, backward=False)
    assert report.backward == 0
    assert report.calls("conv2d") == 2
    assert report.calls("conv2d_weight_grad") == 0


def test_what_cannot_be_profiled_is_refused():
    with pytest.raises(MinidlError, match="backward=False"):
        profile(nn.ReLU(), (1, 2, 2))
    with pytest.raises(MinidlError, match="computes shapes only"):
        profile(nn.Linear(2, 2).to("meta"), (1, 2))
    with pytest.raises(MinidlError, match="steps"):
        profile(nn.Linear(2, 2), (1, 2), steps=0)
    with pytest.raises(MinidlError, match=r"an nn\.Module"):
        profile(print, (1, 2))


def test_tables_and_picture(lenet, tmp_path):
    text, html = str(lenet), lenet._repr_html_()
    for name in ("conv2d_weight_grad", "(outside kernels)", "(autograd)", "activation"):
        assert name in text
        assert name in html
    assert max(map(len, text.splitlines())) <= 80
    assert "(itself)    LeNet5 " in text
    pytest.importorskip("matplotlib")
    lenet.save_picture(tmp_path / "profile.png")
    assert (tmp_path / "profile.png").read_bytes().startswith(b"\x89PNG")


def test_steps_of_very_different_lengths_are_warned_of(lenet):
    fast = lenet.seconds
    quiet = dataclasses.replace(lenet, walls=(fast, 1.4 * fast))
    busy = dataclasses.replace(lenet, walls=(fast, 3.25 * fast))
    assert "!" not in str(quiet)
    assert "! the slowest took 3.2 times as long: the machine was busy" in str(busy)


def test_a_pause_in_one_layer_of_each_step_makes_it_no_bottleneck(monkeypatch):
    run, steps = Clock.run, []

    def paused(self, inputs, backward):
        output = run(self, inputs, backward)
        place = Place(str(len(steps) % 2), FORWARD)
        self.step.spans[place] += 100
        for key, use in self.step.kernels.items():
            if key[0] == place:
                self.step.kernels[key] = use._replace(seconds=use.seconds + 90)
        steps.append(self.step)
        return output

    monkeypatch.setattr(Clock, "run", paused)
    report = profile(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), (2, 4), steps=4, warmup=0)
    assert min(report.walls) > 100
    assert report.seconds < 50
    assert all(0 <= cost.in_kernels <= cost.seconds < 50 for cost in report.layers)
    assert sum(c.seconds for c in report.kernels) == pytest.approx(report.seconds, rel=1e-9)
    assert report.calls("matmul") == 2


def test_layers_and_kernels_of_long_names_fit_eighty_columns(lenet):
    seconds, types = 0.5, {**lenet.types, "conv1": "AdaptiveAveragePooling2dOfAnotherKind"}
    report = dataclasses.replace(lenet, types=types, walls=(seconds,))
    assert max(map(len, str(report).splitlines())) <= 80
    assert "Ada" in str(report)
    assert types["conv1"] in report._repr_html_()


def test_long_tables_add_up_what_they_leave_out():
    report = profile(nn.Sequential(*[nn.Linear(2, 2) for _ in range(9)]), (1, 2), steps=1)
    rows = report.tables(most=4)[0].rows
    assert len(rows) == 4
    assert rows[-1][0] == "(8 others)"
