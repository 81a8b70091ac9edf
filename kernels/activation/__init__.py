"""Element-wise activations and their gradients."""
