"""LeNet-5 of today and of 1998, beside the plain functions that figure 2 draws."""

import pytest
from models.parts import check_same_results_and_gradients, prepared
from models.zoo import random_images

import minidl
from minidl import functional as F
from minidl import models
from minidl.tensor import Tensor

NETWORKS = [("lenet5", F.relu, F.max_pool2d), ("lenet5_1998", Tensor.tanh, F.avg_pool2d)]


@pytest.mark.parametrize(("name", "activation", "pool"), NETWORKS)
def test_network_is_the_functions_of_its_figure(name, activation, pool):
    network = prepared(models.create(name, num_classes=3, in_channels=2))
    x = minidl.tensor(random_images((2, 2, 28, 28))[0], requires_grad=True)
    y = activation(F.conv2d(x, network.conv1.weight, network.conv1.bias, padding=2))
    y = activation(F.conv2d(pool(y, 2), network.conv2.weight, network.conv2.bias))
    y = pool(y, 2).reshape(2, 16 * 5 * 5)
    y = activation(F.linear(y, network.fc1.weight, network.fc1.bias))
    y = activation(F.linear(y, network.fc2.weight, network.fc2.bias))
    y = F.linear(y, network.fc3.weight, network.fc3.bias)
    parameters = list(network.parameters())
    check_same_results_and_gradients(network(x), y, [x, *parameters], rtol=1e-9)
