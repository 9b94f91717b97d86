// @jitsu/js in a page: one call of each of its types; runs until it is done. Arguments: URL, write key, a prefix
// for all ids.
import { createRequire } from "node:module";
import { live } from "./browser.mjs";

const [url, writeKey, who] = process.argv.slice(2);
live(url);
const { jitsuAnalytics } = createRequire(import.meta.url)("@jitsu/js");
const cut = writeKey.lastIndexOf("_");
const client = jitsuAnalytics({ host: url, writeKey: `${writeKey.slice(0, cut)}:${writeKey.slice(cut + 1)}` });
await client.setAnonymousId(`${who}-a1`);
await client.track("Order Completed", { total: 12.5 });
await client.identify(`${who}-u1`, { email: `${who}@example.com`, name: "林女士" });
await client.page({ name: "Home", path: "/" });
await client.group(`${who}-g1`, { name: "Family" });
