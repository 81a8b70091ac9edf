"""The networks, one file per paper: `create("lenet5")`, `list("lenet*")`."""

from minidl.models.lenet import LeNet5, lenet5, lenet5_1998
from minidl.models.registry import create, register
from minidl.models.registry import names as list
