"""Prometheus metrics, exported at /metrics. Labels hold no personal data and have few values."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

ITEMS: Final = Counter("oneid_ingest_items", "Events received, by what became of them", ["result"])
ITEMS_ACCEPTED: Final = ITEMS.labels("accepted")
ITEMS_REJECTED: Final = ITEMS.labels("rejected")

LOG_APPEND_SECONDS: Final = Histogram(
    "oneid_log_append_seconds", "Until a request's events were on disk", buckets=_FAST
)

REQUEST_SECONDS: Final = Histogram(
    "oneid_http_request_seconds", "HTTP requests by route and status", ["route", "status"], buckets=_FAST
)

RESOLVED: Final = Counter("oneid_resolved_events", "Events resolved into the identity graph and stored")
DEAD_LETTERS: Final = Counter("oneid_dead_letters", "Events kept as dead letters")
BACKLOG: Final = Gauge("oneid_log_backlog_entries", "Log entries accepted and not finished", ["partition"])
