"""HTTP requests that end: a host that answers a byte at a time is cut off.

A socket's own timeout starts anew with every byte that comes, so that a host can keep a reader
waiting inside one call for as long as it likes. A thread looks at the clock instead and shuts the
connection down, which makes the waiting call return.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

__all__ = ["Watchdog"]

TICK_S = 0.25


class Watchdog:
    """Shuts the connections of one request down when nothing has been reported for too long.

    Parameters
    ----------
    longest : float
        Seconds between two calls of `beat`, the first of which is the opening.
    """

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.bit = False
        self._sockets: list[socket.socket] = []
        self._last = time.monotonic()
        self._done = threading.Event()

    @contextmanager
    def open(self, request: Request, timeout: float) -> Iterator[HTTPResponse]:
        """Send a request by http or https, and by nothing that an answer redirects to."""
        director = OpenerDirector()
        for handler in (
            ProxyHandler(),
            _handler(HTTPHandler, HTTPConnection, self),
            _handler(HTTPSHandler, HTTPSConnection, self),
            HTTPRedirectHandler(),
            HTTPDefaultErrorHandler(),
            HTTPErrorProcessor(),
        ):
            director.add_handler(handler)
        self.beat()
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            with director.open(request, timeout=timeout) as answer:
                self.beat()
                yield answer
        finally:
            self._done.set()
            watcher.join()

    def beat(self) -> None:
        """Report that something has come."""
        self._last = time.monotonic()

    def _watch(self) -> None:
        while not self._done.wait(min(TICK_S, self.longest / 4)):
            if time.monotonic() - self._last > self.longest:
                self.bit = True
                for connection in self._sockets:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
                return


def _handler(
    kind: type[HTTPHandler] | type[HTTPSHandler], connection: type[HTTPConnection], dog: Watchdog
) -> HTTPHandler | HTTPSHandler:
    """Return urllib's handler whose connections the watchdog knows."""

    class Watched(connection):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            dog._sockets.append(self.sock)

    class Handler(kind):  # type: ignore[misc, valid-type]
        def do_open(self, _: Any, request: Request, **options: Any) -> Any:
            return super().do_open(Watched, request, **options)

    return Handler()
