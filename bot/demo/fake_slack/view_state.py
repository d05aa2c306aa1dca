"""What people enter, in the shapes of Slack's `state.values`."""

from collections.abc import Iterable, Sequence

from bot.demo.fake_slack.models import Json, NotPossible, elements

KEYS = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "multi_static_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
SECONDS_DIGITS = 10
Entered = str | Sequence[str] | None
Values = dict[str, dict[str, Entered]]


def answer(element: Json, value: Entered) -> Json:
    """Return the state for an answer: a text, an option's value, a user id, or several."""
    kind = element["type"]
    key = KEYS[kind]
    if key == "selected_option":
        return {"type": kind, key: None if value is None else _option(element, str(value))}
    if key == "selected_options":
        return {"type": kind, key: [_option(element, one) for one in _several(value)]}
    if key == "selected_date_time":
        return {"type": kind, key: None if value is None else _seconds(value)}
    return {"type": kind, key: list(_several(value)) if key == "selected_users" else value or None}


def state(blocks: Sequence[Json], entered: Values, before: Json) -> Json:
    """Return the state of all inputs: what is entered now, else before, else the initial value."""
    current: Json = {}
    for block, element in elements(blocks):
        if element["type"] not in KEYS or element["type"] == "overflow":
            continue
        block_id, action_id = block["block_id"], element["action_id"]
        known = before.get(block_id, {}).get(action_id)
        if action_id in entered.get(block_id, {}):
            found = answer(element, entered[block_id][action_id])
        else:
            found = known if known and known["type"] == element["type"] else _initial(element)
        current.setdefault(block_id, {})[action_id] = found
    for block_id, actions in entered.items():
        for action_id in actions.keys() - current.get(block_id, {}).keys():
            raise NotPossible(f"There is no input {action_id} in a block {block_id} here.")
    return current


def missing(blocks: Iterable[Json], values: Json) -> list[str]:
    """Return the labels of required inputs that are empty."""
    required = [block for block in blocks if block["type"] == "input" and not block.get("optional")]
    return [block["label"]["text"] for block in required if _is_empty(block, values)]


def _is_empty(block: Json, values: Json) -> bool:
    element = block["element"]
    key = KEYS.get(element["type"])
    return key is not None and not values[block["block_id"]][element["action_id"]].get(key)


def _initial(element: Json) -> Json:
    key = KEYS[element["type"]]
    empty: list[str] | None = [] if key.endswith("s") else None
    return {"type": element["type"], key: element.get("initial_" + key.removeprefix("selected_"), empty)}


def _seconds(value: object) -> int:
    """Return a point in time as Slack sends it: ten digits."""
    if not str(value).isdecimal() or len(str(value)) != SECONDS_DIGITS:
        raise NotPossible(f"{value} is no date and time.")
    return int(str(value))


def _several(value: Entered) -> Sequence[str]:
    return [value] if isinstance(value, str) else value or []


def _option(element: Json, value: str) -> Json:
    groups = element.get("option_groups") or [element]
    options: list[Json] = [option for group in groups for option in group.get("options", [])]
    for option in options:
        if option["value"] == value:
            return option
    raise NotPossible(f"There is no option {value} in {element['action_id']}.")
