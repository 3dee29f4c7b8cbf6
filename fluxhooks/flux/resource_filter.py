"""The CEL filter that lets a Receiver be proved without reconciling anything.

A signed ``{"fluxhooksProbe": true}`` and GitHub's own ping are answered 200 and reach no
target; a signed ``{"fluxhooksCatchUp": true}`` reaches all of them, whatever a user's filter
asks of ordinary deliveries.
"""

PROBE_BODY = b'{"fluxhooksProbe":true}'
CATCH_UP_BODY = b'{"fluxhooksCatchUp":true}'

_HARMLESS = "!has(req.fluxhooksProbe) && !has(req.zen)"


def with_probe(user_filter: str | None) -> str:
    """Return the Receiver's ``spec.resourceFilter``: ours, joined with the user's in parentheses.

    Only for types whose senders post JSON objects: any filter answers other bodies 500.
    """
    if user_filter is None:
        return _HARMLESS
    return f"{_HARMLESS} && (has(req.fluxhooksCatchUp) || ({user_filter}))"
