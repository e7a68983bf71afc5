"""Certificates for ``tls = true``: each side proves by one of its own who it is, and trusts the
other's alone.
"""

from __future__ import annotations

import base64
import os
import shutil
import ssl
import subprocess
import tempfile
from typing import Any, Tuple

import grpc


def credentials(host: str) -> Tuple[Any, str]:
    """Credentials for the server that trust the host's certificate (PEM) alone, and the own one for
    the handshake.
    """
    key, cert = _own()
    der = ssl.PEM_cert_to_DER_cert(cert.decode())
    made = grpc.ssl_server_credentials(
        [(key, cert)], root_certificates=host.encode(), require_client_auth=True
    )
    return made, base64.b64encode(der).decode().rstrip("=")


def _own() -> Tuple[bytes, bytes]:
    """A new key and its self-signed certificate, PEM, good for localhost."""
    program = shutil.which("openssl") or shutil.which(
        "openssl", path="/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin"
    )
    if program is None:
        raise RuntimeError(
            "tls = true needs the program openssl, which is not there: install it (apt-get install"
            " openssl), or leave tls out: the socket is in a folder that no other user can open"
        )
    with tempfile.TemporaryDirectory(
        dir=os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or None
    ) as folder:
        key, cert, conf = (os.path.join(folder, n) for n in ("key.pem", "cert.pem", "conf"))
        with open(conf, "w", encoding="ascii") as f:
            f.write(_CONF)
        args = [
            program,
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "3650",
        ]
        made = subprocess.run(
            [*args, "-config", conf, "-keyout", key, "-out", cert],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(
                "tls = true: openssl could not make a certificate:"
                f" {made.stderr.decode(errors='replace').strip()}"
            )
        with open(key, "rb") as k, open(cert, "rb") as c:
            return k.read(), c.read()


_CONF = """[req]
distinguished_name = name
x509_extensions = ext
prompt = no
[name]
CN = localhost
O = leat plugin
[ext]
subjectAltName = DNS:localhost
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyEncipherment, keyAgreement, keyCertSign
extendedKeyUsage = clientAuth, serverAuth
"""
