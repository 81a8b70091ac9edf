"""PyTorch's arguments of layers and modules that minidl hasn't got, and what to do instead."""

from __future__ import annotations

from typing import Any

from minidl.naming import PyTorchs, refuse_arguments

_ELSEWHERE = (
    "In minidl a backend says where arrays live: move the layer with .to(backend), or make it "
    "within minidl.use_backend(backend)"
)
_LAYERS: PyTorchs = {
    "device": (None, _ELSEWHERE),
    "dtype": (None, "Layers are made in float32: convert with .double() or .to(dtype)"),
    "padding_mode": (
        "zeros",
        "minidl pads with zeros only: make the border yourself before the layer",
    ),
}


def refuse_layer_arguments(layer: str, given: dict[str, Any], function: Any) -> None:
    """Explain what is given to a layer beyond its own arguments."""
    refuse_arguments(layer, given, function, _LAYERS)
