"""Several processes on one run: who they are, who writes, and what they agree on."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from pitfalls.errors import PitfallsError, ResourceError

__all__ = [
    "World",
    "gather_sum",
    "join",
    "launched_rank",
    "launched_size",
    "leave",
    "meeting_place",
    "send_home",
    "share_from_first",
    "wait_for_first",
    "world",
]

PATIENCE = timedelta(hours=2)  # the first process may evaluate or download while the others wait


class World:
    """A process' rank and how many there are.

    Attributes
    ----------
    rank, size : int
    called : bool
        Whether the first process has called the others to work.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size
        self.called = False

    @property
    def writes(self) -> bool:
        """Whether this is the one process that reports and saves."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Return this process' rows of a batch of n; shares differ by at most one row."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)


def launched_rank() -> int:
    """Return the rank that ``torchrun`` gave this process; 0 without it."""
    return int(os.environ.get("RANK", "0"))


def launched_size() -> int:
    """Return how many processes ``torchrun`` started: 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


_alone = World(0, 1)
_joined: World | None = None


def world() -> World:
    """Return the processes that work together at the moment."""
    return _joined or _alone


def meeting_place() -> Any:
    """Return where the processes leave their addresses for each other.

    After a worker's death ``torchrun`` starts all anew and gives them the store of the try before,
    with the addresses of the dead in it (torch 2.13): whoever reads before the others have written
    is refused. So each try has keys of its own. Only one agent's count of restarts is everybody's;
    with several, only those that saw the failure count it.
    """
    store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
    alone = os.environ.get("GROUP_WORLD_SIZE", "1") == "1"
    tries = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") if alone else "0"
    return PrefixStore(f"try {tries}", store)


@contextmanager
def join(device: str = "cpu") -> Iterator[World]:
    """Join the processes that ``torchrun`` started; alone, do nothing.

    gloo connects them on CPUs and nccl on GPUs, one GPU a process. Where only the first process
    knows whether there is work, the others wait for its word in `called_to_work`; it gives it by
    `call_to_work` or, when it turns out that there is none, by `send_home`.

    Raises
    ------
    ResourceError
        If another of the processes dies.
    """
    global _joined
    if launched_size() == 1:
        yield _alone
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        store=meeting_place(),
        rank=launched_rank(),
        world_size=launched_size(),
        timeout=PATIENCE,
    )
    _joined = World(dist.get_rank(), dist.get_world_size())
    try:
        yield _joined
    except RuntimeError as error:
        if isinstance(error, PitfallsError) or "by peer" not in str(error):
            raise
        raise ResourceError(
            "train: another of this run's processes has died; the last checkpoint stays. The same "
            "command goes on from it, and torchrun --max-restarts 3 gives it by itself."
        ) from None
    finally:
        _joined = None
        dist.destroy_process_group()


def call_to_work() -> None:
    """Tell the waiting processes to start; called by the first one."""
    if world().size > 1:
        world().called = True
        share_from_first(True)


def send_home() -> None:
    """Tell the waiting processes, unless they were called, that there is no work."""
    if world().size > 1 and not world().called:
        share_from_first(False)


def wait_for_first() -> None:
    """Wait until the first process has gone, so that its message comes before this one's end."""
    # Nothing is sent: the call fails when the other side closes, which is what is waited for.
    with suppress(RuntimeError):
        share_from_first(None)


def leave(code: int) -> NoReturn:
    """End this process at once, its work done and the others left, without tidying up Python.

    While Python tidies up, a thread of gloo that is still about aborts the process now and then
    (torch 2.13: "terminate called without an active exception"), and ``torchrun`` calls a run
    failed that has succeeded.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def called_to_work() -> bool:
    """Wait until the first process says whether there is work."""
    return bool(share_from_first(None))


def share_from_first(value: Any) -> Any:
    """Give every process the first one's value (JSON-like, or a dict of tensors)."""
    if world().size == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def copy_from_first(tensors: Sequence[Tensor]) -> None:
    """Overwrite tensors, in place, with those of the first process."""
    if world().size > 1:
        for tensor in tensors:
            # Detached, because a broadcast into a parameter would count as a step of autograd.
            dist.broadcast(tensor.detach(), src=0)


def gather_sum(values: Tensor, device: torch.device | str) -> Tensor:
    """Add numbers over all processes, on the device where these meet, without waiting for it."""
    if world().size == 1:
        return values
    total = values.to(device)
    dist.all_reduce(total)
    return total
