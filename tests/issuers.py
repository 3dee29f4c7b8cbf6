"""Those who speak for senders: an OpenID Connect issuer, and Google as its own clients find it."""

import base64
import http.server
import json
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa

_KEY_ID = "of-this-test"


class _Keys:
    """A key pair: the tokens it signs, and the public half as a JSON Web Key Set."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def token(self, **claims: Any) -> str:
        """Return a token that is valid for ten minutes."""
        now = int(time.time())
        return jwt.encode(
            {"iat": now, "exp": now + 600, "sub": "sender", **claims},
            self._private,
            algorithm="RS256",
            headers={"kid": _KEY_ID},
        )

    def public(self) -> bytes:
        """Return what an issuer publishes."""
        numbers = self._private.public_key().public_numbers()
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": _KEY_ID}
        key |= {"n": _encoded(numbers.n), "e": _encoded(numbers.e)}
        return json.dumps({"keys": [key]}).encode()


class _Serving:
    """A server on loopback, from entering the context to leaving it."""

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"


class Issuer(_Serving):
    """An OpenID Connect issuer on loopback, with discovery and keys.

    It also gives tokens to jobs, as GitHub Actions' does.
    """

    def __init__(self) -> None:
        self._keys = _Keys()
        issuer = self

        class Handler(_Quiet):
            def do_GET(self) -> None:
                if self.path == "/.well-known/openid-configuration":
                    self.answer(json.dumps(issuer._discovery()).encode())
                elif self.path.startswith("/job?"):
                    (audience,) = parse_qs(urlsplit(self.path).query)["audience"]
                    token = issuer.token(aud=audience, repository_owner="acme")
                    self.answer(json.dumps({"count": len(token), "value": token}).encode())
                else:
                    self.answer(issuer._keys.public())

        super().__init__(Handler)

    def token(self, **claims: Any) -> str:
        """Return a token of this issuer."""
        return self._keys.token(iss=self.url, **claims)

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
        }


class Google(_Serving):
    """Google's published keys, for whoever asks through the proxy of `environment`.

    The proxy takes what is for www.googleapis.com to itself, with a certificate of an authority
    that `environment` has trusted; it connects to nothing.
    """

    def __init__(self, directory: Path) -> None:
        self._keys = _Keys()
        authority = trustme.CA(organization_name="fluxhooks tests: Google")
        self._authority_file = directory / "google.pem"
        authority.cert_pem.write_to_path(str(self._authority_file))
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("www.googleapis.com").configure_cert(self._tls)
        google = self

        class Handler(_Quiet):
            def do_CONNECT(self) -> None:
                self.send_response(200)
                self.end_headers()
                google._speak(self.connection)
                self.close_connection = True

        super().__init__(Handler)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a program find it."""
        return {
            "HTTPS_PROXY": self.url,
            "SSL_CERT_FILE": str(self._authority_file),
        }

    def token(self, **claims: Any) -> str:
        """Return an ID token of Google's."""
        return self._keys.token(iss="https://accounts.google.com", email_verified=True, **claims)

    def _speak(self, connection: socket.socket) -> None:
        with self._tls.wrap_socket(connection, server_side=True) as tls:
            tls.recv(65536)
            keys = self._keys.public()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(keys)}\r\nConnection: close\r\n"
            tls.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + keys)


class _Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, body: bytes) -> None:
        """Answer 200 with JSON."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _encoded(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
