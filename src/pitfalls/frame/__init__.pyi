from .bars import TerminalProgress as TerminalProgress
from .config_options import HIDDEN as HIDDEN
from .config_options import Located as Located
from .config_options import Whole as Whole
from .config_options import Without as Without
from .config_options import list_form as list_form
from .config_options import options as options
from .experiment import Experiment as Experiment
from .experiment import Finished as Finished
from .experiment import Homework as Homework
from .experiment import Scale as Scale
from .exporting import export_csv as export_csv
from .exporting import export_figures as export_figures
from .performing import perform as perform
from .result import Result as Result
from .session import Settings as Settings
from .session import complain as complain
from .session import current_command as current_command
from .session import remark as remark
from .session import resolve_device as resolve_device
from .session import run_store as run_store
from .session import say as say
from .session import settings as settings
from .tables import print_record as print_record
from .tables import print_table as print_table
from .terminal import as_json as as_json

__all__ = [
    "HIDDEN",
    "Experiment",
    "Finished",
    "Homework",
    "Located",
    "Result",
    "Scale",
    "Settings",
    "TerminalProgress",
    "Whole",
    "Without",
    "as_json",
    "complain",
    "current_command",
    "export_csv",
    "export_figures",
    "list_form",
    "options",
    "perform",
    "print_record",
    "print_table",
    "remark",
    "resolve_device",
    "run_store",
    "say",
    "settings",
]
