/** A small menu that opens beside a button. */

import { el } from "./dom.js";
import { rememberFocus } from "./focus.js";

const GAP = 6;

/**
 * Open a menu of `choices` ({label, description, value}) beside `opener`; `choose(value)` is called at most once.
 * The menu stays open when the message around `opener` is drawn again.
 */
export function openMenu(opener, choices, choose) {
  const menu = el(
    "div",
    { class: "menu", role: "menu", popover: "auto", "aria-label": opener.getAttribute("aria-label") },
    choices.map(({ label, description, value }) =>
      el(
        "button",
        {
          type: "button",
          role: "menuitem",
          tabindex: "-1",
          "data-value": value,
          onclick: () => {
            menu.hidePopover();
            choose(value);
          },
        },
        label,
        description && el("small", {}, description),
      ),
    ),
  );
  opener.focus({ preventScroll: true });
  const giveFocusBack = rememberFocus();
  menu.addEventListener("keydown", (event) => steer(event, menu));
  menu.addEventListener("toggle", (event) => event.newState === "closed" && close(menu, opener, giveFocusBack));
  // Outside the message, which may be drawn again meanwhile. A modal dialog makes everything outside itself unreachable.
  (opener.closest("dialog") ?? document.body).append(menu);
  opener.setAttribute("aria-expanded", "true");
  menu.showPopover();
  place(menu, opener);
  menu.firstElementChild.focus();
}

function close(menu, opener, giveFocusBack) {
  const hadFocus = menu.contains(document.activeElement) || document.activeElement === document.body;
  menu.remove();
  opener.setAttribute("aria-expanded", "false");
  if (hadFocus) giveFocusBack();
}

function place(menu, opener) {
  const at = opener.getBoundingClientRect();
  const below = at.bottom + GAP + menu.offsetHeight < window.innerHeight;
  const left = Math.min(at.left, window.innerWidth - menu.offsetWidth - GAP);
  menu.style.left = `${Math.max(left, GAP)}px`;
  menu.style.top = `${below ? at.bottom + GAP : Math.max(at.top - GAP - menu.offsetHeight, GAP)}px`;
}

/** Arrow keys, Home, End and Tab move as the ARIA menu pattern asks; Escape is the popover's own. */
function steer(event, menu) {
  const items = [...menu.children];
  const here = items.indexOf(document.activeElement);
  const targets = {
    ArrowDown: (here + 1) % items.length,
    ArrowUp: (here - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  };
  if (event.key === "Tab") menu.hidePopover();
  if (!(event.key in targets)) return;
  event.preventDefault();
  items[targets[event.key]].focus();
}
