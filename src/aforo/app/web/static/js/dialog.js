import { fetchPage } from "./policy.js";

// Every dialog is a page first: a link with data-dialog opens that page's question without leaving this one.
async function openDialog(link) {
  let body;
  try {
    body = (await fetchPage(link.href)).page.querySelector("[data-dialog-body]");
  } catch { /* the page itself will say what is wrong */ }
  if (!body) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const heading = body.querySelector("h1");
  if (heading) {
    const lower = document.createElement("h2");
    lower.append(...heading.childNodes);
    lower.id = "dialog-title";
    heading.replaceWith(lower);
    dialog.setAttribute("aria-labelledby", "dialog-title");
  }
  dialog.append(document.adoptNode(body));
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[data-close]")?.focus();
}

export function startDialogs() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-dialog]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    openDialog(link);
  });
}
