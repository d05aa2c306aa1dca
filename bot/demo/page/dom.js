/** Ways to build DOM nodes: text goes in as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** An element. A function under `on…` listens; null, undefined and false leave an attribute or a child out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...present(children));
  return node;
}

/** An element of a drawing; attributes and children as above. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...present(children));
  return node;
}

/** The children of `node` become these. */
export function fill(node, ...children) {
  node.replaceChildren(...present(children));
  return node;
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** One of the drawings in icons.svg; decoration only, so what it stands for must be said beside it. */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `/page/icons.svg#${name}` }));
}

let counter = 0;

/** An id that no other node of the page has. */
export function freshId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** Run `work` once at a time, the node marked busy; it keeps the focus, which `disabled` would take away. */
export async function whileBusy(node, work) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/** The address if it is one that a link may lead to, else null. */
export function safeUrl(address, protocols = ["http:", "https:", "mailto:"]) {
  try {
    return protocols.includes(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}

/** A link out of the page; an address that may not be followed is shown as the text it is. */
export function link(address, ...children) {
  const href = safeUrl(address);
  if (href === null) return el("span", {}, children.length ? children : address);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, children.length ? children : address);
}
