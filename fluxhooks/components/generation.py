"""One generation of a WebhookReceiver: token, Secret, Receiver, and the path it serves."""

from typing import Any

import pulumi

from fluxhooks.components.checks import Checked
from fluxhooks.components.kubernetes import Receiver
from fluxhooks.components.token import Token, name_in
from fluxhooks.components.turn import Turn
from fluxhooks.errors import PathMismatchError, ReceiverNotReadyError
from fluxhooks.flux.generations import generation_name
from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.labels import object_labels
from fluxhooks.flux.receiver_types import RECEIVER_TYPES
from fluxhooks.masking import mask


class Generation:
    """The resources of generation `number`, all children of the component.

    Attributes:
        token: the secret that signs deliveries; "" for the type generic-oidc, which has none.
        secret_name, receiver_name: ``metadata.name`` of the two objects; the Secret's is "" where
            there is no token.
        path: the path the controller serves, equal to the computed one; secret.
        created_at: when the API server made the Secret, else the Receiver, as in
            "2026-11-22T13:21:51Z".
    """

    token: pulumi.Output[str]
    secret_name: pulumi.Output[str]
    receiver_name: pulumi.Output[str]
    path: pulumi.Output[str]
    created_at: pulumi.Output[str]

    def __init__(self, component: pulumi.ComponentResource, name: str, number: int, args: Checked):
        # A parent's protect or retain_on_delete would keep retired generations alive.
        opts = pulumi.ResourceOptions(parent=component, protect=False, retain_on_delete=False)
        generation = generation_name(name, number)
        labels = object_labels(name, number, project=pulumi.get_project(), stack=pulumi.get_stack())

        turn = Turn()
        token = None
        if args.has_token:
            token = Token(
                component, generation, number, args, labels=labels, opts=opts, after=turn.taken()
            )
            self.token, self.secret_name = token.value, token.secret_name
        else:
            self.secret_name = turn.taken().apply(lambda _: "")
            self.token = pulumi.Output.secret(self.secret_name)
        receiver = Receiver(
            generation,
            namespace=args.namespace,
            labels=labels,
            spec=_spec(args, self.secret_name),
            opts=opts,
        )
        self.created_at = (token or receiver).metadata.apply(_creation_time)
        self.receiver_name = name_in(receiver.metadata, f"the Receiver {generation}")
        self.path = pulumi.Output.secret(
            pulumi.Output.all(
                copied=token.copied if token else None,
                generation=generation,
                namespace=args.namespace,
                receiver_name=self.receiver_name,
                status=receiver.status,
                token=self.token,
            ).apply(_agreed_path)
        )
        self.path.apply(lambda _: turn.pass_on(), run_with_unknowns=True)


def _creation_time(metadata: dict[str, Any]) -> str:
    # A preview knows no more than what is asked for.
    return str(metadata.get("creationTimestamp") or "")


def _spec(args: Checked, secret_name: pulumi.Output[str]) -> dict[str, Any]:
    return {
        "type": str(args.type),
        "events": _accepted_events(args),
        "interval": args.interval,
        "resourceFilter": args.filter,
        "resources": args.resources,
        "oidcProviders": args.oidc_providers,
        "secretRef": {"name": secret_name} if args.has_token else None,
    }


def _accepted_events(args: Checked) -> pulumi.Output[list[str]] | None:
    facts = RECEIVER_TYPES[args.type]
    if facts.event_header is None:
        return None
    # A superset of the webhook's events, or the forge's own ping is a red 400.
    ping = [facts.ping] if facts.ping else []
    return pulumi.Output.from_input(args.accepted).apply(lambda events: [*ping, *events])


def _agreed_path(known: dict[str, Any]) -> str:
    computed = hook_path(known["token"], known["receiver_name"], known["namespace"])
    status = known["status"] or {}
    served, refusal = status.get("webhookPath"), _refusal(status)
    # A preview's status is that of before the change.
    if (served == computed and not refusal) or pulumi.runtime.is_dry_run():
        return computed
    where = f"Receiver {known['namespace']}/{known['receiver_name']} ({known['generation']})"
    if refusal:
        raise ReceiverNotReadyError(
            f"{where} will never be Ready; its controller says {refusal}. Mend that and run pulumi "
            "up again, with --refresh where it was mended in the cluster"
        )
    if served is None:
        raise PathMismatchError(
            f"{where} has no path in its status: is notification-controller running, and Flux "
            "2.7 or newer? kubectl -n flux-system get deployment notification-controller"
        )
    raise PathMismatchError(
        f"{where} serves another path than its token gives: the Secret was changed by hand, or "
        f"Flux has not read it yet; flux reconcile receiver {known['receiver_name']} "
        f"-n {known['namespace']}, then pulumi up --refresh"
    )


def _refusal(status: dict[str, Any]) -> str:
    # What is Stalled is not tried again; its path, if it had one, is answered 503.
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Stalled" and condition.get("status") == "True":
            return f"{condition.get('reason')}: {mask(str(condition.get('message')))}"
    return ""
