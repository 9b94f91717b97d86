"""segment-analytics-python: one call of each type. Arguments: URL, write key, a prefix for
all ids, and `packed` for gzip."""

import sys

from segment.analytics.client import Client

url, key, who, *options = sys.argv[1:]
failures: list[str] = []


def failed(error: Exception, _: object) -> None:
    failures.append(repr(error))


client = Client(
    key,
    host=url,
    on_error=failed,
    gzip="packed" in options,
    upload_interval=0.2,
)
client.identify(f"{who}-u1", {"email": f"{who}@example.com", "name": "林女士"})
client.track(anonymous_id=f"{who}-a1", event="Order Completed", properties={"total": 12.5})
client.page(f"{who}-u1", "shop", "Home", {"path": "/"})
client.screen(f"{who}-u1", "app", "Cart")
client.group(f"{who}-u1", f"{who}-g1", {"name": "Family"})
client.alias(f"{who}-a1", f"{who}-u1")
client.flush()
client.join()
sys.exit("\n".join(failures) or None)
