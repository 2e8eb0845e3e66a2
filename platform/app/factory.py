"""One Flask application for one instance: the API, the screens, headers, cookies. Nothing here knows SQL or YAML."""

from __future__ import annotations

from flask import Flask

from guanxi.admin.site import create_site
from guanxi.runtime.api import create_api
from guanxi.runtime.api.limits import Counters

from . import access
from .application import Application
from .gate import Gate
from .host import Host
from .hosts import Hosts
from .instance import Instance

COUNTERS = "data/limits.bin"  # shared by the workers of this machine; may be removed at any time
MAX_UPLOAD = 64 * 1024 * 1024


def create_app(instance: Instance, bound: str = "", *, worker: bool = True) -> Flask:
    """The application. Publishes the bare platform when the instance has no version yet; `bound` is the address it is
    served on. With `worker` this process also does background work, from its first request on.
    """
    app = Application("guanxi.app", static_folder=None)
    app.secret_key = instance.secret
    app.config.update(
        MAX_CONTENT_LENGTH=max(MAX_UPLOAD, instance.settings.limits.upload_megabytes * 1024 * 1024),
        MAX_FORM_PARTS=2000,
        SESSION_COOKIE_NAME="guanxi_state",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        TRUSTED_HOSTS=None,
        PROPAGATE_EXCEPTIONS=False,
    )
    host = Host(instance)
    app.extensions["guanxi_host"] = host
    host.services()
    access.install(app)
    host.engine.listen()
    counters = Counters(instance.folder / COUNTERS, instance.secret)
    create_api(app, host, counters, engine=host.engine, worker=worker)
    create_site(app, host.site)  # last: its error pages leave the API's problems as they are
    server = instance.settings.server
    app.wsgi_app = Gate(app.wsgi_app, Hosts(server.hosts, bound), server.proxies, access_log=server.access_log)  # type: ignore[method-assign]
    return app
