"""The command `fluxhooks`: its verbs, its exit codes, and what is masked in all it prints."""

import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final

import typer

from fluxhooks.cli import screen
from fluxhooks.cli.adopt import adopt
from fluxhooks.cli.coverage import coverage
from fluxhooks.cli.doctor import doctor
from fluxhooks.cli.instructions import instructions
from fluxhooks.cli.monitor import monitor
from fluxhooks.cli.probe import probe
from fluxhooks.cli.prune import prune
from fluxhooks.cli.report import report
from fluxhooks.cli.rotate import rotate
from fluxhooks.cli.status import status
from fluxhooks.errors import (
    ArgumentError,
    FluxhooksError,
    LockedError,
    RefusedError,
    SettingError,
    VerificationError,
)
from fluxhooks.masking import MaskingFilter

_EXIT_CODES: Final[tuple[tuple[type[FluxhooksError], int], ...]] = (
    (ArgumentError, 2),
    (SettingError, 2),
    (RefusedError, 3),
    (VerificationError, 4),
    (LockedError, 5),
    (FluxhooksError, 1),
)

_EPILOG: Final = (
    "Exit codes: 0 done, or nothing to do; 1 failed, the same command finishes it; 2 wrong usage "
    "or setting; 3 refused, nothing was changed; 4 done, but what was looked at is not as it must "
    "be, the same command looks again; 5 another update held the lock."
)

app = typer.Typer(
    name="fluxhooks",
    help="Webhook receivers for Flux: rotate their secrets, see where they stand, tidy up.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_VERBS: Final = (
    rotate,
    adopt,
    status,
    instructions,
    doctor,
    probe,
    coverage,
    report,
    monitor,
    prune,
)
for _verb in _VERBS:
    app.command(epilog=_EPILOG)(_verb)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code.

    Args:
        arguments: those of the command line when absent.
    """
    logging.basicConfig(level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(MaskingFilter())
    # What ends a job in CI or in a cluster ends the engine in order, too.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(args=None if arguments is None else list(arguments))
    except FluxhooksError as error:
        screen.complain(str(error))
        sys.exit(next(code for kind, code in _EXIT_CODES if isinstance(error, kind)))


def _terminate(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)
