"""The networks, one file per paper: `create("lenet5")`, `list("lenet*")`, `card("lenet5")`."""

from minidl.models.card import Card, Paper, Preprocessing
from minidl.models.lenet import LeNet5, lenet5, lenet5_1998
from minidl.models.registry import card, create, register
from minidl.models.registry import names as list
