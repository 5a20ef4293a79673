// What is drawn again stays as it was left: folds open, lists scrolled, the focus where it was.

const HELD = "a, button, summary, .scroll";
const LISTS = ".scroll";

/** Draw what is in `root` again. A fold is known by its data-name, the rest by its label or text. */
export function keeping(root, draw) {
  const all = (selector) => [...root.querySelectorAll(selector)];
  const folds = new Map(all("details[data-name]").map((one) => [one.dataset.name, one.open]));
  const places = new Map(all(LISTS).map((one) => [nameOf(one), [one.scrollLeft, one.scrollTop]]));
  const held = document.activeElement;
  const focused = root.contains(held) && held.matches(HELD) ? nameOf(held) : null;
  draw();
  for (const one of all("details[data-name]"))
    if (folds.has(one.dataset.name)) one.open = folds.get(one.dataset.name);
  for (const one of all(LISTS)) one.scrollTo(...(places.get(nameOf(one)) ?? [0, 0]));
  if (focused === null || held.isConnected) return;
  all(HELD)
    .find((one) => nameOf(one) === focused)
    ?.focus({ preventScroll: true });
}

function nameOf(one) {
  const fold = one.closest("details")?.dataset.name ?? "";
  const said = one.matches("a, button") ? one.textContent : "";
  return `${one.tagName} ${fold || one.getAttribute("aria-label")} ${said}`;
}
