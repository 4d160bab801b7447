"""What the gradient of the risk says about the target: exactly, for every target, layer by layer."""
