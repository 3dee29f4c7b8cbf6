"""What type checkers must know of the errors; never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import pulumi

from fluxhooks import ArgumentError, FluxhooksError, ReceiverNotProvedError


def told(error: FluxhooksError) -> pulumi.RunError:
    """Every error is a RunError, so that a program ends with one line."""
    return error


error = ArgumentError("host", "is missing")
assert_type(error.property_path, str)
assert_type(error.reason, str)

told(error)
told(ReceiverNotProvedError("not proved"))
told(ValueError("another"))  # type: ignore[arg-type]
ArgumentError("host")  # type: ignore[call-arg]
