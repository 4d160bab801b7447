"""Run folders: one folder a run, every write atomic, every interruption resumable."""

from pitfalls.runs.atomic import write_bytes, write_json, write_text
from pitfalls.runs.check import folder_size
from pitfalls.runs.checkpoint import Checkpoint
from pitfalls.runs.config import NOT_IDENTITY, config_hash, config_to_dict
from pitfalls.runs.machine import describe_machine, describe_versions
from pitfalls.runs.manifest import Manifest
from pitfalls.runs.run import Run
from pitfalls.runs.store import RunStore

__all__ = [
    "NOT_IDENTITY",
    "Checkpoint",
    "Manifest",
    "Run",
    "RunStore",
    "config_hash",
    "config_to_dict",
    "describe_machine",
    "describe_versions",
    "folder_size",
    "write_bytes",
    "write_json",
    "write_text",
]
