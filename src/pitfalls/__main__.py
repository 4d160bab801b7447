"""``pitfalls`` and ``python -m pitfalls``: the command line, also under ``torchrun -m``."""

import atexit
import os
import shlex
import signal
import sys
from types import FrameType


def run() -> int:
    """Run the command line; Ctrl-C and polite kills end it with one line from the first import on."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a terminal that knows few letters must not stop a command
            stream.reconfigure(errors="backslashreplace")
    try:
        from pitfalls.cli import main

        code = main()
    except KeyboardInterrupt:
        words = [word for word in sys.argv[1:] if word not in ("--fresh", "--debug")]
        names = [name for name in ("PITFALLS_DATA", "PITFALLS_RUNS") if os.environ.get(name)]
        variables = [f"{name}={shlex.quote(os.environ[name])}" for name in names]
        again = " ".join([*variables, shlex.join(["pitfalls", *words])])
        sys.stderr.write(f"pitfalls: error: interrupted. Go on with: {ascii(again)[1:-1]}\n")
        code = 130
    if code == 130:
        # one more Ctrl-C from an impatient hand must not spoil the exit code
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # nor may Python: after an interrupt within exec(), as dataclasses use it, it would end by a signal
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    return code


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(run())
