from .atomic import write_bytes as write_bytes
from .atomic import write_json as write_json
from .atomic import write_text as write_text
from .check import folder_size as folder_size
from .checkpoint import Checkpoint as Checkpoint
from .code import drawing_code as drawing_code
from .config import NOT_IDENTITY as NOT_IDENTITY
from .config import config_hash as config_hash
from .config import config_to_dict as config_to_dict
from .export import export_mlflow as export_mlflow
from .export import export_tensorboard as export_tensorboard
from .machine import describe_machine as describe_machine
from .machine import describe_versions as describe_versions
from .manifest import Manifest as Manifest
from .records import config_from_dict as config_from_dict
from .run import Run as Run
from .store import RunStore as RunStore
from .tracking import Track as Track
from .tracking import check_tracker as check_tracker
from .tracking import open_tracker as open_tracker

__all__ = [
    "NOT_IDENTITY",
    "Checkpoint",
    "Manifest",
    "Run",
    "RunStore",
    "Track",
    "check_tracker",
    "config_from_dict",
    "config_hash",
    "config_to_dict",
    "describe_machine",
    "describe_versions",
    "drawing_code",
    "export_mlflow",
    "export_tensorboard",
    "folder_size",
    "open_tracker",
    "write_bytes",
    "write_json",
    "write_text",
]
