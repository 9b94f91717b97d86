// @rudderstack/rudder-sdk-node: one call of each type, packed as it does by default. Arguments: URL, key, prefix.
import Analytics from "@rudderstack/rudder-sdk-node";

const [url, writeKey, who] = process.argv.slice(2);
const failures = [];
const client = new (Analytics.default ?? Analytics)(writeKey, {
  dataPlaneUrl: url,
  flushInterval: 100,
  errorHandler: (error) => failures.push(String(error)),
});
client.identify({ userId: `${who}-u1`, traits: { email: `${who}@example.com`, name: "林女士" } });
client.track({ anonymousId: `${who}-a1`, event: "Order Completed", properties: { total: 12.5 } });
client.page({ userId: `${who}-u1`, category: "shop", name: "Home", properties: { path: "/" } });
client.screen({ userId: `${who}-u1`, name: "Cart" });
client.group({ userId: `${who}-u1`, groupId: `${who}-g1`, traits: { name: "Family" } });
client.alias({ previousId: `${who}-a1`, userId: `${who}-u1` });
await client.flush();
if (failures.length) {
  console.error(failures.join("\n"));
  process.exitCode = 1;
}
process.exit();
