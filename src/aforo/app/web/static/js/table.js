// Boxes with data-pick belong to the nearest data-picks region; the header box means this page, never all that match.
const format = new Intl.NumberFormat("en");
const moneyFormat = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 6 });

// Sums in millionths, so that money adds up exactly; unknown figures are never taken for zero.
function total(boxes, name) {
  const figures = boxes.map((box) => box.dataset[name] ?? "");
  const known = figures.filter((figure) => figure !== "");
  if (figures.length && !known.length) return "—";
  const sum = known.reduce((millionths, figure) => millionths + Math.round(Number(figure) * 1e6), 0) / 1e6;
  const words = (name === "revenue" ? moneyFormat : format).format(sum);
  return known.length < figures.length ? `at least ${words}` : words;
}

function count(region) {
  const boxes = [...region.querySelectorAll("input[data-pick]:not(:disabled)")];
  const picked = boxes.filter((box) => box.checked);
  for (const all of region.querySelectorAll("input[data-pick-all]")) {
    const mine = all.dataset.pickAll ? boxes.filter((box) => box.dataset.pick === all.dataset.pickAll) : boxes;
    const on = mine.filter((box) => box.checked).length;
    all.checked = mine.length > 0 && on === mine.length;
    all.indeterminate = on > 0 && on < mine.length;
  }
  for (const place of region.querySelectorAll("[data-picked-count]")) {
    const family = place.dataset.pickedCount;
    const size = family ? picked.filter((box) => box.dataset.pick === family).length : picked.length;
    place.textContent = format.format(size);
  }
  for (const place of region.querySelectorAll("[data-picked-sum]")) {
    place.textContent = total(picked, place.dataset.pickedSum);
  }
  for (const button of region.querySelectorAll("button[data-verb]")) {
    const noun = picked.length === 1 ? button.dataset.one : button.dataset.many;
    button.textContent = picked.length ? `${button.dataset.verb} ${format.format(picked.length)} ${noun}` : `${button.dataset.verb} ${button.dataset.many}`;
    button.disabled = picked.length === 0;
  }
  const reach = region.querySelector("[data-reach]");
  if (reach) reach.hidden = boxes.length === 0 || picked.length < boxes.length;
}

export function startTables() {
  document.addEventListener("change", (event) => {
    const box = event.target;
    const region = box.closest?.("[data-picks]");
    if (!region) return;
    if (box.dataset.pickAll !== undefined) {
      for (const one of region.querySelectorAll("input[data-pick]:not(:disabled)")) {
        if (!box.dataset.pickAll || one.dataset.pick === box.dataset.pickAll) one.checked = box.checked;
      }
    }
    count(region);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-fold]");
    if (!button) return;
    const open = button.dataset.fold === "open";
    for (const part of document.getElementById(button.dataset.of)?.querySelectorAll("details") ?? []) part.open = open;
  });
  const all = () => document.querySelectorAll("[data-picks]").forEach(count);
  document.addEventListener("aforo:swapped", all);
  all();
}
