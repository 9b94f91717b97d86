// @rudderstack/analytics-js in a page: one call of each of its types, all at once; runs until it is ended.
// Arguments: URL, write key, a prefix for all ids, and `beacon`.
import { readFileSync } from "node:fs";
import { openPage } from "./browser.mjs";

const [url, writeKey, who, ...options] = process.argv.slice(2);
const bundle = "node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js";
const window = openPage(url);
window.eval(readFileSync(new URL(bundle, import.meta.url), "utf8"));
const client = new window.rudderanalytics.RudderAnalytics();
client.load(writeKey, url, {
  configUrl: url,
  polyfillIfRequired: false,
  lockIntegrationsVersion: false,
  lockPluginsVersion: false,
  useBeacon: options.includes("beacon"),
  beaconQueueOptions: { flushQueueInterval: 200 },
});
await new Promise((done) => client.ready(done));
client.setAnonymousId(`${who}-a1`);
client.track("Order Completed", { total: 12.5 });
client.identify(`${who}-u1`, { email: `${who}@example.com`, name: "林女士" });
client.page("shop", "Home", { path: "/" });
client.group(`${who}-g1`, { name: "Family" });
client.alias(`${who}-u1`, `${who}-a1`);
