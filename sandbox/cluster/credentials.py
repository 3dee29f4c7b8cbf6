"""Certificates, keys and tokens of a sandbox cluster, made anew for each."""

import secrets
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def write_credentials(directory: Path) -> str:
    """Write what the API server needs into `directory` and return the administrator's token.

    The files are `ca.pem`, `server.pem`, `server.key`, `service-accounts.key` and `tokens.csv`, as
    the flags of the API server name them.
    """
    directory.mkdir(mode=0o700)
    authority = trustme.CA(organization_name="fluxhooks sandbox cluster")
    server = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    server.private_key_pem.write_to_path(str(directory / "server.key"))
    for certificate in server.cert_chain_pems:
        certificate.write_to_path(str(directory / "server.pem"), append=True)
    (directory / "service-accounts.key").write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    token = secrets.token_urlsafe(32)
    (directory / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    return token
