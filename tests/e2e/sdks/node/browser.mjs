// A page of the shop, by jsdom: what browser libraries look for becomes global.
import { JSDOM } from "jsdom";

const GLOBALS = ["document", "localStorage", "location", "history", "navigator", "HTMLElement", "Event", "CustomEvent"];

export function openPage(url) {
  const { window } = new JSDOM("", { url, pretendToBeVisual: true, runScripts: "dangerously" });
  Object.assign(window, { fetch, TextEncoder, TextDecoder, Headers, Request, Response, AbortController });
  Object.defineProperty(window, "crypto", { value: crypto });
  window.navigator.sendBeacon = (target, blob) => {
    const reader = new window.FileReader();
    reader.onload = () => fetch(target, { method: "POST", body: reader.result });
    reader.readAsText(blob);
    return true;
  };
  return window;
}

export function live(url) {
  globalThis.window = openPage(url);
  for (const name of GLOBALS) {
    Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
  }
}
