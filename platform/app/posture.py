"""Is the instance set up safely? What `guanxi doctor` warns of; docs/reference/security.md says what to do about it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from .hosts import LOOPBACK
from .instance import SECRET_FILE, Instance
from .settings import FILE

READABLE = stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH


def warnings(instance: Instance) -> list[str]:
    """One sentence for each weakness found; [] when there is none."""
    return [*_files(instance), *_server(instance), *_process()]


def _files(instance: Instance) -> Iterator[str]:
    names = [SECRET_FILE]
    url = instance.settings.database
    if url.startswith("sqlite:///"):
        names.append(url.removeprefix("sqlite:///"))
    for name in names:
        path = instance.folder / name
        if path.exists() and path.stat().st_mode & READABLE & ~_allowed(path, name):
            yield f"{name} can be read or changed by other accounts of this machine (chmod 600)"
    if (instance.folder / FILE).stat().st_mode & stat.S_IWOTH:
        yield f"{FILE} can be changed by every account of this machine (chmod 644)"


def _allowed(path: Path, name: str) -> int:
    """A database is guarded by its folder as well: nobody reads it whom the folder keeps out."""
    if name != SECRET_FILE and not path.parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH):
        return READABLE
    return 0


def _server(instance: Instance) -> Iterator[str]:
    server = instance.settings.server
    outside = [name for name in server.hosts if name not in LOOPBACK]
    if "*" in server.hosts:
        yield "server.hosts allows every host name: links in mails can be made to lead elsewhere"
    if outside and not server.proxies:
        yield (
            f"served as {', '.join(outside)} without a declared proxy (server.proxies): "
            "passwords and cookies travel without TLS"
        )
    if server.proxies and not server.hosts:
        yield "server.proxies is set but server.hosts is not: name the hosts that the proxy passes on"
    smtp = instance.settings.mail.smtp
    if smtp is not None and smtp.tls == "none":
        yield "mail leaves without TLS (mail.smtp.tls)"


def _process() -> Iterator[str]:
    if os.environ.get("FLASK_DEBUG", "0") not in ("", "0") or os.environ.get("PYTHONDEVMODE"):
        yield "a debugging switch is set in the environment (FLASK_DEBUG, PYTHONDEVMODE)"
    if os.environ.get("PYTHONOPTIMIZE"):
        yield "PYTHONOPTIMIZE takes checks out of the program"
