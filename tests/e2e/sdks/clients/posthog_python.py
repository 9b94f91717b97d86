"""posthog: one call of each kind. Arguments: URL, write key, a prefix for all ids, and `packed` for gzip."""

import sys

from posthog import Posthog

url, key, who, *options = sys.argv[1:]
failures: list[str] = []


def failed(error: Exception, _: object) -> None:
    failures.append(repr(error))


client = Posthog(
    key, host=url, on_error=failed, gzip="packed" in options, flush_interval=0.2, disable_geoip=False
)
client.set(distinct_id=f"{who}-u1", properties={"email": f"{who}@example.com", "name": "林女士"})
client.capture("Order Completed", distinct_id=f"{who}-u1", properties={"total": 12.5})
client.alias(f"{who}-old", f"{who}-u1")
client.shutdown()
sys.exit("\n".join(failures) or None)
