"""The token in an `Authorization` header."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error


def password(header: str) -> str | None:
    """The token in a header `token …`, `Bearer …`, or the password of `Basic …`.

    None when the header is of no such form.
    """
    scheme, _, value = header.partition(" ")
    if scheme.lower() in ("token", "bearer"):
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(value, validate=True).decode().partition(":")[2]
        except (Base64Error, UnicodeDecodeError):
            return None
    return None


def basic(user: str, token: str) -> str:
    """The header's value for a token as a password."""
    return f"Basic {b64encode(f'{user}:{token}'.encode()).decode()}"
