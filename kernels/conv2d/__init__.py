"""2-D convolution and its two gradients."""
