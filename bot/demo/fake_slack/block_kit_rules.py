"""Which blocks Slack accepts: a table of Block Kit, and its interpreter.

The numbers are those of docs.slack.dev/reference/block-kit.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bot.demo.fake_slack.chart_rules import CHART, MOST_OF_KIND, TABLE, chart_problems, say, table_problems
from bot.demo.fake_slack.models import Json

SELECTS = {f"{kind}_select" for kind in ("static", "external", "users", "conversations", "channels")}
CHOICES = SELECTS | {f"multi_{kind}" for kind in SELECTS} | {"checkboxes", "radio_buttons"}
TIMES = {"datepicker", "timepicker", "datetimepicker"}
WRITTEN = {"plain_text_input", "email_text_input", "url_text_input", "number_input"}
PRESSED = {"button", "overflow", "workflow_button"}

ELEMENTS_OF = {
    "actions": PRESSED | CHOICES | TIMES,
    "section": PRESSED | CHOICES | TIMES | {"image"},
    "input": CHOICES | TIMES | WRITTEN | {"rich_text_input", "file_input"},
    "context": {"image", "plain_text", "mrkdwn"},
}
RICH_TEXT = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
EVERYWHERE = {"section", "divider", "image", "actions", "context", "header", "input", "rich_text", "video"}
SHOWN = EVERYWHERE | {"card", "carousel", "container", "table", TABLE, CHART}
BLOCKS_OF = {
    "message": SHOWN | {"markdown", "file", "context_actions", "plan", "task_card"},
    "modal": EVERYWHERE | {"card", "alert"},
    "home": SHOWN,
}
FIGURES = {CHART: chart_problems, TABLE: table_problems}
BLOCK_LIMIT = {"message": 50, "modal": 100, "home": 100}
ELEMENT_LIMIT = {"actions": 25, "context": 10}
OPTION_LIMIT = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}
MOST_OPTIONS = 100
MOST_FIELDS = 10


@dataclass(frozen=True, slots=True)
class Text:
    """What a text object may be."""

    limit: int
    plain: bool = True
    required: bool = False


TEXTS: dict[str, dict[str, Text]] = {
    "section": {"text": Text(3000, plain=False)},
    "header": {"text": Text(150, required=True)},
    "input": {"label": Text(2000, required=True), "hint": Text(2000)},
    "image": {"title": Text(2000)},
    "button": {"text": Text(75, required=True)},
    "confirm": {
        "title": Text(100, required=True),
        "text": Text(300, plain=False, required=True),
        "confirm": Text(30, required=True),
        "deny": Text(30, required=True),
    },
    **{kind: {"placeholder": Text(150)} for kind in CHOICES | TIMES | WRITTEN if kind not in OPTION_LIMIT},
}
STRINGS = {"action_id": 255, "block_id": 255, "url": 3000, "image_url": 3000, "accessibility_label": 75}
VALUE_LIMIT = 2000


def problems(blocks: object, surface: str) -> Iterator[str]:
    """Yield what is wrong with the blocks of a surface (message, modal, home), a sentence each, as Slack words it."""
    if not isinstance(blocks, list):
        yield say("must be an array", "/blocks")
        return
    if len(blocks) > BLOCK_LIMIT[surface]:
        yield say(f"no more than {BLOCK_LIMIT[surface]} items allowed", "/blocks")
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        if not isinstance(block, dict) or block.get("type") not in BLOCKS_OF[surface]:
            yield say("unsupported type", at + "/type")
        else:
            yield from _block(block, at)
    kinds = Counter(block.get("type") for block in blocks if isinstance(block, dict))
    for kind, most in MOST_OF_KIND.items():
        if kinds[kind] > most:
            yield say(f"no more than {most} {kind} blocks allowed", "/blocks")
    ids = Counter(block.get("block_id") for block in blocks if isinstance(block, dict))
    yield from (say(f"duplicate block_id: {name}", "/blocks") for name, count in ids.items() if name and count > 1)


def text_problems(value: object, rule: Text, at: str) -> Iterator[str]:
    """Yield what is wrong with one text object."""
    kinds = ("plain_text",) if rule.plain else ("plain_text", "mrkdwn")
    if value is None:
        if rule.required:
            yield say("missing required field", at)
    elif not isinstance(value, dict) or value.get("type") not in kinds:
        yield say(f"must be a text object of type {' or '.join(kinds)}", at)
    elif not isinstance(value.get("text"), str) or not value["text"]:
        yield say("must be more than 0 characters", at + "/text")
    elif len(value["text"]) > rule.limit:
        yield say(f"must be less than {rule.limit + 1} characters", at + "/text")


def _block(block: Json, at: str) -> Iterator[str]:
    kind = block["type"]
    yield from _own_texts(block, kind, at)
    if kind in FIGURES:
        yield from FIGURES[kind](block, at)
    if kind == "section":
        if not block.get("text") and not block.get("fields"):
            yield say("missing required field: text or fields", at)
        if len(block.get("fields", ())) > MOST_FIELDS:
            yield say(f"no more than {MOST_FIELDS} items allowed", at + "/fields")
        for number, field in enumerate(block.get("fields", ())):
            yield from text_problems(field, Text(2000, plain=False, required=True), f"{at}/fields/{number}")
    if kind in ELEMENT_LIMIT:
        count = len(block.get("elements", ()))
        if not 1 <= count <= ELEMENT_LIMIT[kind]:
            yield say(f"must have 1 to {ELEMENT_LIMIT[kind]} items", at + "/elements")
    if kind == "rich_text":
        yield from _rich_text(block.get("elements"), at + "/elements")
    yield from _elements(block, kind, at)


def _elements(block: Json, kind: str, at: str) -> Iterator[str]:
    if kind == "input" and not block.get("element"):
        yield say("missing required field", at + "/element")
    inside = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
    parts = [part for part in inside if part is not None] if kind in ELEMENTS_OF else []
    for number, part in enumerate(parts):
        yield from _element(part, kind, f"{at}/elements/{number}")
    ids = Counter(part.get("action_id") for part in parts if isinstance(part, dict))
    yield from (say(f"duplicate action_id: {name}", at) for name, count in ids.items() if name and count > 1)


def _rich_text(parts: object, at: str) -> Iterator[str]:
    """Yield what is wrong inside a rich_text block: unknown containers, and texts without a character."""
    if not isinstance(parts, list) or not parts:
        yield say("must have at least 1 item", at)
        return
    for number, part in enumerate(parts):
        if not isinstance(part, dict) or part.get("type") not in RICH_TEXT:
            yield say("unsupported type", f"{at}/{number}/type")
            continue
        for inner in part.get("elements", ()):
            if inner.get("type") == "text" and not inner.get("text"):
                yield say("must be more than 0 characters", f"{at}/{number}/elements")


def _element(element: object, block_kind: str, at: str) -> Iterator[str]:
    if not isinstance(element, dict) or element.get("type") not in ELEMENTS_OF[block_kind]:
        yield say("unsupported type", at + "/type")
        return
    kind = element["type"]
    if block_kind == "context" and kind != "image":
        yield from text_problems(element, Text(3000, plain=False), at)
        return
    yield from _own_texts(element, kind, at)
    if kind == "button" and len(str(element.get("value", ""))) > VALUE_LIMIT:
        yield say(f"must be less than {VALUE_LIMIT + 1} characters", at + "/value")
    if kind == "button" and element.get("style", "primary") not in ("primary", "danger"):
        yield say("must be primary or danger", at + "/style")
    if "confirm" in element:
        yield from _own_texts(element["confirm"], "confirm", at + "/confirm")
    if kind in OPTION_LIMIT or "static_select" in kind:
        yield from _options(element, kind, at)


def _own_texts(part: Json, kind: str, at: str) -> Iterator[str]:
    for name, rule in TEXTS.get(kind, {}).items():
        yield from text_problems(part.get(name), rule, f"{at}/{name}")
    for name, limit in STRINGS.items():
        if name in part and not (isinstance(part[name], str) and 1 <= len(part[name]) <= limit):
            yield say(f"must be a string of 1 to {limit} characters", f"{at}/{name}")
    if kind == "image" and not part.get("alt_text"):
        yield say("missing required field", at + "/alt_text")


def _options(element: Json, kind: str, at: str) -> Iterator[str]:
    groups = element.get("option_groups")
    sets = [group.get("options", []) for group in groups] if groups else [element.get("options", [])]
    most = OPTION_LIMIT.get(kind, MOST_OPTIONS)
    for group in groups or ():
        yield from text_problems(group.get("label"), Text(75, required=True), at + "/option_groups")
    for options in sets:
        if not 1 <= len(options) <= most:
            yield say(f"must have 1 to {most} items", at + "/options")
        for number, option in enumerate(options):
            yield from _option(option, f"{at}/options/{number}", plain=kind not in ("checkboxes", "radio_buttons"))
    known = [option for options in sets for option in options]
    for initial in (element.get("initial_option"), *element.get("initial_options", ())):
        if initial is not None and initial not in known:
            yield say("initial option is not among the options", at)


def _option(option: Json, at: str, *, plain: bool) -> Iterator[str]:
    yield from text_problems(option.get("text"), Text(75, plain=plain, required=True), at + "/text")
    yield from text_problems(option.get("description"), Text(75, plain=plain), at + "/description")
    value = option.get("value")
    if not isinstance(value, str) or not 1 <= len(value) <= 150:  # noqa: PLR2004 - read beside the text's 75
        yield say("must be a string of 1 to 150 characters", at + "/value")
