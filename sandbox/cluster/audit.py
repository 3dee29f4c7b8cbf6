"""What ServiceAccounts ask a sandbox cluster's API server, from its own audit log."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

POLICY_FILE = "audit-policy.json"
LOG_FILE = "audit.log"

_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # No bodies: they hold tokens. And nothing of the controllers, which never stop asking.
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True)
class ApiRequest:
    """One request to the API server.

    Attributes:
        verb: as in RBAC: "create", "watch", …; for a path that is no resource "get".
        resource: the plural, or the path of what is no resource, such as discovery.
        name: of the object; "" for a collection, and where the API server gave the name.
        at: seconds since 1970, when the API server had it.
    """

    verb: str
    resource: str
    name: str
    at: float

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


def write_policy(directory: Path) -> None:
    """Write the policy that the API server's flags name."""
    (directory / POLICY_FILE).write_text(json.dumps(_POLICY))


def read(log: Path, user: str) -> list[ApiRequest]:
    """Return what `user` asked, oldest first; a watch counts from its start, and once."""
    requests: dict[str, ApiRequest] = {}
    # The last line may still be being written.
    for line in log.read_text().rpartition("\n")[0].splitlines():
        event = json.loads(line)
        if event["user"]["username"] == user:
            asked = event.get("objectRef", {})
            requests[event["auditID"]] = ApiRequest(
                event["verb"],
                asked.get("resource") or event["requestURI"],
                asked.get("name", ""),
                datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
            )
    return sorted(requests.values(), key=lambda request: request.at)
