"""What is left out by default is what the reasons say, and no failure that somebody must mend.

The real controller reads the same expressions in ``tests/cluster/test_alerts.py``.
"""

import re

import pytest

from fluxhooks.flux.alert_filters import DEFAULT_EXCLUSIONS, NODE_REPLACEMENT, Filter

FAILURES = (
    # kustomize-controller
    "Deployment/apps/web dry-run failed: failed to create typed patch object: "
    ".spec.template.spec.containers[0].imagePullPolicyy: field not declared in schema",
    "ConfigMap/apps/web dry-run failed (Forbidden): configmaps is forbidden: User "
    '"system:serviceaccount:apps:deploy" cannot patch resource "configmaps"',
    'no matches for kind "Certificate" in version "cert-manager.io/v1"',
    "kustomize build failed: kustomization.yaml: yaml: line 4: mapping values are not allowed",
    "health check failed after 5m0.1s: timeout waiting for: [Deployment/apps/web status: "
    "'InProgress': context deadline exceeded]",
    "Pod/apps/web dry-run failed: admission webhook "
    '"validate.kyverno.svc-fail" denied the request: image must be signed',
    # source-controller
    "failed to checkout and determine revision: unable to clone "
    "'https://github.com/acme/app': authentication required: Invalid username or token",
    "failed to checkout and determine revision: unable to clone "
    "'https://github.com/acme/app': dial tcp: lookup github.con on 10.96.0.10:53: no such host",
    "failed to checkout and determine revision: unable to list remote for "
    "'https://github.com/acme/app': Get \"https://github.com/acme/app/info/refs\": dial tcp "
    "140.82.121.4:443: connect: connection refused",
    "failed to verify the signature using provider 'cosign': no matching signatures were found",
    # helm-controller
    "Helm install failed for release apps/web with chart web@1.2.3: timed out waiting for the "
    "condition",
    # image-automation
    "failed to push to remote: pre-receive hook declined",
)


def _left_out(message: str, filters: tuple[Filter, ...]) -> bool:
    return any(re.search(one.expression, message) for one in filters)


@pytest.mark.parametrize("message", FAILURES)
def test_a_failure_that_somebody_must_mend_is_told(message: str) -> None:
    """Also while nodes are replaced."""
    assert not _left_out(message, (*DEFAULT_EXCLUSIONS, *NODE_REPLACEMENT))


@pytest.mark.parametrize(
    "one", [*DEFAULT_EXCLUSIONS, *NODE_REPLACEMENT], ids=lambda f: f.expression[:40]
)
def test_a_filter_leaves_out_what_it_is_made_for(one: Filter) -> None:
    """Each of its samples, and it says why."""
    assert one.samples
    assert [True] * len(one.samples) == [
        bool(re.search(one.expression, sample)) for sample in one.samples
    ]
    assert one.reason.endswith(".")


def test_what_may_last_is_told_unless_it_is_asked_otherwise() -> None:
    """By default only what passes by itself, or what another object tells, is left out."""
    samples = [sample for one in NODE_REPLACEMENT for sample in one.samples]

    assert [False] * len(samples) == [_left_out(s, DEFAULT_EXCLUSIONS) for s in samples]
