"""The token of a generation: generated, given, or read from a Secret that is made elsewhere."""

import base64
from collections.abc import Mapping
from typing import Any

import pulumi

from fluxhooks.components.checks import Checked
from fluxhooks.components.finished import finished
from fluxhooks.components.kubernetes import (
    ExistingSecret,
    ExternalSecret,
    PushSecret,
    ReceiverSecret,
)
from fluxhooks.components.token_source import PREVIOUS, agreed_token, kept_secret, of_generation
from fluxhooks.errors import ArgumentError, IncompleteUpdateError

# A sender's form field or YAML file takes letters and digits unharmed; 64 of them are 381 bits.
_LENGTH = 64


class Token:
    """A generation's token, the Secret it lies in, and its copy in a store.

    Attributes:
        value: the token; secret.
        secret_name: ``metadata.name`` of the Secret.
        metadata: the Secret's.
        copied: known when the copy is made, where one is.
    """

    value: pulumi.Output[str]
    secret_name: pulumi.Output[str]
    metadata: pulumi.Output[dict[str, Any]]
    copied: pulumi.Output[None]

    def __init__(
        self,
        component: pulumi.ComponentResource,
        generation: str,
        number: int,
        args: Checked,
        *,
        labels: Mapping[str, str],
        opts: pulumi.ResourceOptions,
        after: pulumi.Output[None],
    ) -> None:
        """Declare the token of `generation`, made when `after` is known."""
        self._component, self._generation, self._number = component, generation, number
        self._args, self._labels, self._opts, self._after = args, labels, opts, after
        self.copied = after
        if args.token.secret is not None:
            self._read(pulumi.Output.from_input(args.token.secret).apply(self._numbered))
        elif args.token.taken_from is not None:
            self._take_from_store(args.token.taken_from)
        elif args.token.value is not None:
            self._keep(args.token.value)
        else:
            self.value = _generated(f"{generation}-token", opts, after=after)
            self._make_secret(keep=False)
        if args.token.copied_to is not None:
            self._copy_to_store(args.token.copied_to)

    @property
    def _is_live(self) -> bool:
        return self._number == self._args.live

    def _keep(self, value: pulumi.Input[str]) -> None:
        given = pulumi.Output.all(value, self._after).apply(lambda known: str(known[0]))
        self.value = self._agreed(given, secret=pulumi.Output.from_input(""))
        secret = self._make_secret(keep=not self._is_live)
        if not self._is_live:
            # What is given is the live one's; what this one was made with, only its Secret knows.
            self.value = pulumi.Output.all(secret.metadata, secret.data).apply(self._token_in)

    def _make_secret(self, *, keep: bool) -> ReceiverSecret:
        secret = ReceiverSecret(
            f"{self._generation}-token",
            namespace=self._args.namespace,
            labels=self._labels,
            token=self.value,
            beside=self._args.identity,
            keep=keep,
            opts=self._opts,
        )
        self.metadata = secret.metadata
        self.secret_name = name_in(secret.metadata, f"the Secret of {self._generation}")
        return secret

    def _read(
        self, name: pulumi.Output[str], *, depends_on: list[pulumi.Resource] | None = None
    ) -> None:
        qualified = pulumi.Output.all(self._args.namespace, name, self._after).apply(
            lambda known: f"{known[0]}/{known[1]}"
        )
        opts = pulumi.ResourceOptions.merge(
            self._opts, pulumi.ResourceOptions(depends_on=depends_on)
        )
        # Another name than that of a Secret of ours: whoever changes from one to the other in one
        # generation is told so, and what is called meanwhile stays.
        secret = ExistingSecret(f"{self._generation}-secret", qualified=qualified, opts=opts)
        self.metadata = secret.metadata
        found = pulumi.Output.all(secret.metadata, secret.data).apply(self._token_in)
        self.value = self._agreed(found, secret=name)
        if not self._is_live:
            name = self._kept(name)
        # A Receiver of a token that is refused is not made.
        self.secret_name = pulumi.Output.unsecret(
            pulumi.Output.all(name, self.value).apply(lambda known: str(known[0]))
        )

    def _take_from_store(self, store: pulumi.Input[dict[str, str]]) -> None:
        external = ExternalSecret(
            f"{self._generation}-token",
            namespace=self._args.namespace,
            labels=self._labels,
            store=self._in_store(store),
            opts=self._opts,
        )
        # The Secret is not there before the status is.
        name = pulumi.Output.all(
            name_in(external.metadata, f"the ExternalSecret of {self._generation}"),
            external.status,
        ).apply(lambda known: str(known[0]))
        self._read(name, depends_on=[external])

    def _copy_to_store(self, store: pulumi.Input[dict[str, str]]) -> None:
        push = PushSecret(
            f"{self._generation}-copy",
            namespace=self._args.namespace,
            labels=self._labels,
            secret_name=self.secret_name,
            store=self._in_store(store),
            opts=self._opts,
        )
        self.copied = push.status.apply(lambda _: None)

    def _in_store(self, store: pulumi.Input[dict[str, str]]) -> pulumi.Output[dict[str, str]]:
        known = pulumi.Output.all(store, self._after).apply(lambda given: dict(given[0]))
        return known.apply(lambda place: {**place, "key": self._numbered(place["key"])})

    def _numbered(self, name: str) -> str:
        return of_generation(name, self._number)

    def _agreed(
        self, token: pulumi.Output[str], *, secret: pulumi.Output[str]
    ) -> pulumi.Output[str]:
        if not self._is_live:
            return pulumi.Output.secret(token)

        def agreed(known: dict[str, Any]) -> str:
            return agreed_token(source=self._args.token, live=self._number, **known)

        known = pulumi.Output.all(token=token, secret=secret, previous=self._previous())
        return pulumi.Output.secret(known.apply(agreed))

    def _kept(self, name: pulumi.Output[str]) -> pulumi.Output[str]:
        def kept(known: dict[str, Any]) -> str:
            return kept_secret(source=self._args.token, number=self._number, **known)

        return pulumi.Output.all(name=name, previous=self._previous()).apply(kept)

    def _previous(self) -> pulumi.Output[dict[str, Any]]:
        return pulumi.Output.from_input(finished(self._component, *PREVIOUS))

    def _token_in(self, known: list[Any]) -> str:
        metadata, data = known
        encoded = (data or {}).get("token")
        if not encoded:
            where = f"{metadata.get('namespace')}/{metadata.get('name')}"
            raise ArgumentError(
                self._args.token.argument,
                f"the Secret {where} of {self._generation} has no key token with something in it, "
                "which is where Flux looks; give it one",
            )
        return base64.b64decode(encoded).decode()


def name_in(metadata: pulumi.Output[dict[str, Any]], of: str) -> pulumi.Output[str]:
    """Return the name of an object that is made in this update.

    Raises (in the Output):
        IncompleteUpdateError: it is not, as the update leaves it out.
    """

    def given(known: dict[str, Any]) -> str:
        if "name" not in known:
            # What --target leaves out is not made, and the engine says no word of it.
            raise IncompleteUpdateError(
                f"{of} is not made in this update, which leaves it out; nothing was repointed or "
                "deleted, run pulumi up without --target"
            )
        return str(known["name"])

    # A preview may know the name and not the rest.
    return metadata["name"] if pulumi.runtime.is_dry_run() else metadata.apply(given)


def _generated(
    name: str, opts: pulumi.ResourceOptions, *, after: pulumi.Output[None]
) -> pulumi.Output[str]:
    """A RandomPassword: RandomString and RandomBytes put their value into the resource's ID."""
    # The SDK is loaded by the programs that generate a token, and by no other.
    import pulumi_random

    length = after.apply(lambda _: _LENGTH)
    return pulumi_random.RandomPassword(name, length=length, special=False, opts=opts).result
