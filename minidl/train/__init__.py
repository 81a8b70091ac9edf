"""Training: the loop, a recipe for each model, what a run leaves in its folder.

run         trains a model by name, as `minidl train` does
fit         the loop itself, for a model and data of your own
load_model  a model with the weights that a run left
evaluate    loss and accuracy on a data set
predict     the logits of a data set
"""

from minidl.train.checkpoint import load_checkpoint, load_model, save_checkpoint
from minidl.train.families import as_published, recipe_for
from minidl.train.metrics import accuracy
from minidl.train.recipes import RECIPES, Recipe
from minidl.train.run import continue_run, run
from minidl.train.trainer import Epoch, Trainer, Watcher, evaluate, fit, predict

__all__ = [
    "RECIPES",
    "Epoch",
    "Recipe",
    "Trainer",
    "Watcher",
    "accuracy",
    "as_published",
    "continue_run",
    "evaluate",
    "fit",
    "load_checkpoint",
    "load_model",
    "predict",
    "recipe_for",
    "run",
    "save_checkpoint",
]
