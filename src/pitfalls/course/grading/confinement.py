"""What the operating system takes from a process before it runs untrusted work (Linux).

Each layer stands alone, and what a machine does not offer is left out and named: limits, another user,
no files but a few (Landlock), no other processes and no network (a seccomp filter).
"""

import ctypes
import errno
import os
import platform
import resource
import stat
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Limits", "confine", "limit_memory", "open_memory", "process_control"]

LIBC: Final = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

PR_SET_DUMPABLE: Final = 4
PR_SET_KEEPCAPS: Final = 8
PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38
SECCOMP_MODE_FILTER: Final = 2
CAP_DAC_READ_SEARCH: Final = 2
CLONE_THREAD: Final = 0x10000

LIBRARY_MB: Final = 1024
"""On top of numpy and torch, while the libraries are imported: addresses, most of them never used."""

USERS: Final = range(61_000, 65_000)
"""Users that no one is: a process of such a user may touch nothing that is not everyone's."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes
    ----------
    call_seconds : float
        For one question put to it, on the clock.
    cpu_seconds : int
        Of the processor, for one process.
    total_seconds : float
        For all of one submission, on the clock.
    memory_mb : int
        On top of what numpy, torch and the libraries take that the work imports.
    file_mb, disk_mb : int
        One file it writes; all of them.
    """

    call_seconds: float = 30.0
    cpu_seconds: int = 120
    total_seconds: float = 400.0
    memory_mb: int = 256
    file_mb: int = 4
    disk_mb: int = 16


def confine(limits: Limits, folder: str, user: int | None, memory: int) -> list[str]:
    """Take from this process what the work does not need; returns the layers that hold.

    The memory is limited with room for libraries; ``limit_memory`` takes it away when they are there.
    """
    limit(limits, memory)
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    layers = ["limits"]
    holds: dict[str, Callable[[], bool]] = {
        "files": lambda: restrict_files(_readable(), [folder]),
        "user": lambda: drop_user(user),
        "calls": restrict_calls,
    }
    for name, hold in holds.items():
        try:
            if hold():
                layers.append(name)
        except OSError:
            pass
    return layers


def process_control(what: int, value: int, more: bytes | None = None) -> bool:
    """Call prctl; True if it was granted."""
    word = ctypes.c_ulong
    second = word(0) if more is None else ctypes.c_char_p(more)
    return bool(LIBC.prctl(what, word(value), second, word(0), word(0)) == 0)


def _call(number: int, *arguments: object) -> int:
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(LIBC.syscall(ctypes.c_long(number), *given))


def limit(limits: Limits, memory: int) -> None:
    """Set the limits of this process, beyond what it holds already."""
    limit_memory(limits.memory_mb + LIBRARY_MB, memory)
    for what, most in (
        (resource.RLIMIT_FSIZE, limits.file_mb * 2**20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        _lower(what, most)
    # at the first the process is told by a signal that has a name, at the second it is killed
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))


def open_memory() -> int:
    """Open the file that tells a process's size: once files are forbidden, it is too late."""
    return os.open("/proc/self/statm", os.O_RDONLY)


def limit_memory(more_mb: int, memory: int) -> None:
    """Limit the addresses of this process to what it has, as ``open_memory`` tells, and so much more."""
    size = int(os.pread(memory, 200, 0).split()[0]) * resource.getpagesize()
    _lower(resource.RLIMIT_AS, size + more_mb * 2**20)


def _lower(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def drop_user(user: int | None) -> bool:
    """Become a user that owns nothing and may start no process."""
    if user is not None and os.geteuid() == 0:
        reading = not _open_to_all(Path(sys.executable), Path(os.__file__))
        os.setgroups([])
        process_control(PR_SET_KEEPCAPS, 1)
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        _keep_capabilities(1 << CAP_DAC_READ_SEARCH if reading else 0)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return user is not None and os.geteuid() == user


def _keep_capabilities(mask: int) -> None:
    """Keep these of root's powers; reading alone, where Python lies in a folder that is root's."""
    header = struct.pack("Ii", 0x20080522, 0)
    LIBC.capset(header, struct.pack("6I", mask, mask, 0, 0, 0, 0))


def _open_to_all(*files: Path) -> bool:
    return all(
        place.stat().st_mode & stat.S_IXOTH for file in files for place in file.absolute().parents
    )


# --------------------------------------------------------------------------- files: Landlock

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL_BY_VERSION: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
IN_A_FILE: Final = EXECUTE | WRITE_FILE | READ_FILE | (1 << 14)


def _readable() -> list[tuple[str, int]]:
    """List what Python needs: its own files and the system's, but not this project's."""
    whole = READ_FILE | READ_DIR | EXECUTE
    system = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")
    devices = ("/dev/null", "/dev/urandom", "/dev/random", "/dev/zero")
    found = [(path, whole) for path in system]
    found += [(path, READ_FILE | WRITE_FILE) for path in devices]
    places = {str(Path(os.__file__).parent), os.path.join(sys.base_prefix, "lib")}
    places |= {place for place in sys.path if place.rstrip("/").endswith(("-packages", ".zip"))}
    for place in places:
        found.append((place, READ_DIR))
        if place.endswith("-packages"):
            # one by one: this project may be installed among them
            entries = [os.path.join(place, name) for name in os.listdir(place)]
            found += [
                (entry, whole) for entry in entries if "pitfalls" not in os.path.basename(entry)
            ]
        else:
            found.append((place, whole))
    return found


def restrict_files(readable: Sequence[tuple[str, int]], writable: Sequence[str]) -> bool:
    """Forbid every file that is not listed, for this process and all it starts (Landlock)."""
    version = _call(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    handled = ALL_BY_VERSION[max(v for v in ALL_BY_VERSION if v <= version)]
    network = 3 if version >= 4 else 0
    scoped = 3 if version >= 6 else 0
    n_fields = 3 if version >= 6 else 2 if version >= 4 else 1
    attribute = struct.pack("QQQ", handled, network, scoped)[: 8 * n_fields]
    rules = _call(CREATE_RULESET, attribute, len(attribute), 0)
    if rules < 0:
        return False
    try:
        for path, access in [*readable, *((path, handled) for path in writable)]:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            if not os.path.isdir(path):
                access &= IN_A_FILE
            rule = struct.pack("=Qi", access & handled, descriptor)
            _call(ADD_RULE, rules, 1, rule, 0)
            os.close(descriptor)
        return _call(RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


# ------------------------------------------------------------------- system calls: seccomp

AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NUMBERS: Final[dict[str, dict[str, int]]] = {
    "x86_64": {
        "socket": 41, "socketpair": 53, "connect": 42, "bind": 49, "listen": 50, "shmget": 29,
        "fork": 57, "vfork": 58, "clone": 56, "clone3": 435, "execve": 59, "execveat": 322,
        "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
        "pidfd_open": 434, "pidfd_send_signal": 424, "ptrace": 101, "process_vm_readv": 310,
        "process_vm_writev": 311, "memfd_create": 319, "memfd_secret": 447, "mount": 165,
        "unshare": 272, "setns": 308, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "io_uring_setup": 425, "keyctl": 250, "add_key": 248, "msgget": 68, "semget": 64,
        "mq_open": 240, "chmod": 90, "fchmod": 91, "fchmodat": 268, "prlimit64": 302,
        "open_by_handle_at": 304, "io_uring_enter": 426,
    },
    "aarch64": {
        "socket": 198, "socketpair": 199, "connect": 203, "bind": 200, "listen": 201,
        "shmget": 194, "clone": 220, "clone3": 435, "execve": 221, "execveat": 281, "kill": 129,
        "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
        "pidfd_open": 434, "pidfd_send_signal": 424, "ptrace": 117, "process_vm_readv": 270,
        "process_vm_writev": 271, "memfd_create": 279, "memfd_secret": 447, "mount": 40,
        "unshare": 97, "setns": 268, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
        "io_uring_setup": 425, "keyctl": 219, "add_key": 217, "msgget": 186, "semget": 190,
        "mq_open": 180, "fchmod": 52, "fchmodat": 53, "prlimit64": 261,
        "open_by_handle_at": 265, "io_uring_enter": 426,
    },
}  # fmt: skip
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, ABSENT = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS


def restrict_calls() -> bool:
    """Refuse other processes, sockets, signals to others and memory outside the limits (seccomp)."""
    machine = platform.machine()
    if machine not in NUMBERS:
        return False
    code = _program(machine)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    return process_control(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program)


def _program(machine: str) -> bytes:
    """Assemble the filter (classic BPF over struct seccomp_data)."""

    def load(offset: int) -> bytes:
        return struct.pack("HBBI", 0x20, 0, 0, offset)

    def jump(code: int, value: int, yes: int, no: int) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    def give(value: int) -> bytes:
        return struct.pack("HBBI", 0x06, 0, 0, value)

    equal, at_least, any_bit = 0x15, 0x35, 0x45
    number, arch, argument = 0, 4, 16
    lines = [load(arch), jump(equal, AUDIT_ARCH[machine], 1, 0), give(KILL), load(number)]
    # numbers of the x32 calls would pass by every comparison below
    lines += [jump(at_least, 0x40000000, 0, 1), give(REFUSE)]
    for name, value in NUMBERS[machine].items():
        if name == "clone":  # a thread may start, a process may not
            test = [load(argument), jump(any_bit, CLONE_THREAD, 1, 0), give(REFUSE), give(ALLOW)]
        elif name in ("tgkill", "kill"):  # abort() signals its own process
            test = [load(argument), jump(equal, os.getpid(), 1, 0), give(REFUSE), give(ALLOW)]
        elif name == "prlimit64":  # reading one's own limits only: a new limit is refused
            test = [load(argument), jump(equal, 0, 1, 0), give(REFUSE), give(ALLOW)]
        else:
            test = [give(ABSENT if name == "clone3" else REFUSE)]
        lines += [jump(equal, value, 0, len(test)), *test]
    lines.append(give(ALLOW))
    return b"".join(lines)
