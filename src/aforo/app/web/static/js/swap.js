import { fetchPage, say } from "./policy.js";

// Links and GET forms with data-swap="id" replace that one element instead of the page.
export async function swap(id, url, { push = true } = {}) {
  const old = document.getElementById(id);
  if (!old) return location.assign(url);
  old.setAttribute("aria-busy", "true");
  try {
    const answer = await fetchPage(url);
    const fresh = answer.page.getElementById(id);
    if (!fresh) return location.assign(url);
    replaceKeepingFocus(old, fresh);
    document.title = answer.page.title;
    if (push) history.pushState({ swap: id }, "", answer.url);
    const count = fresh.querySelector("[data-count-words]");
    if (count) say(count.textContent);
    document.dispatchEvent(new CustomEvent("aforo:swapped", { detail: fresh }));
  } catch {
    location.assign(url);
  }
}

// Several parts of this page at once, in one request. What fails stays as it is, and the next change tries again.
export async function renewParts(ids, url) {
  try {
    const answer = await fetchPage(url);
    for (const id of ids) {
      const old = document.getElementById(id), fresh = answer.page.getElementById(id);
      if (!old || !fresh) continue;
      replaceKeepingFocus(old, fresh);
      document.dispatchEvent(new CustomEvent("aforo:swapped", { detail: fresh }));
    }
    document.title = answer.page.title;
  } catch { /* the state in the top bar says when the connection is gone */ }
}

function replaceKeepingFocus(old, fresh) {
  const active = document.activeElement;
  const held = old.contains(active) ? active.id || active.name : "";
  const caret = held && active.selectionStart;
  old.replaceWith(fresh);
  if (!held) return;
  const again = fresh.querySelector(`#${CSS.escape(held)}`) ?? fresh.querySelector(`[name="${CSS.escape(held)}"]`);
  again?.focus({ preventScroll: true });
  if (typeof caret === "number" && again?.setSelectionRange && again.type !== "checkbox") {
    try { again.setSelectionRange(caret, caret); } catch { /* this kind of field has no caret */ }
  }
}

export function startSwap() {
  history.replaceState({ ...history.state, swap: null }, "");
  addEventListener("popstate", () => location.reload());
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-swap]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    swap(link.dataset.swap, link.href);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.swap || form.method !== "get") return;
    event.preventDefault();
    const url = new URL(form.action, location.href);
    const filled = [...new FormData(form)].filter(([, value]) => value !== "");
    url.search = new URLSearchParams(filled).toString();
    swap(form.dataset.swap, url.href);
  });
}
