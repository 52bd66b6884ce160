import { renewParts } from "./swap.js";

// One EventSource per browser: the tab that holds the lock listens and tells the others.
const LOCK = "aforo-live";

export function startLive() {
  const place = document.querySelector("[data-live]");
  if (!place || !globalThis.EventSource || !navigator.locks) return;
  const channel = new BroadcastChannel(LOCK);
  const show = (state, words) => { place.dataset.state = state; place.textContent = words; };
  let source = null, release = null, last = "", timer = null;
  const due = new Set();
  const renew = () => {
    const kinds = [...due].map((kind) => `[data-live-on~="${CSS.escape(kind)}"]`);
    timer = null;
    due.clear();
    refresh([...document.querySelectorAll(kinds.join())]);
  };
  const hear = ({ kind, id, state, words, from }) => {
    if (from) return catchUp(from);
    if (state) return show(state, words);
    last = id || last;
    due.add(kind);
    timer ??= setTimeout(renew, 200);
  };
  // A tab that was drawn before the last change, and came after it was told, says where it stands.
  const catchUp = (from) => {
    const known = from.split(",");
    for (const part of source && last ? last.split(",") : []) {
      if (!known.includes(part)) channel.postMessage({ kind: part.split(":")[0], id: last });
    }
  };
  const tell = (fact) => { hear(fact); channel.postMessage(fact); };
  channel.onmessage = (event) => hear(event.data);
  const drawn = new URL(place.dataset.live, location.href).searchParams.get("last_event_id");
  if (drawn) channel.postMessage({ from: drawn });

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
function refresh(parts) {
  const now = parts.filter((part) => {
    const wait = part.querySelector("[data-waiting]");
    const held = wait && (part.matches(":hover") || part.contains(document.activeElement));
    if (held) wait.hidden = false;
    return !held;
  });
  if (now.length) renewParts(now.map((part) => part.id), location.href);
}
