import { say } from "./policy.js";

// Copies the full, exact form, also while a secret is masked.
export function startCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    const label = button.querySelector("[data-label]");
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = "Copied";
      say("Copied");
    } catch {
      label.textContent = "Not copied: select it by hand";
    }
    setTimeout(() => { label.textContent = before; }, 2000);
  });
}
