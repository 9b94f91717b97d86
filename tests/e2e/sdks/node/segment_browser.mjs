// @segment/analytics-next in a page: one call of each type, in the order that its alias needs; runs until it is
// ended. Arguments: URL, write key, a prefix for all ids, and `batching`.
import { live } from "./browser.mjs";

const [url, writeKey, who, ...options] = process.argv.slice(2);
live(url);
const { AnalyticsBrowser } = await import("@segment/analytics-next");
const batching = { strategy: "batching", config: { size: 10, timeout: 200 } };
const delivery = { apiHost: `${new URL(url).host}/v1`, protocol: "http" };
if (options.includes("batching")) delivery.deliveryStrategy = batching;
const [client] = await AnalyticsBrowser.load({ writeKey, cdnURL: url }, { integrations: { "Segment.io": delivery } });
client.setAnonymousId(`${who}-a1`);
await client.alias(`${who}-u1`, `${who}-a1`);
await client.track("Order Completed", { total: 12.5 });
await client.identify(`${who}-u1`, { email: `${who}@example.com`, name: "林女士" });
client.page("shop", "Home", { path: "/" });
client.screen("Cart");
client.group(`${who}-g1`, { name: "Family" });
