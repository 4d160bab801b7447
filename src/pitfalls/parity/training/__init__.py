"""Gradient descent on parity: one network, many side by side, deep ones."""
