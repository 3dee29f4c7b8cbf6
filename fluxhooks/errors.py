"""Every error fluxhooks raises, as one tree.

FluxhooksError            (pulumi.RunError: ends a program with one line, not a traceback)
├── ArgumentError         (pulumi.InputPropertyError: other languages see the property path)
├── SettingError          a value of the stack's configuration is missing or wrong
├── ReceiverNotReadyError the controller refuses the Receiver for good
├── PathMismatchError     the controller serves another path than the one computed
├── ReceiverNotProvedError  the new Receiver did not answer the signed probe
├── CatchUpError          the delivery that makes up for queued ones did not arrive
├── RouteNotAcceptedError the Gateway's controller does not take the route
├── IncompleteUpdateError the update could not finish; nothing may be deleted
├── PulumiError           a command of Pulumi's failed
├── LockedError           another update holds the stack's lock
├── RefusedError          what was asked for is not safe; nothing was changed
├── ObservationError      cluster or forge could not be asked
└── VerificationError     cluster or forge do not show what the stack declares
"""

import pulumi


class FluxhooksError(pulumi.RunError):
    """Anything that went wrong in fluxhooks and that its user can cure."""


class ArgumentError(pulumi.InputPropertyError, FluxhooksError):
    """An argument of a component has a value that cannot work.

    Attributes:
        property_path: where the value stands, as in the program: ``resources[0].kind``.
        reason: what is wrong, the value, and the cure.
    """

    def __init__(self, property_path: str, reason: str) -> None:
        pulumi.InputPropertyError.__init__(self, property_path, reason)
        self.property_path = property_path
        self.reason = reason
        self.args = (f"{property_path}: {reason}",)

    def __str__(self) -> str:
        return f"{self.property_path}: {self.reason}"


class SettingError(FluxhooksError):
    """A value of the stack's configuration is missing or wrong; names the command that sets it."""


class ReceiverNotReadyError(FluxhooksError):
    """The controller will not serve the Receiver; holds the controller's own reason."""


class PathMismatchError(FluxhooksError):
    """The Receiver's status holds another path than token, name and namespace give."""


class ReceiverNotProvedError(FluxhooksError):
    """The signed probe to the public URL was not answered 200, so nothing was repointed."""


class CatchUpError(FluxhooksError):
    """The delivery that follows a repointing was not answered 200, so nothing was deleted."""


class RouteNotAcceptedError(FluxhooksError):
    """The Gateway's controller does not take the route; holds the controller's own reason."""


class IncompleteUpdateError(FluxhooksError):
    """Receiver or webhook are unknown at the end of a real update, so nothing may be deleted."""


class PulumiError(FluxhooksError):
    """A command of Pulumi's failed; says which, and what it complained of."""


class LockedError(FluxhooksError):
    """Another update held the stack's lock for longer than was to be waited."""


class RefusedError(FluxhooksError):
    """What was asked for is not safe or makes no sense, so nothing was changed."""


class ObservationError(FluxhooksError):
    """The cluster or the forge could not be asked; says what is missing.

    Attributes:
        passing: whether asking again later may help: an outage, or too many requests.
        retry_after: seconds for which a forge wants not to be asked; None where it does not say.
    """

    def __init__(
        self, message: str, *, passing: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.passing = passing
        self.retry_after = retry_after


class VerificationError(FluxhooksError):
    """The update is done, but cluster or forge do not show what the stack declares."""
