"""Rights in a sandbox cluster: ServiceAccounts bound to rules of their own."""

from collections.abc import Mapping, Sequence

import httpx

Rule = Mapping[str, Sequence[str]]

_TOKEN_SECONDS = 24 * 3600


def grant(
    api: httpx.Client, name: str, rules: Sequence[Rule], *, home: str, namespace: str | None
) -> str:
    """Let the ServiceAccount `home/name` do what `rules` say and return a token for it.

    The rules hold in `namespace`, with `None` in the whole cluster. The token lasts a day.
    """
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    if namespace is not None:
        rbac += f"/namespaces/{namespace}"
    kind = "ClusterRole" if namespace is None else "Role"
    role = {"rules": [dict(rule) for rule in rules]}
    binding = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": home}],
    }
    accounts = f"/api/v1/namespaces/{home}/serviceaccounts"
    _apply(api, f"{accounts}/{name}", "v1", "ServiceAccount", {})
    _apply(api, f"{rbac}/{kind.lower()}s/{name}", _RBAC, kind, role)
    _apply(api, f"{rbac}/{kind.lower()}bindings/{name}", _RBAC, f"{kind}Binding", binding)
    request = {"spec": {"expirationSeconds": _TOKEN_SECONDS}}
    answer = api.post(f"{accounts}/{name}/token", json=request)
    return str(answer.raise_for_status().json()["status"]["token"])


_RBAC = "rbac.authorization.k8s.io/v1"


def _apply(
    api: httpx.Client, path: str, version: str, kind: str, body: Mapping[str, object]
) -> None:
    name = path.rsplit("/", 1)[1]
    document = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **body}
    api.patch(
        path,
        params={"fieldManager": "fluxhooks-sandbox", "force": "true"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        json=document,
    ).raise_for_status()
