"""Whether a text is an address that a webhook can be sent to."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_web_address(url: str) -> bool:
    """True for an http or https address with a host, and nothing that wants encoding."""
    if any(character <= " " or character in '"<>\\^`{|}' for character in url):
        return False
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_valid
