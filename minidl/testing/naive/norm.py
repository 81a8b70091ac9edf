"""Batch normalisation, local response normalisation and their gradients, by loops.

The gradients are sums over the Jacobian, entry by entry: grad_x[a] = Σ_b grad_y[b] · ∂y[b]/∂x[a].
"""

from __future__ import annotations

import math

import numpy as np

from minidl.testing.naive.activation import FUSED, SLOPES
from minidl.testing.naive.windows import Array, Place


def _channels(x: Array) -> list[list[Place]]:
    """For every channel, the places of x (N, C, …) that belong to it."""
    places: list[list[Place]] = [[] for _ in range(x.shape[1])]
    for place in np.ndindex(x.shape):
        places[place[1]].append(place)
    return places


def batch_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float,
    residual: Array | None = None,
    activation: str | None = None,
) -> tuple[Array, Array, Array]:
    """Normalise with the mean and the (biased) variance of each channel; returns y, mean, var."""
    mean, var = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for c, places in enumerate(_channels(x)):
        mean[c] = math.fsum(float(x[place]) for place in places) / len(places)
        var[c] = math.fsum((float(x[place]) - mean[c]) ** 2 for place in places) / len(places)
    y = batch_norm_inference(
        x, mean, var, weight, bias, eps=eps, residual=residual, activation=activation
    )
    return y, mean, var


def batch_norm_inference(
    x: Array,
    mean: Array,
    var: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float,
    residual: Array | None = None,
    activation: str | None = None,
) -> Array:
    """Normalise with given statistics."""
    y = pre_activation(x, mean, var, weight, bias, eps=eps, residual=residual)
    for place in np.ndindex(y.shape):
        y[place] = FUSED[activation](float(y[place]))
    return y


def pre_activation(
    x: Array,
    mean: Array,
    var: Array,
    weight: Array | None,
    bias: Array | None,
    *,
    eps: float,
    residual: Array | None,
) -> Array:
    """What goes into the activation: (x − mean)/√(var + eps) · weight + bias + residual."""
    z = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        c = place[1]
        z[place] = (float(x[place]) - float(mean[c])) / math.sqrt(float(var[c]) + eps)
        z[place] *= 1.0 if weight is None else float(weight[c])
        z[place] += 0.0 if bias is None else float(bias[c])
        z[place] += 0.0 if residual is None else float(residual[place])
    return z


def batch_norm_grad(
    grad_output: Array,
    x: Array,
    mean: Array,
    var: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float,
    residual: Array | None = None,
    activation: str | None = None,
    training: bool,
    needs: tuple[bool, bool, bool, bool] = (True, True, True, True),
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Gradients in x, weight, bias and residual.

    With m values in a channel, x̂ = (x − mean)/√(var + eps) and, in training, the statistics
    depending on x: ∂x̂[b]/∂x[a] = ([a = b] − 1/m − x̂[a]·x̂[b]/m) / √(var + eps).
    """
    z = pre_activation(x, mean, var, weight, bias, eps=eps, residual=residual)
    grad_x, grad_residual = np.zeros(x.shape), np.zeros(x.shape)
    grad_weight, grad_bias = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for c, places in enumerate(_channels(x)):
        inverse_std = 1 / math.sqrt(float(var[c]) + eps)
        scale = inverse_std * (1.0 if weight is None else float(weight[c]))
        count = len(places)
        normal = {place: (float(x[place]) - float(mean[c])) * inverse_std for place in places}
        for b in places:
            grad = float(grad_output[b]) * SLOPES[activation](float(z[b]))
            grad_residual[b] = grad
            grad_weight[c] += grad * normal[b]
            grad_bias[c] += grad
            if training:
                for a in places:
                    slope = float(a == b) - 1 / count - normal[a] * normal[b] / count
                    grad_x[a] += grad * scale * slope
            else:
                grad_x[b] = grad * scale
    grads = (grad_x, grad_weight, grad_bias, None if residual is None else grad_residual)
    of_x, of_weight, of_bias, of_residual = (
        grad if needed else None for grad, needed in zip(grads, needs, strict=True)
    )
    return of_x, of_weight, of_bias, of_residual


def _neighbours(c: int, channels: int, size: int) -> range:
    """The channels whose squares go into the divisor of channel c."""
    return range(max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1))


def _divisor_bases(x: Array, size: int, alpha: float, k: float) -> Array:
    """k + alpha/size · Σ x² for every element."""
    base = np.full(x.shape, float(k))
    for place in np.ndindex(x.shape):
        n, c, *rest = place
        for other in _neighbours(c, x.shape[1], size):
            base[place] += alpha / size * float(x[(n, other, *rest)]) ** 2
    return base


def local_response_norm(x: Array, *, size: int, alpha: float, beta: float, k: float) -> Array:
    """Every element over a power of the sum of squares of its neighbours across channels."""
    base = _divisor_bases(x, size, alpha, k)
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        y[place] = float(x[place]) / float(base[place]) ** beta
    return y


def local_response_norm_grad(
    grad_output: Array, x: Array, *, size: int, alpha: float, beta: float, k: float
) -> Array:
    """With y_b = x_b · d_b^(−beta) and ∂d_b/∂x_a = 2·alpha/size · x_a for a among b's neighbours:
    ∂y_b/∂x_a = [a = b] · d_b^(−beta) − beta · x_b · d_b^(−beta−1) · ∂d_b/∂x_a.
    """
    base = _divisor_bases(x, size, alpha, k)
    grad_x = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        n, b, *rest = place
        grad, d = float(grad_output[place]), float(base[place])
        grad_x[place] += grad * d**-beta
        for a in _neighbours(b, x.shape[1], size):
            source = (n, a, *rest)
            slope_of_d = 2 * alpha / size * float(x[source])
            grad_x[source] -= grad * beta * float(x[place]) * d ** (-beta - 1) * slope_of_d
    return grad_x
