"""A Flux Receiver and the webhook that calls it, as one component.

The constructor is the sentence *token → Secret → Receiver → path → proof → webhook → drain*.
"""

from typing import Any

import pulumi

from fluxhooks.components.args import WebhookReceiverArgs
from fluxhooks.components.autonaming import check_autonaming
from fluxhooks.components.checks import applier_warnings, check_args
from fluxhooks.components.generation import Generation
from fluxhooks.components.repointing import Repointing
from fluxhooks.components.webhook import check_forge, webhook_at_forge
from fluxhooks.flux.hook_path import path_of


class WebhookReceiver(pulumi.ComponentResource):
    """A webhook at the forge, the Flux Receiver it calls, and the secret they share.

    A rotation is the next `generation`: a new token, Secret and Receiver are made and proved
    beside the live ones, the webhook is pointed at them in one request (at GitLab and Gitea a new
    one takes the place of the one before), and the old ones go when the drain is over. Nothing is
    lost on the way, and a run that stopped anywhere is finished by the next one.
    """

    hook_url: pulumi.Output[str]
    """The URL the forge calls; secret."""

    hook_path: pulumi.Output[str]
    """The path the Receiver serves, /hook/ and a digest; secret."""

    receiver_name: pulumi.Output[str]
    """The Receiver's name in the cluster."""

    secret_name: pulumi.Output[str]
    """The Secret's name in the cluster."""

    generation: pulumi.Output[int]
    """The live generation."""

    generation_authority: pulumi.Output[str]
    """Who names the live generation: "program" or "schedule", by the argument, or
    "configuration"."""

    created_at: pulumi.Output[str]
    """When the live generation's Secret was made, as in "2026-11-22T13:21:51Z". How old it
    is, this and a clock tell; an age here would change the state in every run."""

    due_at: pulumi.Output[str]
    """When the next rotation is due, as in "2027-02-20T00:00:00Z": by the schedule, else by the
    stack's configuration fluxhooks:rotate_every ("90d") and the age of the live generation's
    Secret; "" where neither is given."""

    token: pulumi.Output[str]
    """What the sender signs or shows; secret."""

    webhook_id: pulumi.Output[str]
    """The webhook's ID at the forge; "" where none is made here."""

    def __init__(
        self,
        name: str,
        args: WebhookReceiverArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pair.

        Args:
            name: the component's name; Kubernetes objects are named after it.
            args: see WebhookReceiverArgs.
            opts: options of the component. Providers, `depends_on` and `aliases` reach the
                children; `protect` and `retain_on_delete` do not reach what a rotation retires.

        Raises:
            ArgumentError: an argument cannot work; nothing is registered then.
            SettingError: the environment of this run, or pulumi:autonaming, cannot work; the same.
        """
        check_autonaming(pulumi.Config("pulumi").get_object("autonaming"))
        config = pulumi.Config("fluxhooks")
        checked = check_args(
            name,
            args,
            config.get_object("generations"),
            rotate_every=config.get("rotate_every"),
            adopting=config.get_object("adopting"),
        )
        check_forge(checked)
        super().__init__("fluxhooks:index:WebhookReceiver", name, {}, opts)
        generations = {n: Generation(self, name, n, checked) for n in checked.generations}
        live = generations[checked.live]
        repointing = Repointing(self, name, checked, live)

        self.hook_path = live.path
        self.hook_url = repointing.proved_url()
        self.receiver_name = live.receiver_name
        self.secret_name = live.secret_name
        self.token = live.token
        self.webhook_id = webhook_at_forge(self, name, checked, url=self.hook_url, token=self.token)
        self.generation = pulumi.Output.from_input(checked.live)
        self.generation_authority = pulumi.Output.from_input(checked.authority)
        self.created_at = live.created_at
        self.due_at = live.created_at.apply(checked.due_at)
        pulumi.Output.from_input(checked.resources).apply(self._warn_of_appliers)
        finished_url = repointing.finished_url(self.webhook_id)
        self.register_outputs(
            {
                "created_at": self.created_at,
                "due_at": self.due_at,
                "generation": self.generation,
                "generation_authority": self.generation_authority,
                "hook_path": finished_url.apply(path_of),
                "hook_url": finished_url,
                "receiver_name": self.receiver_name,
                "secret_name": self.secret_name,
                "token": self.token,
                "webhook_id": self.webhook_id,
            }
        )

    def _warn_of_appliers(self, resources: list[dict[str, Any]]) -> None:
        for warning in applier_warnings(resources):
            pulumi.log.warn(warning, self)
