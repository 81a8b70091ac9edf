"""Depthwise convolution and its two gradients."""
