/** Slack's data table, which its reader can sort. */

import { el, fill } from "./dom.js";
import { richText } from "./richtext.js";

/** The node of a data_table block. */
export function dataTable(block, surface) {
  const [head, ...rows] = block.rows;
  const column = block.row_header_column_index ?? 0;
  const body = el("tbody");
  const draw = (ordered) => fill(body, ordered.map((row) => line(row, column, surface)));
  const titles = head.map((cell, at) => title(cell, at, rows, draw));
  draw(rows);
  return el(
    "div",
    { class: "scrolled", tabindex: "0", role: "group", "aria-label": block.caption },
    el("table", {}, el("caption", {}, block.caption), el("thead", {}, el("tr", {}, titles)), body),
  );
}

function title(cell, at, rows, draw) {
  const sort = ({ currentTarget }) => {
    const isUp = node.getAttribute("aria-sort") !== "ascending";
    for (const other of currentTarget.closest("tr").children) other.removeAttribute("aria-sort");
    node.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    draw(rows.toSorted((one, other) => (isUp ? 1 : -1) * compared(one[at], other[at])));
  };
  const node = el("th", { scope: "col", class: cell.type }, el("button", { type: "button", onclick: sort }, cell.text));
  return node;
}

function compared(one, other) {
  if (one.type === "raw_number" && other.type === "raw_number") return one.value - other.value;
  return String(one.text ?? "").localeCompare(String(other.text ?? ""));
}

function line(row, column, surface) {
  const cell = (each, at) => {
    const content = each.type === "rich_text" ? richText(each, surface.people) : each.text;
    return at === column
      ? el("th", { scope: "row", class: each.type }, content)
      : el("td", { class: each.type }, content);
  };
  return el("tr", {}, row.map(cell));
}
