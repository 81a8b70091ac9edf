"""Write cards.json: accuracies and preprocessing that torchvision and timm publish with weights.

Run with torchvision and timm installed: python tests/golden/make_cards.py

torchvision's are of its first weights, IMAGENET1K_V1; timm publishes no accuracies with its own.
"""

import json
import math
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.references import PUBLISHED  # noqa: E402
from torchvision_oracle import TIMM_NAMES, import_torchvision  # noqa: E402

torchvision = import_torchvision()
import timm  # noqa: E402  (after torchvision, which it imports)


def of_torchvision(name):
    weights = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"]
    pictures = weights.transforms()
    return {
        "top1": weights.meta["_metrics"]["ImageNet-1K"]["acc@1"],
        "resize": pictures.resize_size[0],
        "crop": pictures.crop_size[0],
        "interpolation": pictures.interpolation.value,
        "mean": pictures.mean,
        "std": pictures.std,
    }


def of_timm(name):
    weights = timm.get_pretrained_cfg(TIMM_NAMES.get(name, name))
    side = weights.input_size[1]
    return {
        "resize": math.floor(side / weights.crop_pct),
        "crop": side,
        "interpolation": weights.interpolation,
        "mean": weights.mean,
        "std": weights.std,
    }


def main():
    made_with = f"torchvision {torchvision.__version__}, timm {timm.__version__}"
    lines = [f'"made_with": "{made_with}"']
    for name, entry in sorted(PUBLISHED.items()):
        of = of_torchvision if entry.library == "torchvision" else of_timm
        lines.append(f'"{name}": {json.dumps(of(name))}')
    (HERE / "cards.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
