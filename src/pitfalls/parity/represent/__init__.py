"""Networks that equal a parity, and the proof that they do."""
