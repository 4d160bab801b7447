from .catalogue import (
    find_setup as find_setup,
)
from .catalogue import (
    zoo as zoo,
)
from .judgement import (
    Judgement as Judgement,
)
from .judgement import Partition as Partition
from .judgement import (
    Tally as Tally,
)
from .judgement import (
    tally as tally,
)
from .judging import (
    judge as judge,
)
from .judging import (
    state_digest as state_digest,
)
from .setup import (
    Case as Case,
)
from .setup import (
    Setup as Setup,
)
