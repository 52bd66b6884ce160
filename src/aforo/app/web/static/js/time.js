// Keeps "13 min ago" true while a page stays open; the exact time beside it never changes.
function ago(moment, now) {
  const gap = (now - moment) / 1000;
  const size = Math.abs(gap);
  if (size >= 86400) return null;
  const words = size < 60 ? `${Math.floor(size)} s` : size < 3600 ? `${Math.floor(size / 60)} min` : `${Math.floor(size / 3600)} h`;
  return gap >= 0 ? `${words} ago` : `in ${words}`;
}

export function startTimes() {
  // The server's clock is the page's clock: a wrong one here must not make "-3 min".
  const offset = Date.parse(document.documentElement.dataset.now) - Date.now();
  setInterval(() => {
    if (document.hidden) return;
    const now = Date.now() + offset;
    for (const part of document.querySelectorAll("time [data-ago]")) {
      const words = ago(Date.parse(part.closest("time").dateTime), now);
      if (words && words !== part.textContent) part.textContent = words;
    }
  }, 15000);
}
