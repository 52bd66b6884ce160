import { fetchPage } from "./policy.js";

// Ctrl K, or / where the page has no filter: the search page's hits in a dialog. Without scripts the field is a form.
let palette = null;

export function startPalette() {
  const form = document.querySelector(".finder");
  if (!form) return;
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !field && !event.ctrlKey && !event.metaKey && !event.altKey;
    const chord = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!slash && !chord) return;
    if (document.querySelector("dialog[open]:not(.drawer)")) return;
    event.preventDefault();
    const filter = slash && document.querySelector(".toolbar input[type=search]");
    if (filter) filter.focus(); else openPalette(form);
  });
}

function openPalette(form) {
  palette = document.createElement("dialog");
  palette.className = "dialog palette";
  palette.setAttribute("aria-label", "Search everything");
  const own = form.cloneNode(true), field = own.querySelector("input");
  own.className = "finder open";
  field.id = "palette-q";
  own.querySelector("label").htmlFor = field.id;
  const hits = document.createElement("div");
  hits.className = "found";
  palette.append(own, hits);
  let timer = null, asked = "";
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const words = asked = field.value.trim();
      const url = new URL(form.action, location.href);
      url.searchParams.set("q", words);
      try {
        const fresh = words ? (await fetchPage(url)).page : null;
        if (words === asked) hits.replaceChildren(...(fresh ? [fresh.querySelector("[data-hits]") ?? openLink(url, words)] : []));
      } catch { /* Enter still sends the form */ }
    }, 80);
  });
  palette.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [field, ...hits.querySelectorAll("a")];
    const next = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    stops[(next + stops.length) % stops.length].focus();
  });
  const back = document.activeElement;
  palette.addEventListener("close", () => { palette.remove(); back?.focus?.(); });
  document.body.append(palette);
  palette.showModal();
  field.focus();
}

// A whole id was typed: the search page leads straight to the thing.
function openLink(url, words) {
  const link = document.createElement("a");
  link.href = url.href;
  link.textContent = `Open ${words}`;
  return link;
}
