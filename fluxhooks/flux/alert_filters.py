"""What Alerts leave out by default, and what beside it while nodes are replaced: with reasons.

Flux sends the same failure again at every attempt, and a filter sees one message at a time: it
cannot tell the first from the hundredth. So what is left out by default either passes by itself
or is told by another object too. The rest is for who has something else that watches what lasts.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A Go regular expression over an event's message, and why it is right to leave that out.

    Attributes:
        expression: for ``spec.exclusionList``.
        reason: a sentence.
        samples: messages that it is made for, as controllers write them.
    """

    expression: str
    reason: str
    samples: tuple[str, ...]


DEFAULT_EXCLUSIONS: Final = (
    Filter(
        expression="context canceled",
        reason="A controller was told to stop in the middle of its work, as when its node goes; "
        "the one that takes its place does the work again.",
        samples=(
            "Deployment/apps/web dry-run failed: client rate limiter Wait returned an error: "
            "context canceled",
            "failed to checkout and determine revision: unable to clone "
            "'https://github.com/acme/app': context canceled",
        ),
    ),
    Filter(
        expression="the object has been modified; please apply your changes to the latest version",
        reason="Two wrote the same object at the same moment; it is done again at once.",
        samples=(
            'Operation cannot be fulfilled on deployments.apps "web": the object has been '
            "modified; please apply your changes to the latest version and try again",
        ),
    ),
    Filter(
        expression="etcdserver: (?:leader changed|request timed out)",
        reason="The API server's own store moved to another node; it is done again at once.",
        samples=("ConfigMap/apps/web apply failed: etcdserver: leader changed",),
    ),
    Filter(
        expression="^(?:Dependencies do not meet ready condition|dependency '[^']+' is not ready"
        "|[A-Za-z]+ '[^']+' is not ready: |Source (?:is )?not ready)",
        reason="It waits for another object, and that one tells what is wrong with it.",
        samples=(
            "Dependencies do not meet ready condition, retrying in 30s",
            "dependency 'flux-system/infrastructure' is not ready",
            "HelmChart 'flux-system/apps-web' is not ready: latest generation of object has not "
            "been reconciled",
            "Source is not ready, artifact not found, retrying in 30s",
        ),
    ),
    Filter(
        expression="no tags in database",
        reason="image-reflector-controller keeps tags in its Pod and lost them with its node; "
        "the next scan brings them back, and a scan that fails is told by the ImageRepository.",
        samples=('retrying in 30s error: no tags in database for "ghcr.io/acme/app"',),
    ),
    Filter(
        expression="^(?:Disrupting|Launching) (?:Node|NodeClaim): "
        "|^Waiting on (?:readiness|deletion) to continue disruption"
        "|^(?:Status condition transitioned, )?Node .+ status is now: "
        "|^(?:Failed to drain node, [0-9]+ pods are waiting to be evicted|Evicted pod: )",
        reason="A node is replaced on purpose, told by Karpenter or Kubernetes and relayed to "
        "Flux; whether what ran there is well again is told by its Kustomization or HelmRelease.",
        samples=(
            "Disrupting Node: Drifted",
            "Disrupting NodeClaim: Underutilized",
            "Launching NodeClaim: Drifted",
            "Waiting on readiness to continue disruption",
            "Node ip-10-0-1-23.eu-west-1.compute.internal status is now: NodeNotReady",
            "Failed to drain node, 9 pods are waiting to be evicted",
        ),
    ),
)

_UNREACHED: Final = (
    "(?:connection refused|no route to host|i/o timeout|context deadline exceeded|unexpected EOF"
    "|no endpoints available|TLS handshake timeout|connection reset by peer|: EOF)"
)

NODE_REPLACEMENT: Final = (
    Filter(
        expression=f"failed calling webhook .*{_UNREACHED}",
        reason="The Pod of an admission webhook is on its way to another node.",
        samples=(
            "Certificate/apps/web dry-run failed: Internal error occurred: failed calling webhook "
            '"webhook.cert-manager.io": failed to call webhook: Post '
            '"https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=30s": dial tcp '
            "10.0.12.7:443: connect: connection refused",
            "Pod/apps/web dry-run failed: Internal error occurred: failed calling webhook "
            '"validate.kyverno.svc-fail": failed to call webhook: no endpoints available for '
            'service "kyverno-svc"',
        ),
    ),
    Filter(
        expression=f"failed to download archive: .*{_UNREACHED}",
        reason="source-controller is on its way to another node, and what it had fetched is "
        "fetched again.",
        samples=(
            "failed to download archive: GET http://source-controller.flux-system.svc.cluster."
            "local./gitrepository/flux-system/app/0a1b2c3d.tar.gz giving up after 10 attempt(s): "
            'Get "http://source-controller.flux-system.svc.cluster.local./gitrepository/'
            'flux-system/app/0a1b2c3d.tar.gz": dial tcp 10.0.3.4:80: connect: connection refused',
        ),
    ),
    Filter(
        expression="lookup [^ ]+ on [0-9a-f.:]+:53: .*"
        "(?:connection refused|i/o timeout|no route to host|server misbehaving)",
        reason="The cluster's DNS is on its way to another node. A name that does not exist is "
        "told all the same.",
        samples=(
            "failed to checkout and determine revision: unable to clone "
            "'https://github.com/acme/app': dial tcp: lookup github.com on 10.96.0.10:53: read "
            "udp 10.0.3.4:46932->10.96.0.10:53: i/o timeout",
        ),
    ),
    Filter(
        expression=r"https://[0-9a-f.:\[\]]+(?::6?443)?/apis?[/?].*"
        rf"{_UNREACHED[:-1]}|http2: client connection lost)",
        reason="The API server, or the way to it, is on its way to another node.",
        samples=(
            "failed to get API group resources: unable to retrieve the complete list of server "
            'APIs: apps/v1: Get "https://10.96.0.1:443/apis/apps/v1": dial tcp 10.96.0.1:443: '
            "connect: connection refused",
        ),
    ),
    Filter(
        expression="^Spot interruption warning was triggered",
        reason="The cloud takes a spot instance back; Karpenter, relayed to Flux, replaces it.",
        samples=("Spot interruption warning was triggered",),
    ),
)
