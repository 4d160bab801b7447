"""Downloads from a server on this machine that cuts, stalls, lies and forgets."""

import functools
import hashlib
import io
import itertools
import pickle
import socket
import tarfile
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from pitfalls.downloads import (
    ResumingDownloader,
    cached_cifar10,
    cifar10,
    fetch_cifar10,
    find_cifar10,
    resuming,
)
from pitfalls.errors import DataError, InputError
from pitfalls.images import CIFAR10_CLASSES, load_dataset
from pitfalls.images.data import CIFAR10_ARCHIVES


@functools.cache
def archive():
    """A small archive in the layout of CIFAR-10's, 20 images a batch."""
    stream = io.BytesIO()
    rng = np.random.default_rng(0)
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        files: dict[str, dict[str, Any]] = {"batches.meta": {"label_names": list(CIFAR10_CLASSES)}}
        for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
            data = rng.integers(0, 256, (20, 3072), dtype=np.uint8)
            files[name] = {"data": data, "labels": (np.arange(20) % 10).tolist()}
        for name, content in files.items():
            raw = pickle.dumps(content, protocol=2)
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return stream.getvalue()


class Host:
    """A server of one file whose behaviour a test can change; it remembers the requests."""

    def __init__(self, body):
        self.body = body
        self.etag = '"one"'
        self.cut_after = []  # bytes to send before cutting, one entry an answer
        self.statuses = []  # status to answer with instead, one entry an answer
        self.ranges = True
        self.heeds_condition = True
        self.pause = 0.0  # seconds between pieces
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/cifar-10-python.tar.gz"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def answer(self, handler):
        self.requests.append(dict(handler.headers))
        if self.statuses:
            status = self.statuses.pop(0)
            if status:
                handler.send_response(status)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
        asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        start = 0
        heeded = not self.heeds_condition or condition in (None, self.etag)
        if asked and self.ranges and heeded:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(self.body):
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{len(self.body)}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
        rest = self.body[start:]
        handler.send_response(206 if start else 200)
        if start:
            last = len(self.body) - 1
            handler.send_header("Content-Range", f"bytes {start}-{last}/{len(self.body)}")
        handler.send_header("Content-Length", str(len(rest)))
        handler.send_header("ETag", self.etag)
        handler.end_headers()
        if self.cut_after:
            rest = rest[: self.cut_after.pop(0)]
        for at in range(0, len(rest), 8192):
            handler.wfile.write(rest[at : at + 8192])
            time.sleep(self.pause)
        handler.close_connection = True

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def make_host():
    hosts = []

    def make(body=None):
        hosts.append(Host(archive() if body is None else body))
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """A cache of our own, our archive as the official one, no official host, no pauses."""
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PITFALLS_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(cifar10, "ARCHIVE_BYTES", len(archive()))
    digest = hashlib.md5(archive()).hexdigest()
    monkeypatch.setitem(CIFAR10_ARCHIVES, "cifar-10-python.tar.gz", digest)
    monkeypatch.setattr(cifar10, "OFFICIAL", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    monkeypatch.setattr("pitfalls.images.data.cifar10.IMAGES_A_BATCH", 20)
    original = ResumingDownloader.__init__

    def impatient(self, *arguments, **options):
        original(self, *arguments, **{"wait": lambda _: None} | options)

    monkeypatch.setattr(ResumingDownloader, "__init__", impatient)


def part(tmp_path):
    return tmp_path / "cache" / "cifar-10-python.tar.gz.part"


def test_fetches_verifies_and_reports_progress(make_host, tmp_path):
    seen = []
    path = fetch_cifar10(mirrors=[make_host().url], on_progress=lambda *at: seen.append(at))
    assert path.read_bytes() == archive()
    assert path == cached_cifar10()
    assert seen[-1] == (len(archive()), len(archive()))
    assert all(a[0] < b[0] for a, b in itertools.pairwise(seen))
    assert [entry.name for entry in path.parent.iterdir()] == ["cifar-10-python.tar.gz"]


def test_cut_transfer_goes_on_where_it_stopped(make_host):
    host = make_host()
    host.cut_after = [100_000, 50_000]
    assert fetch_cifar10(mirrors=[host.url]).read_bytes() == archive()
    assert [request.get("Range") for request in host.requests] == [
        None,
        "bytes=100000-",
        "bytes=150000-",
    ]
    assert [request.get("If-Range") for request in host.requests[1:]] == ['"one"', '"one"']


def test_interrupted_download_is_continued_by_the_next_process(make_host, tmp_path):
    host = make_host()

    def interrupt(done, total):
        if done > 150_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_cifar10(mirrors=[host.url], on_progress=interrupt)
    have = part(tmp_path).stat().st_size
    assert have > 150_000
    fetch_cifar10(mirrors=[host.url])
    assert host.requests[-1]["Range"] == f"bytes={have}-"


def test_changed_file_is_fetched_anew_instead_of_being_spliced(make_host, tmp_path):
    old = make_host(bytes(len(archive())))
    old.cut_after = [100_000] + [0] * 20
    with pytest.raises(DataError):
        fetch_cifar10(mirrors=[old.url])
    assert part(tmp_path).stat().st_size == 100_000
    old.body, old.etag, old.cut_after = archive(), '"two"', []
    assert fetch_cifar10(mirrors=[old.url]).read_bytes() == archive()
    assert old.requests[-1]["If-Range"] == '"one"'


def test_another_mirror_continues_the_part_of_the_first(make_host):
    first, second = make_host(), make_host()
    second.etag = '"other"'
    first.cut_after = [120_000] + [0] * 20
    assert fetch_cifar10(mirrors=[first.url, second.url]).read_bytes() == archive()
    assert second.requests[0]["Range"] == "bytes=120000-"
    assert "If-Range" not in second.requests[0]


def test_host_without_ranges_starts_over(make_host):
    host = make_host()
    host.ranges = False
    host.cut_after = [120_000]
    assert fetch_cifar10(mirrors=[host.url]).read_bytes() == archive()


def test_mirror_with_another_file_is_passed_over(make_host, tmp_path):
    wrong, right = make_host(bytes(len(archive()))), make_host()
    assert fetch_cifar10(mirrors=[wrong.url, right.url]).read_bytes() == archive()
    assert "Range" not in right.requests[0]  # nothing of the wrong file was kept


def test_mirror_with_a_file_of_another_length_is_refused_before_it_is_fetched(make_host):
    with pytest.raises(DataError, match="offers 5 bytes where"):
        fetch_cifar10(mirrors=[make_host(b"hello").url])


def test_error_statuses_are_tried_again_or_not(make_host):
    host = make_host()
    host.statuses = [503, 429, 0]
    fetch_cifar10(mirrors=[host.url])
    assert len(host.requests) == 3
    missing = make_host()
    missing.statuses = [404] * 9
    cached = cached_cifar10()
    assert cached is not None
    cached.unlink()
    with pytest.raises(DataError, match="answers with status 404"):
        fetch_cifar10(mirrors=[missing.url])
    assert len(missing.requests) == 1


def test_part_that_is_complete_needs_no_transfer(make_host, tmp_path):
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(archive())
    host = make_host()
    assert fetch_cifar10(mirrors=[host.url]).read_bytes() == archive()


def test_part_that_is_too_long_is_thrown_away(make_host, tmp_path):
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(archive() + b"more")
    assert fetch_cifar10(mirrors=[make_host().url]).read_bytes() == archive()


def test_damaged_part_is_found_out_by_the_checksum_and_the_next_address_helps(make_host, tmp_path):
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(bytes(70_000))
    host = make_host()
    assert fetch_cifar10(mirrors=[host.url, host.url]).read_bytes() == archive()


def test_slow_host_is_given_up_when_patience_is_short_and_the_part_is_kept(
    make_host, monkeypatch, tmp_path
):
    monkeypatch.setattr(resuming, "PROBE_S", 0.05)
    monkeypatch.setattr(resuming, "CHUNK", 8192)
    host = make_host()
    host.pause = 0.02
    with pytest.raises(DataError, match="kB/s, so the download would take"):
        fetch_cifar10(mirrors=[host.url], patience=0.01)
    assert part(tmp_path).stat().st_size > 0


def test_second_process_is_refused(make_host, tmp_path):
    part(tmp_path).parent.mkdir()
    with (
        FileLock(f"{part(tmp_path)}.lock"),
        pytest.raises(DataError, match="being downloaded by another"),
    ):
        fetch_cifar10(mirrors=[make_host().url])


def test_cache_folder_that_cannot_be_written_is_named(make_host, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match="cannot be written"):
        fetch_cifar10(mirrors=[make_host().url])


@pytest.mark.parametrize("mirror", ["ftp://x/y", "file:///etc/passwd", "x.tar.gz", "http://"])
def test_mirror_must_be_a_web_address(mirror):
    with pytest.raises(InputError, match="http or https"):
        fetch_cifar10(mirrors=[mirror])


def test_mirror_may_be_the_folder_of_the_archive(make_host):
    host = make_host()
    assert fetch_cifar10(mirrors=[host.url.rsplit("/", 1)[0]]).exists()


# ---- load_dataset without a source ----------------------------------------------------------


def test_nothing_named_and_nothing_in_reach_gives_the_digits_and_says_so():
    data = load_dataset(find_cifar10=find_cifar10)
    assert data.name == "digits"
    (warning,) = data.warnings
    assert "not CIFAR-10" in warning
    assert "could not be reached" in warning


def test_nothing_named_takes_the_download_then_the_cache(make_host):
    host = make_host()
    assert load_dataset(find_cifar10=partial(find_cifar10, mirrors=[host.url])).name == "CIFAR-10"
    asked = len(host.requests)
    data = load_dataset(find_cifar10=partial(find_cifar10, mirrors=[host.url]))
    assert data.name == "CIFAR-10"
    assert data.warnings == ()
    assert len(host.requests) == asked


def test_download_can_be_forbidden():
    data = load_dataset()
    assert data.name == "digits"
    assert "none was looked for" in data.warnings[0]


def test_cifar10_by_name_is_that_or_an_error():
    with pytest.raises(DataError, match="could not be reached"):
        load_dataset("cifar10", find_cifar10=find_cifar10)
    with pytest.raises(DataError, match="pitfalls images download"):
        load_dataset("cifar10")


def test_variable_names_the_default_source(monkeypatch, tmp_path):
    monkeypatch.setenv("PITFALLS_DATA", "digits")
    assert load_dataset().warnings == ()
    monkeypatch.setenv("PITFALLS_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere does not exist"):
        load_dataset()


# ---- hosts that send too much, too little, or something else --------------------------------


def raw_host(send):
    """A server that does what it likes with the connection; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection, suppress(OSError):
                connection.settimeout(5)
                connection.recv(4096)
                send(connection, stop)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/cifar-10-python.tar.gz"
    finally:
        stop.set()
        thread.join()
        listener.close()


def endless(connection, stop):
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not stop.is_set():
        connection.sendall(bytes(1 << 16))


def dribble(head):
    def send(connection, stop):
        connection.sendall(head)
        while not stop.wait(0.02):
            connection.sendall(b"1")

    return send


def test_a_host_that_says_no_length_is_stopped_at_the_expected_one(tmp_path):
    with (
        contextmanager(raw_host)(endless) as url,
        pytest.raises(DataError, match="sends more than the"),
    ):
        fetch_cifar10(mirrors=[url])
    assert part(tmp_path).stat().st_size <= len(archive())


DRIBBLES = {
    "body": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\nX: ",
    "status": b"HTTP/1.1 2",
    "chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("place", DRIBBLES)
@pytest.mark.parametrize("patience", [None, 1.0])
def test_a_host_that_sends_a_byte_at_a_time_is_given_up(monkeypatch, place, patience):
    for name, value in (("PROBE_S", 0.2), ("WINDOW_S", 0.3)):
        monkeypatch.setattr(resuming, name, value)
    original = ResumingDownloader.__init__

    def hasty(self, *arguments, **options):
        original(self, *arguments, **{"timeout": 0.3, "attempts": 2} | options)

    monkeypatch.setattr(ResumingDownloader, "__init__", hasty)
    with (
        contextmanager(raw_host)(dribble(DRIBBLES[place])) as url,
        pytest.raises(DataError, match=r"byte at a time|bytes a second|kB/s|reached"),
    ):
        fetch_cifar10(mirrors=[url], patience=patience)


def test_a_part_of_a_changed_file_is_not_continued_by_a_host_that_ignores_the_condition(
    make_host, tmp_path
):
    host = make_host(bytes(len(archive())))
    host.cut_after = [100_000] + [0] * 20
    with pytest.raises(DataError):
        fetch_cifar10(mirrors=[host.url])
    host.body, host.etag, host.cut_after, host.heeds_condition = archive(), '"two"', [], False
    assert fetch_cifar10(mirrors=[host.url]).read_bytes() == archive()
    assert [request.get("Range") for request in host.requests[-2:]] == ["bytes=100000-", None]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 206 OK\r\nContent-Range: bytes x-y/z\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 206 OK\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"rubbish\x1b[2J\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1:9/x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
)
def test_answers_that_are_none_are_one_line(head):
    with (
        contextmanager(raw_host)(lambda connection, stop: connection.sendall(head)) as url,
        pytest.raises(DataError) as raised,
    ):
        fetch_cifar10(mirrors=[url])
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("note", ["[]", "3", "{", '{"url": 3}', "\x00", "[" * 100_000])
def test_a_damaged_note_beside_the_part_is_ignored(make_host, tmp_path, note):
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(archive()[:1000])
    part(tmp_path).with_name(part(tmp_path).name + ".json").write_text(note)
    assert fetch_cifar10(mirrors=[make_host().url]).read_bytes() == archive()
