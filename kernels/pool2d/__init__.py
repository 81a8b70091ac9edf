"""Max, average and adaptive average pooling."""
