"""Segment's Java client in a JVM of this process: one call of each type. Arguments: URL, write key, a prefix for
all ids, the JVM's library, the class path."""

import os
import queue
import sys
from typing import Any

import jpype

url, key, who, jvm, class_path = sys.argv[1:]
jpype.startJVM(jvm, classpath=class_path.split(os.pathsep), convertStrings=True)
Analytics: Any = jpype.JClass("com.segment.analytics.Analytics")
outcomes: "queue.Queue[str | None]" = queue.Queue()


@jpype.JImplements("com.segment.analytics.Callback")
class Told:
    """Hears of each message once."""

    @jpype.JOverride  # type: ignore[untyped-decorator]
    def success(self, message: Any) -> None:
        outcomes.put(None)

    @jpype.JOverride  # type: ignore[untyped-decorator]
    def failure(self, message: Any, error: Any) -> None:
        outcomes.put(str(error))


def builder(name: str, *arguments: str) -> Any:
    return jpype.JClass(f"com.segment.analytics.messages.{name}Message").builder(*arguments)


def values(**given: Any) -> Any:
    return jpype.JClass("java.util.HashMap")(given)


client = Analytics.builder(key).endpoint(url).flushQueueSize(10).callback(Told()).build()
calls = [
    builder("Identify").userId(f"{who}-u1").traits(values(email=f"{who}@example.com", name="林女士")),
    builder("Track", "Order Completed").anonymousId(f"{who}-a1").properties(values(total=12.5)),
    builder("Page", "Home").userId(f"{who}-u1").properties(values(path="/")),
    builder("Screen", "Cart").userId(f"{who}-u1"),
    builder("Group", f"{who}-g1").userId(f"{who}-u1").traits(values(name="Family")),
    builder("Alias", f"{who}-a1").userId(f"{who}-u1"),
]
for call in calls:
    client.enqueue(call)
client.flush()
failures = [failure for failure in [outcomes.get(timeout=60) for _ in calls] if failure]
client.shutdown()
sys.exit("\n".join(failures) or None)
