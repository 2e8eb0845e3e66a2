"""Process alive, database and metadata ready, figures for Prometheus."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ..jobs.health import Health, look
from . import respond
from .caller import host, public

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class Metrics:
    """Counters of this process; labels come from the URL map, never from a path that was asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "guanxi_requests_total", "Requests answered", ["endpoint", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram("guanxi_request_seconds", "Time to answer", ["endpoint"], registry=self.registry)
        self.version = Gauge("guanxi_metadata_version", "Published version in use", registry=self.registry)
        self.jobs = Gauge("guanxi_jobs", "Jobs by state", ["state"], registry=self.registry)
        self.outbox = Gauge("guanxi_outbox", "Effects: due, later, dead", ["state"], registry=self.registry)
        self.age = Gauge("guanxi_oldest_due_seconds", "Age of what waits longest", ["queue"], registry=self.registry)
        self.workers = Gauge("guanxi_workers", "Background workers alive", registry=self.registry)

    def background(self, seen: Health) -> None:
        """Figures of background work, as they are now."""
        for state in ("queued", "running", "done", "failed", "cancelled"):
            self.jobs.labels(state).set(seen.jobs.get(state, 0))
        for name, value in (("due", seen.effects), ("later", seen.later), ("dead", seen.dead)):
            self.outbox.labels(name).set(value)
        self.age.labels("jobs").set(seen.oldest_job)
        self.age.labels("outbox").set(seen.oldest_effect)
        self.workers.set(seen.workers)

    def install(self, app: Flask) -> None:
        """Count every request of the application."""

        def start() -> None:
            g.guanxi_started = time.perf_counter()

        kept: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

        def count(response: Response) -> Response:
            method = request.method
            key = (request.endpoint or "none", method if method in METHODS else "other", response.status_code)
            found = kept.get(key)
            if found is None:
                endpoint, method, _ = key
                counter = self.requests.labels(endpoint, method, str(response.status_code))
                found = kept[key] = (counter, self.seconds.labels(endpoint))
            found[0].inc()
            started = g.pop("guanxi_started", None)
            if started is not None:
                found[1].observe(time.perf_counter() - started)
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
        bundle = host().services()
        metrics.version.set(bundle.version)
        metrics.background(look(bundle.database, bundle.clock.now()))
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    return health
