"""How the story reaches the server: every message through a public interface, each way as a brand would do it."""

import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from requests import RequestException
from segment.analytics.client import Client
from segment.analytics.request import APIError

from oneid.cli import story
from oneid.cli.graphql import GraphQLClient
from oneid.cli.import_file import ErrorFile, opened
from oneid.cli.import_run import ImportRun
from oneid.cli.importing import plan_of
from oneid.cli.story import Step, Way
from oneid.cli.tracking_client import TrackingClient
from oneid.domain.imports.presets import Preset
from oneid.domain.imports.rows import Form, read_table
from oneid.domain.imports.values import Times, time_form
from oneid.errors import Retriable

INGEST = """
mutation Tell($events: EventBatch!) {
  ingestEvents(input: { events: $events, wait: ACCEPTED }) {
    results { status userErrors { message } }
    userErrors { message }
  }
}
"""


class Teller:
    """Sends steps with Segment's client or over GraphQL, and the cash desk's file as `oneid import` does."""

    def __init__(self, url: str, write_key: str, graphql: GraphQLClient, zone: str) -> None:
        self._segment = Client(write_key, host=url, sync_mode=True)
        self._tracking = TrackingClient(url, write_key)
        self._graphql = graphql
        self._zone = ZoneInfo(zone)

    def tell(self, steps: Iterable[Step]) -> None:
        """Sends the steps one after the other. Raises Retriable where the server does not take one."""
        for step in steps:
            if step.way is Way.SEGMENT:
                self._over_segment(step)
            else:
                self._over_graphql(step)

    def import_receipts(self) -> None:
        """Imports the file of the cash desk."""
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / story.POS_FILE
            file.write_text(story.POS_EXPORT, encoding="utf-8")
            errors = ErrorFile(Path(directory) / "errors.ndjson")
            with opened(file, "utf-8") as content:
                table = read_table(content.lines, Form.CSV)
                times = Times(self._zone, time_form("d/m/Y H:M"))
                plan = plan_of(file.name, Preset.ORDERS, list(story.POS_MAP), table, times)
                ImportRun(plan, self._tracking, errors, lambda rows: None).run(table.rows, threads=1)

    def _over_segment(self, step: Step) -> None:
        given: dict[str, Any] = {
            "anonymous_id": step.message["anonymousId"],
            "user_id": step.message.get("userId"),
            "timestamp": datetime.fromisoformat(step.at),
            "message_id": step.message_id,
        }
        try:
            if step.type == "page":
                self._segment.page(name=step.message["name"], **given)
            else:
                self._segment.identify(traits=step.message["traits"], **given)
        except (APIError, RequestException) as error:
            raise Retriable(f"the tracking API did not take {step.message_id}: {error}") from None

    def _over_graphql(self, step: Step) -> None:
        event = {"type": step.type, "messageId": step.message_id, "timestamp": step.at, **step.message}
        payload = self._graphql.ask(INGEST, events=[event])["ingestEvents"]
        refused = [*payload["userErrors"], *(e for r in payload["results"] for e in r["userErrors"])]
        if refused:
            raise Retriable(f"the API did not take {step.message_id}: {refused[0]['message']}")
