/** Block Kit's layout blocks as DOM nodes. */

import { chart } from "./chart.js";
import { el, freshId, safeUrl } from "./dom.js";
import { element } from "./elements.js";
import { plain, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { dataTable } from "./table.js";

const BLOCKS = {
  header,
  section,
  context,
  actions,
  divider,
  input,
  image,
  rich_text: richTextBlock,
  data_visualization: chart,
  data_table: dataTable,
};

/** The node of one block; what it cannot show it says. See elements.js for what a surface is. */
export function renderBlock(block, surface) {
  const make = Object.hasOwn(BLOCKS, block.type) ? BLOCKS[block.type] : unsupported;
  const node = make(block, surface);
  node.classList.add("block", block.type);
  if (block.block_id) node.dataset.blockId = block.block_id;
  return node;
}

function header(block) {
  return el("h3", {}, plain(block.text));
}

function section(block, surface) {
  const text = block.text && el("div", { class: "text" }, textObject(block.text, surface.people));
  const fields = block.fields?.map((field) => el("div", { class: "text" }, textObject(field, surface.people)));
  const side = block.accessory && accessory(block, surface);
  return el("div", {}, el("div", { class: "body" }, text, fields && el("div", { class: "fields" }, fields)), side);
}

function accessory(block, surface) {
  const part = block.accessory;
  if (part.type === "image") return picture(part, "accessory");
  return el("div", { class: "accessory" }, element(part, block, surface));
}

function context(block, surface) {
  const parts = block.elements.map((part) =>
    part.type === "image" ? picture(part) : el("span", { class: "text" }, textObject(part, surface.people)),
  );
  return el("div", {}, parts);
}

function actions(block, surface) {
  return el(
    "div",
    { role: "group", "aria-label": "Actions" },
    block.elements.map((part) => element(part, block, surface)),
  );
}

function divider() {
  return el("hr");
}

function image(block) {
  return el("figure", {}, block.title && el("figcaption", {}, plain(block.title)), picture(block));
}

function picture(part, style) {
  const src = safeUrl(part.image_url, ["http:", "https:", "data:"]);
  if (!src) return el("span", { class: "unsupported" }, part.alt_text);
  return el("img", { class: style, src, alt: part.alt_text, loading: "lazy", referrerpolicy: "no-referrer" });
}

function richTextBlock(block, surface) {
  return el("div", { class: "text" }, richText(block, surface.people));
}

function input(block, surface) {
  const ids = { label: freshId("label"), control: freshId("control"), hint: freshId("hint"), error: freshId("error") };
  const describedby = block.hint ? `${ids.error} ${ids.hint}` : ids.error;
  const field = { ...ids, describedby, dispatch: block.dispatch_action, required: !block.optional };
  return el(
    "div",
    {},
    el(
      "label",
      { id: ids.label, for: ids.control },
      plain(block.label),
      block.optional && el("span", { class: "optional" }, " (optional)"),
    ),
    element(block.element, block, surface, field),
    el("p", { class: "error", id: ids.error }),
    block.hint && el("p", { class: "hint", id: ids.hint }, plain(block.hint)),
  );
}

function unsupported(block) {
  return el("p", { class: "unsupported" }, `unsupported block: ${block.type}`);
}
