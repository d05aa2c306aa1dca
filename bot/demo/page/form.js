/** What a modal's form holds and what it still lacks. */

import { startsWith } from "./elements.js";

const REQUIRED = "Please complete this required field.";

/** The values of everything that can hold one, by block and action: what was typed, else what it starts with. */
export function formState(view, typed) {
  const all = {};
  for (const [blockId, part] of holders(view)) {
    const value = typed[blockId]?.[part.action_id];
    (all[blockId] ??= {})[part.action_id] = value === undefined ? startsWith(part) : value;
  }
  return all;
}

/** What Slack's own client would not send, as a sentence for each block. */
export function shortcomings(view, state) {
  const found = view.blocks
    .filter((block) => block.type === "input")
    .map((block) => [block.block_id, shortcoming(block, state[block.block_id]?.[block.element.action_id])]);
  return Object.fromEntries(found.filter(([, sentence]) => sentence));
}

function shortcoming({ element, optional }, value) {
  const empty = value === null || value === undefined || value.length === 0;
  if (empty) return optional ? null : REQUIRED;
  const tooShort = typeof value === "string" && value.length < (element.min_length ?? 0);
  return tooShort ? `Please write at least ${element.min_length} characters.` : null;
}

function holders(view) {
  return view.blocks.flatMap((block) =>
    [block.element, block.accessory, ...(block.type === "actions" ? block.elements : [])]
      .filter((part) => part && startsWith(part) !== undefined)
      .map((part) => [block.block_id, part]),
  );
}
