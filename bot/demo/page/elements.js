/**
 * The interactive elements of Block Kit.
 *
 * A `surface` is the message or modal that an element stands on:
 *   people                         names for mentions, and the list for users_select
 *   press(block, element, answer)  tell the app; resolves when it acknowledged
 *   typed(block, element)          what the person entered before, undefined when nothing
 *   type(block, element, value)    remember what the person enters
 */

import { confirmed } from "./confirm.js";
import { el, freshId, icon, safeUrl, whileBusy } from "./dom.js";
import { openMenu } from "./menu.js";
import { plain, textObject } from "./mrkdwn.js";
import { localTime } from "./time.js";

const ELEMENTS = {
  button,
  overflow,
  static_select: select,
  users_select: select,
  radio_buttons: choices,
  checkboxes: choices,
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
  datepicker: textInput,
  datetimepicker: dateTimePicker,
};

// Slack's own limit of a text input, in characters.
const LONG = 3000;

const INPUT_TYPES = { email_text_input: "email", url_text_input: "url", number_input: "number", datepicker: "date" };

/** The node of an element. `field` is the input block around it: its {label, describedby} ids and `dispatch`. */
export function element(part, block, surface, field) {
  const make = ELEMENTS[part.type];
  return make ? make(part, block, surface, field) : el("span", { class: "unsupported" }, `unsupported: ${part.type}`);
}

/** The value an element starts with: a string, a list for checkboxes, null when empty; undefined if it holds none. */
export function startsWith(part) {
  if (part.type === "checkboxes") return (part.initial_options ?? []).map((option) => option.value);
  if (part.type === "button" || part.type === "overflow" || !(part.type in ELEMENTS)) return undefined;
  return part.initial_value ?? part.initial_option?.value ?? part.initial_user ?? part.initial_date ?? part.initial_date_time ?? null;
}

function button(part, block, surface) {
  const href = part.url && safeUrl(part.url);
  const press = (event) =>
    act(event.currentTarget, part, surface, () => surface.press(block, part, { value: part.value }));
  const attributes = {
    class: ["button", part.style].filter(Boolean).join(" "),
    "data-action-id": part.action_id,
    "data-value": part.value,
    "aria-label": part.accessibility_label,
    onclick: press,
  };
  if (href) return el("a", { ...attributes, href, target: "_blank", rel: "noopener noreferrer" }, plain(part.text));
  return el("button", { ...attributes, type: "button" }, plain(part.text));
}

function overflow(part, block, surface) {
  const options = part.options.map((option) => ({ ...described(option), value: option.value }));
  const choose = (node) => (selected) => act(node, part, surface, () => surface.press(block, part, { selected }));
  return el(
    "button",
    {
      class: "button more",
      type: "button",
      "data-action-id": part.action_id,
      "aria-label": "More actions",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      onclick: ({ currentTarget: node }) => openMenu(node, options, choose(node)),
    },
    icon("more"),
  );
}

/** Ask if the element wants that, then do `work` with the node marked busy. */
async function act(node, part, surface, work) {
  if (await confirmed(part.confirm, surface.people)) await whileBusy(node, work);
}

function select(part, block, surface, field) {
  const current = surface.typed(block, part) ?? startsWith(part);
  const hint = plain(part.placeholder) || "Choose…";
  const node = el(
    "select",
    { ...namedBy(field, hint), id: field?.control, "data-action-id": part.action_id },
    el("option", { value: "" }, hint),
    part.type === "users_select" ? surface.people.humans().map(userOption) : groups(part),
  );
  node.value = current ?? "";
  const tells = !field || field.dispatch;
  if (tells) node.addEventListener("keydown", openPicker);
  node.addEventListener("change", () => {
    surface.type(block, part, node.value || null);
    if (tells && node.value) act(node, part, surface, () => surface.press(block, part, { selected: node.value }));
  });
  return node;
}

/** Arrow keys open the list instead of choosing: each choice is told to the app, and only the last is meant. */
function openPicker(event) {
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || !event.target.showPicker) return;
  event.preventDefault();
  event.target.showPicker();
}

function groups(part) {
  if (!part.option_groups) return part.options.map(option);
  return part.option_groups.map((group) => el("optgroup", { label: plain(group.label) }, group.options.map(option)));
}

const option = (choice) => el("option", { value: choice.value }, plain(choice.text));
const userOption = (user) => el("option", { value: user.id }, user.real_name || user.name);

function choices(part, block, surface, field) {
  const many = part.type === "checkboxes";
  const chosen = [surface.typed(block, part) ?? startsWith(part)].flat();
  const name = freshId("choice");
  const box = (choice) =>
    el("input", {
      type: many ? "checkbox" : "radio",
      name,
      value: choice.value,
      checked: chosen.includes(choice.value),
    });
  const rows = part.options.map((choice) => {
    const { label, description } = described(choice, surface.people);
    return el(
      "label",
      { class: "choice" },
      box(choice),
      el("span", {}, label, description && el("small", {}, description)),
    );
  });
  const role = many ? "group" : "radiogroup";
  const node = el(
    "div",
    { ...namedBy(field, "Choose"), role, class: "choices", "data-action-id": part.action_id },
    rows,
  );
  node.addEventListener("change", () => {
    const values = [...node.querySelectorAll("input:checked")].map((input) => input.value);
    const value = many ? values : (values[0] ?? null);
    surface.type(block, part, value);
    if (!field || field.dispatch) act(node, part, surface, () => surface.press(block, part, { selected: value }));
  });
  return node;
}

function textInput(part, block, surface, field) {
  const node = el(part.multiline ? "textarea" : "input", {
    ...namedBy(field, plain(part.placeholder)),
    id: field?.control,
    type: part.multiline ? null : (INPUT_TYPES[part.type] ?? "text"),
    rows: part.multiline ? ((part.max_length ?? LONG) < LONG ? "4" : "9") : null,
    maxlength: part.max_length ?? LONG,
    placeholder: plain(part.placeholder) || null,
    autocomplete: "off",
    "data-action-id": part.action_id,
  });
  node.value = surface.typed(block, part) ?? startsWith(part) ?? "";
  const tell = () => act(node, part, surface, () => surface.press(block, part, { value: node.value }));
  const when = field?.dispatch ? (part.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"]) : [];
  node.addEventListener("input", () => {
    surface.type(block, part, node.value || null);
    if (when.includes("on_character_entered")) tell();
  });
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || part.multiline || !when.includes("on_enter_pressed")) return;
    event.preventDefault();
    tell();
  });
  if (part.type === "datepicker" && when.length) node.addEventListener("change", tell);
  return node;
}

/** A day and a time by the clock of the person; Slack keeps it in seconds. */
function dateTimePicker(part, block, surface, field) {
  const node = el("input", {
    ...namedBy(field, "Date and time"),
    id: field?.control,
    type: "datetime-local",
    "data-action-id": part.action_id,
  });
  const seconds = surface.typed(block, part) ?? startsWith(part);
  node.value = seconds === null ? "" : localTime(seconds);
  node.addEventListener("change", () => {
    const chosen = node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null;
    surface.type(block, part, chosen);
    if (!field || field.dispatch) act(node, part, surface, () => surface.press(block, part, { selected: chosen }));
  });
  return node;
}

function described(choice, people) {
  return {
    label: people ? textObject(choice.text, people) : plain(choice.text),
    description: choice.description && plain(choice.description),
  };
}

/** How assistive technology names the control: by the input block around it, or by its own words. */
function namedBy(field, words) {
  if (!field) return { "aria-label": words || null };
  return {
    "aria-labelledby": field.label,
    "aria-describedby": field.describedby,
    "aria-required": field.required ? "true" : null,
  };
}
