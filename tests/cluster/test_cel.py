"""What the controller says of filters, and what is said of them before it is asked."""

from collections.abc import Iterator
from typing import Any

import lightkube
import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Secret

from fluxhooks.flux.resource_filter import refusal, with_probe
from sandbox.sandbox import Sandbox
from tests.app import Receiver, eventually

NAMESPACE = "filtered"
TAKEN, REFUSED, LEFT = "taken by both", "refused by both", "left to the controller"

FILTERS = {
    # Fields, macros and functions.
    "req.ref == 'refs/heads/main'": TAKEN,
    "has(req.commits) && req.commits.exists(c, c.modified.exists(m, m.startsWith('a/')))": TAKEN,
    "req.?ref.orValue('').lowerAscii().split('/')[2] == res.metadata.name": TAKEN,
    "sets.contains(['main'], [req.ref])": TAKEN,
    "base64.decode(req.data) == b'x' || timestamp(req.at) > timestamp(0)": TAKEN,
    # Numbers of two types, which the compiler that is asked here does not compare.
    "req.n > 1 && 1 < 1.5": TAKEN,
    "req.ref ==": REFUSED,
    "req.ref = 'main'": REFUSED,
    "event.ref == 'main'": REFUSED,
    "claims.sub == 'main'": REFUSED,
    "req.ref.startWith('main')": REFUSED,
    "req.ref.startsWith(1)": REFUSED,
    "'main'": REFUSED,
    # As it is, it may give anything; joined with what spares the probe, it is taken.
    "req.deleted": REFUSED,
    # What a later controller may take, and what shows when it is made to run.
    "req.at < now()": LEFT,
    "req.ref in ['main', res.metadata.name]": LEFT,
    "req.ref.matches('(')": LEFT,
}
JOINED = {
    "req.deleted": TAKEN,
    "req.ref == 'main' // or another": REFUSED,
    "1": REFUSED,
}
IDENTIFIED = {"claims.sub == 'main'": TAKEN, "vars.a == 'main'": REFUSED}


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Iterator[lightkube.Client]:
    with sandbox.cluster.client() as client:
        client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        meta = ObjectMeta(name="token", namespace=NAMESPACE)
        client.create(Secret(metadata=meta, stringData={"token": "token-of-filtered"}))
        yield client


def _spec(**spec: Any) -> dict[str, Any]:
    target = {"kind": "GitRepository", "name": "app"}
    return {"type": "github", "secretRef": {"name": "token"}, "resources": [target], **spec}


def _judged(client: lightkube.Client, specs: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return what both say of the filters in `specs`, each of a Receiver of its own."""
    names = {}
    for expression, spec in specs.items():
        meta = ObjectMeta(generateName="filtered-", namespace=NAMESPACE)
        names[expression] = client.create(Receiver(metadata=meta, spec=spec)).metadata.name
    return {
        expression: _compared(specs[expression], _condition(client, name))
        for expression, name in names.items()
    }


def _condition(client: lightkube.Client, name: str) -> dict[str, str]:
    found: dict[str, str] = {}

    def decided() -> bool:
        status = client.get(Receiver, name, namespace=NAMESPACE).status or {}
        found.update(next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), {}))
        return found.get("status") in ("True", "False")

    assert eventually(decided), name
    return found


def _compared(spec: dict[str, Any], condition: dict[str, str]) -> str:
    filters = [spec.get("resourceFilter"), *(each.get("filter") for each in spec["resources"])]
    identified = spec["type"] == "generic-oidc"
    wrong = [refusal(each, identified=identified) for each in filters if each]
    if condition["status"] == "True":
        return f"refused here alone: {wrong}" if any(wrong) else TAKEN
    assert "InvalidCELExpression" == condition["reason"], condition
    return REFUSED if any(wrong) else LEFT


def test_no_filter_is_refused_that_the_controller_takes(client: lightkube.Client) -> None:
    """What is told before anything is made is the controller's own answer, or nothing."""
    assert FILTERS == _judged(client, {each: _spec(resourceFilter=each) for each in FILTERS})


def test_a_filter_of_one_target_is_judged_alike(client: lightkube.Client) -> None:
    """The controller compiles each by itself, and so is each judged."""
    specs = {
        each: _spec(resources=[{"kind": "GitRepository", "name": "app", "filter": each}])
        for each in list(FILTERS)[4:10]
    }
    assert {each: FILTERS[each] for each in specs} == _judged(client, specs)


def test_a_filter_is_judged_as_it_is_joined(client: lightkube.Client) -> None:
    """The controller is given the user's filter in parentheses, beside what spares the probe."""
    specs = {each: _spec(resourceFilter=with_probe(each)) for each in JOINED}
    assert JOINED == _judged(client, specs)


def test_a_filter_may_read_the_identity_where_there_is_one(client: lightkube.Client) -> None:
    """With generic-oidc, claims is declared as well."""
    rule = {"expression": "claims.sub == 'ci'", "message": "not the CI"}
    issuer = {"issuerURL": "https://localhost", "validations": [rule]}
    spec = _spec(type="generic-oidc", oidcProviders=[issuer])
    del spec["secretRef"]
    specs = {each: {**spec, "resourceFilter": each} for each in IDENTIFIED}
    assert IDENTIFIED == _judged(client, specs)
