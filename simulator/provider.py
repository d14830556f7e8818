"""A pretended identity provider (OpenID Connect): it believes whoever says to be one of its readers.

For the demo alone. Readers choose their name on its page; a machine asks for a token at /machine-token.
"""

import os
import time
from typing import Any

import flask
import oidc_provider_mock
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

HOST = "localhost"
DEFAULT_PORT = 8601
AUDIENCE = "lapor-api"
TOKEN_SECONDS = 3600
READERS: dict[str, dict[str, Any]] = {
    "ombudsman": {"lapor_role": "ombudsman"},
    "panrb": {"lapor_role": "panrb"},
    "ksp": {"lapor_role": "ksp"},
    "kota-batam": {"lapor_role": "instansi", "lapor_agency": "KOTA-21.71"},
    "tamu": {},
}


def create_provider(port: int) -> flask.Flask:
    """The provider as a WSGI application; its keys are new each time."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # it refuses http otherwise; nobody else hears this
    users = [oidc_provider_mock.User(sub=name, claims=claims) for name, claims in READERS.items()]
    app: flask.Flask = oidc_provider_mock.app(require_nonce=True, user_claims=users)

    def machine_token() -> flask.Response:
        name = flask.request.form.get("reader", "")
        if name not in READERS:
            return flask.Response(f"reader must be one of {', '.join(READERS)}\n", 400)
        key = RSAKey.import_key(flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True))
        now = int(time.time())
        claims = {
            "iss": f"http://{HOST}:{port}",
            "aud": AUDIENCE,
            "sub": f"mesin-{name}",
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            **READERS[name],
        }
        return flask.Response(jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key) + "\n", mimetype="text/plain")

    app.add_url_rule("/machine-token", view_func=machine_token, methods=["POST"])
    return app


def serve(port: int) -> None:
    """Answer until the process is stopped. Raises OSError when the port is taken."""
    make_server(HOST, port, create_provider(port), threaded=True).serve_forever()
