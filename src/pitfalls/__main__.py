"""``pitfalls`` and ``python -m pitfalls``: the command line, also under ``torchrun -m``."""

import signal
import sys


def run() -> int:
    """Run the command line; Ctrl-C ends it with one line from the first import to the last."""
    try:
        from pitfalls.cli import main

        code = main()
    except KeyboardInterrupt:
        sys.stderr.write("pitfalls: error: interrupted.\n")
        code = 130
    if code == 130:
        # one more Ctrl-C from an impatient hand must not spoil the exit code
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    sys.exit(run())
