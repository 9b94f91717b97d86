// posthog-node: one call of each kind. Arguments: URL, write key, a prefix for all ids.
import { PostHog } from "posthog-node";

const [url, writeKey, who] = process.argv.slice(2);
const failures = [];
const client = new PostHog(writeKey, { host: url, flushInterval: 100, disableGeoip: false });
client.on("error", (error) => failures.push(String(error)));
client.identify({
  distinctId: `${who}-u1`,
  properties: { $set: { email: `${who}@example.com`, name: "林女士" }, $anon_distinct_id: `${who}-a1` },
});
client.capture({ distinctId: `${who}-u1`, event: "Order Completed", properties: { total: 12.5 } });
client.alias({ distinctId: `${who}-old`, alias: `${who}-u1` });
await client.shutdown(20000);
if (failures.length) {
  console.error(failures.join("\n"));
  process.exitCode = 1;
}
