"""WeCom (企业微信): messages of the company's application to its people, over the official interface.

The access token is kept until shortly before it ends, one per process; when the interface says that it is dead, it is
fetched anew once. Tokens travel in addresses, so no error ever names one.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode

from .gateways import Answer, Http, Short, json_of
from .outcome import Permanent, Temporary
from .settings import WeCom

TOKEN_DEAD = frozenset((40014, 41001, 42001))
LATER = frozenset((-1, 45009, 45033, 50001))
NOBODY = frozenset((81013, 60111, 40003))
EARLY = timedelta(minutes=5)
LONGEST = 2_000


class WeComAdapter:
    """See gateways.Adapter; `to` is a member's account."""

    def __init__(self, company: WeCom, http: Http) -> None:
        self.company = company
        self.http = http
        self._token = ""
        self._until: datetime | None = None
        self._lock = Lock()

    def send(self, message: Short, now: datetime) -> str:
        """Send a text to one member; the interface's msgid."""
        body = {
            "touser": message.to,
            "msgtype": "text",
            "agentid": self.company.agent_id,
            "text": {"content": message.text.encode()[:LONGEST].decode("utf-8", "ignore")},
            "enable_duplicate_check": 1,
            "duplicate_check_interval": 1800,
        }
        said = self._call(body, self.token(now))
        if _code(said) in TOKEN_DEAD:
            self.forget()
            said = self._call(body, self.token(now))
        return self._judged(said)

    def _judged(self, said: dict[str, Any]) -> str:
        code = _code(said)
        if code == 0 and not said.get("invaliduser"):
            return str(said.get("msgid") or "")
        if code in LATER:
            raise Temporary(f"WeCom answered {code}", timedelta(minutes=1))
        if code in TOKEN_DEAD:
            raise Temporary(f"WeCom does not take its own token ({code})")
        raise Permanent(
            f"WeCom answered {code}" if code else "WeCom knows no such member", bounced=not code or code in NOBODY
        )

    def _call(self, body: dict[str, Any], token: str) -> dict[str, Any]:
        url = f"{self.company.url}/cgi-bin/message/send?access_token={quote(token, safe='')}"
        answer = self.http(
            "POST",
            url,
            headers={"Content-Type": "application/json"},
            body=json.dumps(body, ensure_ascii=False).encode(),
        )
        return _checked(answer)

    def token(self, now: datetime) -> str:
        """The access token, fetched when there is none that lives."""
        with self._lock:
            if self._token and self._until is not None and now < self._until:
                return self._token
            query = urlencode({"corpid": self.company.corp_id, "corpsecret": self.company.secret})
            said = _checked(self.http("GET", f"{self.company.url}/cgi-bin/gettoken?{query}", headers={}, body=b""))
            code = _code(said)
            if code != 0:
                if code in LATER:
                    raise Temporary(f"WeCom answered {code}", timedelta(minutes=1))
                raise Temporary(f"WeCom refused the application's secret ({code})", timedelta(minutes=10))
            self._token = str(said.get("access_token") or "")
            seconds = said.get("expires_in")
            life = timedelta(seconds=seconds if isinstance(seconds, int) else 7200)
            self._until = now + max(life - EARLY, life / 2)
            return self._token

    def forget(self) -> None:
        """The token is dead before its time."""
        with self._lock:
            self._token, self._until = "", None


def _checked(answer: Answer) -> dict[str, Any]:
    if answer.status >= 500 or answer.status == 429:
        raise Temporary(f"WeCom answered {answer.status}")
    if answer.status != 200:
        raise Permanent(f"WeCom answered {answer.status}")
    return json_of(answer)


def _code(said: dict[str, Any]) -> int:
    code = said.get("errcode", 0)
    return code if isinstance(code, int) else -1
