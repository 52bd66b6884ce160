// The one Trusted Types policy: only whole pages of our own origin pass it, and only into DOMParser.
const trusted = globalThis.trustedTypes?.createPolicy("aforo", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

export function parsePage(text) {
  return new DOMParser().parseFromString(trusted.createHTML(text), "text/html");
}

export async function fetchPage(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { accept: "text/html", ...options.headers }, credentials: "same-origin" });
  if (new URL(answer.url).origin !== location.origin) throw new Error("answer from another origin");
  return { url: answer.url, page: parsePage(await answer.text()) };
}

export function say(words) {
  const region = document.getElementById("status");
  if (region) region.textContent = words;
}
