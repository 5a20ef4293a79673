// Elements from plain descriptions. Text is always text: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

/** h("p.note", {title: "x", onclick: f}, "text", element, null): an element with its children. */
export function h(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  return fill(document.createElement(tag), classes, attributes, children);
}

/** The same for SVG. */
export function s(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  return fill(document.createElementNS(SVG, tag), classes, attributes, children);
}

function fill(element, classes, attributes, children) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Set a text only where it differs. Returns whether it did. */
export function setText(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/** The children in this order; those that stand in the right place already are not moved. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** The mark of a severity: a shape of its own and its name. */
export function severityMark(severity, name) {
  return h(`span.sev.sev-${severity}`, {}, shape(severity), h("span", {}, name));
}

export function shape(severity) {
  return s(
    "svg.shape",
    { "aria-hidden": "true", focusable: "false" },
    s("use", { href: `#shape-${severity}` }),
  );
}
