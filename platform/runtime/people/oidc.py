"""Log-in with an OpenID Connect provider: authorisation code with PKCE, state and nonce; the identity token is verified
(signature, issuer, audience, expiry, nonce) before a word of it is believed.

This module speaks with the provider; `identities` says whose account a proven identity is. The libraries are loaded
with the first log-in: most instances have no provider, and a start would pay for them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from guanxi.common.clock import Clock
from guanxi.common.errors import Forbidden, Unavailable

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session
    from joserfc.jwk import KeySet

SECONDS = 10.0
KEPT = 600.0
LEEWAY = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


@dataclass(frozen=True, slots=True)
class SingleSignOnSettings:
    """What an instance says about its provider."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    label: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    name_claim: str = "preferred_username"
    create: bool = False
    roles: tuple[str, ...] = ()
    role_claim: str = ""
    role_map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What this side remembers while the person is at the provider; kept in the browser's signed cookie."""

    state: str
    nonce: str
    verifier: str


class Refused(Forbidden):
    """The provider's answer proves nothing."""

    code = "single_sign_on"


class SingleSignOn:
    """One provider."""

    def __init__(self, settings: SingleSignOnSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.label = settings.label or "OpenID Connect"
        self._kept: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._lock = Lock()

    def ask(self, redirect: str) -> tuple[str, Asked]:
        """The provider's address to send the person to, and what to remember. Raises Unavailable."""
        asked = Asked(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        with self._client(redirect) as client:
            url, _ = client.create_authorization_url(
                self._provider()["authorization_endpoint"],
                state=asked.state,
                nonce=asked.nonce,
                code_verifier=asked.verifier,
            )
        return str(url), asked

    def answer(self, redirect: str, asked: Asked, given: Mapping[str, str]) -> Mapping[str, Any]:
        """The claims of the person who came back with these parameters. Raises Refused, Unavailable."""
        import requests
        from authlib.common.errors import AuthlibBaseError

        if not secrets.compare_digest(given.get("state", "").encode(), asked.state.encode()):
            raise Refused("The answer belongs to another log-in. Try again.")
        if given.get("error") or not given.get("code"):
            raise Refused("The provider did not log you in.")
        if given.get("iss", self.settings.issuer) != self.settings.issuer:
            raise Refused("The answer comes from another provider.")
        provider = self._provider()
        try:
            with self._client(redirect) as client:
                token = client.fetch_token(provider["token_endpoint"], code=given["code"], code_verifier=asked.verifier)
        except (AuthlibBaseError, requests.RequestException, ValueError) as fault:
            raise Refused("The provider did not accept the log-in.") from fault
        return self._verified(str(token.get("id_token") or ""), asked.nonce)

    def _client(self, redirect: str) -> OAuth2Session:
        from authlib.integrations.requests_client import OAuth2Session

        return OAuth2Session(
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret or None,
            scope=" ".join(dict.fromkeys(("openid", *self.settings.scopes))),
            redirect_uri=redirect,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self.settings.client_secret else "none",
            default_timeout=SECONDS,
        )

    # identity token ----------------------------------------------------------------------------------
    def _verified(self, text: str, nonce: str) -> Mapping[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        rules = jwt.JWTClaimsRegistry(
            now=int(self.clock.now().timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decoded(text)
            rules.validate(claims)
        except (JoseError, ValueError) as fault:
            raise Refused("The provider's proof of identity does not hold.") from fault
        audience = claims["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.settings.client_id:
            raise Refused("The provider's proof of identity is for somebody else.")
        return claims

    def _decoded(self, text: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            return dict(jwt.decode(text, self._keys(), algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError):  # the provider may have new keys
            return dict(jwt.decode(text, self._keys(fresh=True), algorithms=ALGORITHMS).claims)

    def _keys(self, *, fresh: bool = False) -> KeySet:
        from joserfc.jwk import KeySet

        return KeySet.import_key_set(self._read(str(self._provider()["jwks_uri"]), fresh=fresh))  # type: ignore[arg-type]

    # the provider's own documents --------------------------------------------------------------------
    def _provider(self) -> Mapping[str, Any]:
        found = self._read(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self.settings.issuer:
            raise Unavailable("The provider's description names another issuer.", code="single_sign_on")
        missing = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - found.keys()
        if missing:
            raise Unavailable("The provider's description is not complete.", code="single_sign_on")
        return found

    def _read(self, url: str, *, fresh: bool = False) -> Mapping[str, Any]:
        import requests

        with self._lock:
            at, found = self._kept.get(url, (0.0, {}))
        if found and not fresh and time.monotonic() - at < KEPT:
            return found
        try:
            answer = requests.get(url, timeout=SECONDS, allow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as fault:
            raise Unavailable("The log-in provider cannot be reached.", code="single_sign_on") from fault
        if not isinstance(found, dict):
            raise Unavailable("The log-in provider cannot be understood.", code="single_sign_on")
        with self._lock:
            self._kept[url] = (time.monotonic(), found)
        return found
