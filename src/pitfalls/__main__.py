"""``python -m pitfalls``: the command line, also under ``torchrun -m``."""

import sys

from pitfalls.cli import main

if __name__ == "__main__":
    sys.exit(main())
