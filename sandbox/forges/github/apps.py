"""GitHub Apps: who they are by a web token they signed, and the tokens of their installation."""

from __future__ import annotations

from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.forges.encoding import JsonObject, timestamp

TOKEN_SECONDS = 3600

# A web token may be good for ten minutes at most, and the clocks of two machines differ.
_LEEWAY = 60


@dataclass(frozen=True)
class App:
    """An App that is installed for the organisation and all its repositories.

    Attributes:
        pem: its private key, as GitHub gives it: PKCS #1.
        access: its permission on webhooks, of repositories and of the organisation.
    """

    id: str
    installation_id: str
    pem: str = field(repr=False)
    public_key: str = field(repr=False)
    access: str = "write"


def make(number: int, *, access: str) -> App:
    """A new App with a key of its own, and its installation."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return App(
        id=str(number),
        installation_id=str(46_000_000 + number),
        pem=private.decode(),
        public_key=public.decode(),
        access=access,
    )


def signed_by(app: App, token: str) -> bool:
    """Whether a token is a web token of the App's, and its time has come and not passed."""
    try:
        claims = jwt.decode(
            token,
            app.public_key,
            algorithms=["RS256"],
            issuer=app.id,
            leeway=_LEEWAY,
            options={"require": ["exp", "iat", "iss"]},
        )
    except jwt.PyJWTError:
        return False
    return bool(claims["exp"] - claims["iat"] <= 600 + _LEEWAY)


def show_token(app: App, token: str, *, now: float) -> JsonObject:
    """The installation's token as the REST API returns it."""
    permissions = {"metadata": "read"}
    if app.access != "none":
        permissions |= {"organization_hooks": app.access, "repository_hooks": app.access}
    return {
        "token": token,
        "expires_at": timestamp(now + TOKEN_SECONDS),
        "permissions": permissions,
        "repository_selection": "all",
    }
