"""An OpenID Connect provider on the loopback address: code flow with PKCE; `says` bends its identity tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "guanxi-test", "a secret of the client"


class Provider:
    """One provider with one client; everybody who comes is `claims`."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.stranger = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.issuer = ""
        self.claims: dict[str, Any] = {}
        self.says: dict[str, Any] = {}
        self.forged = False
        self.codes: dict[str, dict[str, str]] = {}
        self.app = Flask("provider")
        self.app.add_url_rule("/.well-known/openid-configuration", view_func=self.describe)
        self.app.add_url_rule("/keys", view_func=self.keys)
        self.app.add_url_rule("/authorize", view_func=self.authorize)
        self.app.add_url_rule("/token", view_func=self.token, methods=["POST"])

    def describe(self) -> Response:
        at = {name: f"{self.issuer}/{path}" for name, path in PLACES.items()}
        return jsonify({"issuer": self.issuer, **at})

    def keys(self) -> Response:
        return jsonify({"keys": [self.key.as_dict(private=False)]})

    def authorize(self) -> Any:
        given = request.args
        assert given["client_id"] == CLIENT
        assert given["response_type"] == "code"
        assert given["code_challenge_method"] == "S256"
        assert "openid" in given["scope"].split()
        code = secrets.token_urlsafe(8)
        self.codes[code] = dict(given)
        return redirect(f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}")

    def token(self) -> Any:
        asked = self.codes.pop(request.form["code"], None)
        login = request.authorization
        right = login is not None and (login.username, login.password) == (CLIENT, SECRET)
        hashed = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
        if asked is None or not right or proof != asked["code_challenge"]:
            return jsonify({"error": "invalid_grant"}), 400
        if request.form["redirect_uri"] != asked["redirect_uri"]:
            return jsonify({"error": "invalid_grant"}), 400
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (said | self.claims | self.says).items() if value is not None}
        text = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.stranger if self.forged else self.key)
        return jsonify({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": text})


PLACES = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}


@contextmanager
def provider() -> Iterator[Provider]:
    """A running provider."""
    made = Provider()
    server = make_server("127.0.0.1", 0, made.app, threaded=True)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
