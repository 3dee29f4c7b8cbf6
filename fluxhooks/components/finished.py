"""What the last finished run left in a component's outputs."""

from typing import Any

import pulumi


async def finished(component: pulumi.ComponentResource, *keys: str) -> dict[str, Any]:
    """Return those outputs of the last finished run; {} before the first."""
    # The engine does not hand a component its old outputs; this is how SDKs read a resource's.
    # Awaited rather than applied: the URL must not make the webhook depend on its own parent.
    urn = await component.urn.future()
    found = await pulumi.runtime.invoke_async("pulumi:pulumi:getResource", {"urn": urn})
    outputs = found["state"] or {}
    # No more than is looked at: a value that a run could not know would hold all of them back.
    return {key: outputs[key] for key in keys if key in outputs}
