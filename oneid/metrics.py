"""Prometheus metrics, exported at /metrics. Labels hold no personal data and have few values."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, Summary

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

GRAPH_SECONDS: Final = Summary(
    "oneid_graph_query_seconds",
    "Work done in Neo4j by name, with its retries, until the answer was read",
    ["query"],
)

RESOLVED: Final = Counter("oneid_resolved_events", "Events resolved into the identity graph and stored")
BARRED: Final = Counter("oneid_barred_events", "Events dropped because they name somebody who was erased")
DEAD_LETTERS: Final = Counter("oneid_dead_letters", "Events kept as dead letters")
DEAD: Final = Gauge("oneid_dead_letters_present", "Dead letters that wait for somebody to look at them")
OLDEST: Final = Gauge(
    "oneid_log_oldest_seconds", "Age of the oldest log entry that is accepted and not finished", ["partition"]
)
BACKLOG: Final = Gauge("oneid_log_backlog_entries", "Log entries accepted and not finished", ["partition"])

PROJECTED: Final = Counter("oneid_projected_customers", "Customers written to the profile index")
REFUSED: Final = Counter("oneid_refused_profiles", "Profile documents that the index refused for good")
REFUSED_VALUES: Final = Counter(
    "oneid_refused_values", "Attribute values of accepted events that were not of the type declared meanwhile"
)
EVALUATED: Final = Counter(
    "oneid_evaluated_customers", "Customers whose timed conditions were computed from their events"
)
TRANSITIONS: Final = Counter("oneid_segment_transitions", "Times that a customer entered or left a segment")
REHOMED: Final = Counter(
    "oneid_rehomed_customers", "Former ONE-IDs whose events were moved to their customer"
)
INDEX_LAG: Final = Gauge("oneid_index_lag_seconds", "Age of the oldest change that the index does not show")
DIRTY: Final = Gauge("oneid_dirty_count", "Customers whose latest change the index does not show")
COMPARED: Final = Counter("oneid_compared_customers", "Customers whose profile was compared with the graph")
REPAIRED: Final = Counter(
    "oneid_repaired_profiles",
    "What was found wrong and put right: stale documents, ghosts of nobody, events that had not moved or were lost",
    ["kind"],
)
DRIFT: Final = Gauge("oneid_drift_count", "What the last sweep over graph and index found wrong")
REINDEXED: Final = Counter("oneid_reindexed_customers", "Customers copied to an index in the making")
OPERATIONS: Final = Counter(
    "oneid_operations", "Long-running operations that ended, by kind and status", ["kind", "status"]
)
ERASURES_PENDING: Final = Gauge("oneid_erasures_pending", "Erasures that are not complete in every store")
OLDEST_ERASURE: Final = Gauge(
    "oneid_erasures_oldest_seconds", "Age of the oldest erasure that is not complete"
)
OPERATIONS_WAITING: Final = Gauge("oneid_operations_waiting", "Operations that are due and that nobody runs")
OLDEST_OPERATION: Final = Gauge("oneid_operations_oldest_seconds", "How long the first of them has been due")
RESTARTS: Final = Counter("oneid_loop_restarts", "Times a background loop failed and was restarted", ["loop"])
