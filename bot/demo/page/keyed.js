/** A list of nodes kept in step with a list of items, touching only what changed. */

import { removeKeepingFocus, replaceKeepingFocus } from "./focus.js";

/**
 * Make a function that shows `items` inside `container`. An item is {key, value}; its node is made again by
 * `render(value, …rest)` only when the value differs, so what a person typed or focused elsewhere stays as it is.
 */
export function keyedList(container, render) {
  let shown = new Map();
  return (items, ...rest) => {
    const next = new Map(
      items.map(({ key, value }) => [key, settle(shown.get(key), value, () => render(value, ...rest))]),
    );
    for (const [key, { node }] of shown) if (!next.has(key)) removeKeepingFocus(node);
    let place = container.firstChild;
    for (const { node } of next.values()) {
      if (node === place) place = place.nextSibling;
      else container.insertBefore(node, place);
    }
    shown = next;
  };
}

function settle(old, value, render) {
  const version = JSON.stringify(value);
  if (old?.version === version) return old;
  const node = render();
  if (old) replaceKeepingFocus(old.node, node);
  return { version, node };
}
