import { swap } from "./swap.js";

// One EventSource per browser: the tab that holds the lock listens and tells the others.
const LOCK = "aforo-live";

export function startLive() {
  const place = document.querySelector("[data-live]");
  if (!place || !globalThis.EventSource || !navigator.locks) return;
  const channel = new BroadcastChannel(LOCK);
  const show = (state, words) => { place.dataset.state = state; place.textContent = words; };
  let source = null, release = null, last = "";
  const hear = ({ kind, id, state, words }) => {
    if (state) return show(state, words);
    last = id || last;
    for (const part of document.querySelectorAll(`[data-live-on~="${CSS.escape(kind)}"]`)) refresh(part);
  };
  const tell = (fact) => { hear(fact); channel.postMessage(fact); };
  channel.onmessage = (event) => hear(event.data);

  function listen() {
    const url = new URL(place.dataset.live, location.href);
    if (last) url.searchParams.set("last_event_id", last);
    source = new EventSource(url);
    source.onopen = () => tell({ state: "live", words: "Live" });
    source.onmessage = (event) => tell({ kind: event.data, id: event.lastEventId });
    source.onerror = () => tell(source.readyState === EventSource.CLOSED ? { state: "off", words: "Off" } : { state: "reconnecting", words: `Reconnecting since ${new Date().toISOString().slice(11, 16)} UTC` });
  }
  function join() {
    navigator.locks.request(LOCK, () => new Promise((resolve) => { release = resolve; document.hidden ? resolve() : listen(); }));
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return join();
    source?.close();
    source = null;
    release?.();
    show("paused", "Paused");
  });
  if (!document.hidden) join();
}

// Rows never move under the pointer or the focus: then the part waits for a press.
function refresh(part) {
  const wait = part.querySelector("[data-waiting]");
  if (wait && (part.matches(":hover") || part.contains(document.activeElement))) wait.hidden = false;
  else swap(part.id, location.href, { push: false });
}
