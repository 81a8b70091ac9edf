"""Training: the loop, a recipe for each model, what a run leaves in its folder.

run       trains a model by name, as `minidl train` does
fit       the loop itself, for a model and data of your own
evaluate  loss and accuracy on a data set
predict   the logits of a data set
"""

from minidl.train.metrics import accuracy
from minidl.train.recipes import RECIPES, Recipe, recipe_for
from minidl.train.run import run
from minidl.train.trainer import Epoch, evaluate, fit, predict

__all__ = [
    "RECIPES",
    "Epoch",
    "Recipe",
    "accuracy",
    "evaluate",
    "fit",
    "predict",
    "recipe_for",
    "run",
]
