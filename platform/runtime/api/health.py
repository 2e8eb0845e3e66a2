"""Process alive, database and metadata ready, figures for Prometheus."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from . import respond
from .caller import host, public


class Metrics:
    """Counters of this process; labels come from the URL map, never from a path that was asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "guanxi_requests_total", "Requests answered", ["endpoint", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram("guanxi_request_seconds", "Time to answer", ["endpoint"], registry=self.registry)
        self.version = Gauge("guanxi_metadata_version", "Published version in use", registry=self.registry)

    def install(self, app: Flask) -> None:
        """Count every request of the application."""

        def start() -> None:
            g.guanxi_started = time.perf_counter()

        def count(response: Response) -> Response:
            endpoint = request.endpoint or "none"
            self.requests.labels(endpoint, request.method, str(response.status_code)).inc()
            started = g.pop("guanxi_started", None)
            if started is not None:
                self.seconds.labels(endpoint).observe(time.perf_counter() - started)
            return response

        app.before_request(start)
        app.after_request(count)


def create_health(metrics: Metrics) -> Blueprint:
    """The three routes for operators."""
    health = Blueprint("guanxi_health", __name__)

    @health.get("/healthz")
    @public
    def alive() -> Response:
        """The process answers."""
        return respond.answer({"status": "ok"})

    @health.get("/readyz")
    @public
    def ready() -> Response:
        """The database can be read and a version is published."""
        checks = dict(host().ready())
        good = all(value == "ok" for value in checks.values())
        return respond.answer({"status": "ok" if good else "unavailable", "checks": checks}, 200 if good else 503)

    @health.get("/metrics")
    @public
    def figures() -> Response:
        """Prometheus text."""
        metrics.version.set(host().services().version)
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    return health
