"""The naive truths against PyTorch, on whatever the conformance suite draws and picks."""

import numpy as np
import pytest

from minidl.testing import naive
from minidl.testing.conformance import Call
from minidl.testing.conformance.suites import SUITES

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.oracle


def calls(kernel):
    return [Call(kernel, config) for config in SUITES[kernel].cases]


def tensor(array):
    return None if array is None else torch.from_numpy(np.ascontiguousarray(array))


def padded(x, padding, value=0.0):
    top, left, bottom, right = padding
    return F.pad(tensor(x), (left, right, top, bottom), value=value)


def close(got, expected):
    np.testing.assert_allclose(got, np.asarray(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("call", calls("conv2d"))
def test_conv2d(call):
    v = dict(call.values)
    x = padded(v["x"], v["padding"])
    close(
        naive.conv2d(**v),
        F.conv2d(
            x, tensor(v["weight"]), tensor(v["bias"]), stride=v["stride"],
            dilation=v["dilation"], groups=v["groups"],
        ),
    )  # fmt: skip


def symmetric(call):
    top, left, bottom, right = call.values.get("padding", (0, 0, 0, 0))
    return (top, left) == (bottom, right)


@pytest.mark.parametrize("call", [c for c in calls("max_pool2d") if symmetric(c)])
def test_max_pool2d(call):
    v = {**call.values, "return_indices": True}
    y, indices = naive.max_pool2d(**v)
    expected, expected_indices = F.max_pool2d(
        tensor(v["x"]), v["kernel_size"], v["stride"], v.get("padding", (0, 0))[:2],
        v.get("dilation", 1), v.get("ceil_mode", False), return_indices=True,
    )  # fmt: skip
    close(y, expected)
    real = ~np.isnan(y)  # PyTorch's CPU kernel keeps the last NaN of a window, ours the first
    assert (indices == expected_indices.numpy())[real].all()


@pytest.mark.parametrize("call", [c for c in calls("avg_pool2d") if symmetric(c)])
def test_avg_pool2d(call):
    v = call.values
    expected = F.avg_pool2d(
        tensor(v["x"]), v["kernel_size"], v["stride"], v.get("padding", (0, 0))[:2],
        v.get("ceil_mode", False), v.get("count_include_pad", True), v.get("divisor_override"),
    )  # fmt: skip
    close(naive.avg_pool2d(**v), expected)


@pytest.mark.parametrize("call", calls("adaptive_avg_pool2d"))
def test_adaptive_avg_pool2d(call):
    v = call.values
    close(naive.adaptive_avg_pool2d(**v), F.adaptive_avg_pool2d(tensor(v["x"]), v["output_size"]))


@pytest.mark.parametrize("call", calls("local_response_norm"))
def test_local_response_norm(call):
    v = call.values
    expected = F.local_response_norm(tensor(v["x"]), v["size"], v["alpha"], v["beta"], v["k"])
    close(naive.local_response_norm(**v), expected)


def ordinary_targets(call):
    """PyTorch refuses targets out of range; and 0 · inf is NaN to it, while we leave it out."""
    v = call.values
    inside = (v["target"] >= 0) & (v["target"] < v["logits"].shape[1])
    return np.isfinite(v["logits"]).all() and bool(
        (inside | (v["target"] == v.get("ignore_index", -100))).all()
    )


@pytest.mark.parametrize("call", [c for c in calls("softmax_cross_entropy") if ordinary_targets(c)])
def test_softmax_cross_entropy(call):
    v = call.values
    expected = F.cross_entropy(
        tensor(v["logits"]), tensor(v["target"].astype(np.int64)), tensor(v["class_weight"]),
        ignore_index=v.get("ignore_index", -100), reduction="none",
        label_smoothing=v.get("label_smoothing", 0.0),
    )  # fmt: skip
    close(naive.softmax_cross_entropy(**v), expected)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("sigmoid", torch.sigmoid),
        ("tanh", torch.tanh),
        ("silu", F.silu),
        ("hardswish", F.hardswish),
        ("relu6", F.relu6),
    ],
)
def test_activations(name, reference):
    for call in calls(name):
        close(getattr(naive, name)(**call.values), reference(tensor(call.values["x"])))


@pytest.mark.parametrize("call", calls("channel_shuffle"))
def test_channel_shuffle(call):
    x, groups = call.values["x"], call.values["groups"]
    spatial = x.reshape(*x.shape, *(1,) * (4 - x.ndim))
    expected = F.channel_shuffle(tensor(spatial), groups) if x.size else tensor(spatial)
    close(naive.channel_shuffle(x, groups=groups).reshape(spatial.shape), expected)


STATES = {
    "sgd_step": ("momentum_buffers",),
    "adam_step": ("exp_avgs", "exp_avg_sqs"),
    "rmsprop_step": ("square_avgs", "momentum_buffers", "grad_avgs"),
}
NAMES = {
    "momentum_buffers": "momentum_buffer",
    "exp_avgs": "exp_avg",
    "exp_avg_sqs": "exp_avg_sq",
    "square_avgs": "square_avg",
    "grad_avgs": "grad_avg",
}


def optimizer(kernel, params, v):
    common = {"lr": float(v["lr"]), "weight_decay": v.get("weight_decay", 0.0)}
    if kernel == "sgd_step":
        options = {k: v[k] for k in ("momentum", "dampening", "nesterov") if k in v}
        return torch.optim.SGD(params, **common, **options)
    if kernel == "adam_step":
        cls = torch.optim.AdamW if v.get("decoupled") else torch.optim.Adam
        return cls(params, **common, betas=(v["beta1"], v["beta2"]), eps=v["eps"])
    options = {k: v[k] for k in ("alpha", "eps", "momentum", "centered") if k in v}
    return torch.optim.RMSprop(params, **common, **options)


@pytest.mark.parametrize(
    "call",
    [c for kernel in STATES for c in calls(kernel) if c.config["params"]],
    ids=lambda c: f"{c.kernel}-{c.config.get('weight_decay', 0)}-{c.config['step']}",
)
def test_optimizer_steps(call):
    v = call.values
    params = [tensor(p.copy()).requires_grad_() for p in v["params"]]
    stepper = optimizer(call.kernel, params, v)
    for k, p in enumerate(params):
        p.grad = tensor(v["grads"][k] * float(v.get("grad_scale", 1.0)))
        state = {NAMES[s]: tensor(v[s][k].copy()) for s in STATES[call.kernel] if v[s]}
        if call.kernel == "sgd_step" and v["step"] == 1:
            state = {}
        elif call.kernel != "sgd_step":
            state["step"] = torch.tensor(float(v["step"]) - 1)
        stepper.state[p] = state
    stepper.step()
    truth = call.truth()
    for k, p in enumerate(params):
        close(truth[f"params[{k}]"], p.detach())
        for name in STATES[call.kernel]:
            if v[name]:
                close(truth[f"{name}[{k}]"], stepper.state[p][NAMES[name]])
