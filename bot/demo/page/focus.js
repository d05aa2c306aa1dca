/** The keyboard's place on the page: kept when something is drawn again, given back when a dialog closes. */

const CONTROLS = "button, input, select, textarea, a[href]";

/** The first control inside `node`, or null. */
export const firstControl = (node) => node.querySelector(CONTROLS);

/** Remember where the focus is; the returned function brings it back, also when its message was drawn again. */
export function rememberFocus() {
  const node = document.activeElement;
  const { ts } = node?.closest("[data-ts]")?.dataset ?? {};
  return () => {
    const article = ts && document.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
    const target = node?.isConnected ? node : article && (control(article, node) ?? reachable(article));
    target?.focus({ preventScroll: true });
  };
}

/** Put `next` where `old` stood; the focus goes to the same control in it, or to `next` itself. */
export function replaceKeepingFocus(old, next) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const caret = focused?.selectionStart === undefined ? null : [focused.selectionStart, focused.selectionEnd];
  old.replaceWith(next);
  if (!focused) return;
  const same = control(next, focused);
  (same ?? reachable(next)).focus({ preventScroll: true });
  if (same?.setSelectionRange && caret && caret[0] !== null) same.setSelectionRange(...caret);
}

/** Remove a node; if it had the focus, its neighbour gets it. */
export function removeKeepingFocus(node) {
  const neighbour = node.nextElementSibling ?? node.previousElementSibling;
  const hadFocus = node.contains(document.activeElement);
  node.remove();
  if (hadFocus && neighbour) reachable(neighbour).focus({ preventScroll: true });
}

/** Let Tab go round inside `dialog`; without this it visits the browser's own bars on the way. */
export function keepTabInside(dialog) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const controls = [...dialog.querySelectorAll(CONTROLS)].filter(
      (node) => node.tabIndex >= 0 && node.checkVisibility(),
    );
    const [from, to] = event.shiftKey ? [controls[0], controls.at(-1)] : [controls.at(-1), controls[0]];
    if (document.activeElement !== from) return;
    event.preventDefault();
    to.focus();
  });
}

/** The control in `root` that does what `old` did: of several with one action, the one with the same value. */
function control(root, old) {
  const { actionId, value } = old.dataset;
  if (actionId === undefined) return null;
  const alike = [...root.querySelectorAll(`[data-action-id="${CSS.escape(actionId)}"]`)];
  return alike.find((node) => node.dataset.value === value) ?? alike[0] ?? null;
}

function reachable(node) {
  if (!node.matches(CONTROLS)) node.setAttribute("tabindex", "-1");
  return node;
}
