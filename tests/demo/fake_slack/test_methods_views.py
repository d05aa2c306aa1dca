"""Modals are opened, changed, filled in, submitted and closed."""

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.fake_slack import NotAcknowledged, NotPossible, Workspace
from tests.demo.fake_slack.conftest import Clock
from tests.demo.fake_slack.sample import (
    SUBJECT,
    TEMPLATE,
    Json,
    actions,
    button,
    modal,
    open_on_write,
    opened,
    post_card,
    section,
)

ANA = "U0ANA"
pytestmark = pytest.mark.usefixtures("socket")


async def refused(client: AsyncWebClient, method: str, **args: object) -> str:
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json=args)
    return str(caught.value.response["error"])


def answer_submit(
    app: AsyncApp,
    response_action: str | None = None,
    *,
    errors: dict[str, str] | None = None,
    view: Json | None = None,
) -> list[Json]:
    """Let the app acknowledge a submit with this answer; the views it was given."""
    submitted: list[Json] = []
    answer = view

    @app.view("mail")
    async def submit(ack: AsyncAck, view: Json) -> None:
        submitted.append(view)
        await ack(response_action=response_action, errors=errors, view=answer)

    return submitted


async def test_a_modal_is_filled_in_and_submitted(workspace: Workspace, app: AsyncApp, client: AsyncWebClient) -> None:
    open_on_write(app, modal(SUBJECT, TEMPLATE, private_metadata="E-1"))
    views = answer_submit(app)
    view = await opened(workspace, client)
    await workspace.submit(ANA, view.id, {"template": {"pick": "second"}})
    [sent] = views
    assert sent["private_metadata"] == "E-1"
    assert sent["state"]["values"]["subject"]["text"]["value"] == "Hello"
    assert sent["state"]["values"]["template"]["pick"]["selected_option"]["value"] == "second"
    assert workspace.views[ANA] == []


async def test_what_must_be_filled_in_is_asked_for_before_the_app_hears_of_it(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    open_on_write(app, modal(SUBJECT, TEMPLATE))
    view = await opened(workspace, client)
    with pytest.raises(NotPossible, match="Subject, Template"):
        await workspace.submit(ANA, view.id, {"subject": {"text": None}})
    with pytest.raises(NotPossible, match="no input body"):
        await workspace.submit(ANA, view.id, {"subject": {"body": "?"}})


async def test_errors_keep_the_modal_open(workspace: Workspace, app: AsyncApp, client: AsyncWebClient) -> None:
    open_on_write(app, modal(SUBJECT))
    answer_submit(app, "errors", errors={"subject": "Too short."})
    view = await opened(workspace, client)
    answer = await workspace.submit(ANA, view.id, {"subject": {"text": "Hi"}})
    assert answer["errors"] == {"subject": "Too short."}
    assert workspace.views[ANA] == [view]
    assert view.values["subject"]["text"]["value"] == "Hi"


async def test_errors_about_a_block_that_is_not_there_are_trouble(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    open_on_write(app, modal(SUBJECT))
    answer_submit(app, "errors", errors={"body": "Too short."})
    with pytest.raises(NotAcknowledged, match="cannot be used"):
        await workspace.submit(ANA, (await opened(workspace, client)).id)


@pytest.mark.parametrize(
    ("action", "left"), [("update", ["Write\nSure?"]), ("push", ["Write\nSubject", "Write\nSure?"]), ("clear", [])]
)
async def test_a_submit_may_change_what_is_open(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, action: str, left: list[str]
) -> None:
    open_on_write(app, modal(SUBJECT))
    answer_submit(app, action, view=None if action == "clear" else modal(section("Sure?")))
    await workspace.submit(ANA, (await opened(workspace, client)).id)
    assert [view.shown for view in workspace.views[ANA]] == left


async def test_a_choice_inside_a_modal_changes_it_and_keeps_what_was_entered(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    open_on_write(app, modal(TEMPLATE, SUBJECT))
    views = answer_submit(app)

    @app.action("pick")
    async def pick(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        view, chosen = body["view"], body["actions"][0]["selected_option"]["value"]
        await client.views_update(
            view_id=view["id"], hash=view["hash"], view=modal(TEMPLATE, SUBJECT, section(f"Preview of {chosen}"))
        )

    view = await opened(workspace, client)
    await workspace.press_view(ANA, view.id, "pick", "first", values={"subject": {"text": "Dear Ana"}})
    await workspace.until(lambda: "Preview of first" in view.shown)
    await workspace.submit(ANA, view.id)
    assert views[0]["state"]["values"]["subject"]["text"]["value"] == "Dear Ana"
    assert views[0]["state"]["values"]["template"]["pick"]["selected_option"]["value"] == "first"


async def test_an_input_without_dispatch_action_tells_nobody(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    open_on_write(app, modal(SUBJECT))
    with pytest.raises(NotPossible, match="dispatch_action"):
        await workspace.press_view(ANA, (await opened(workspace, client)).id, "text", "Hi")


async def test_an_old_hash_changes_nothing(workspace: Workspace, app: AsyncApp, client: AsyncWebClient) -> None:
    open_on_write(app, modal(SUBJECT))
    view = await opened(workspace, client)
    old = view.hash
    await client.views_update(view_id=view.id, hash=old, view=modal(SUBJECT))
    assert await refused(client, "views.update", view_id=view.id, hash=old, view=modal(SUBJECT)) == "hash_conflict"
    assert await refused(client, "views.update", view_id="V0", view=modal(SUBJECT)) == "not_found"


async def test_a_trigger_opens_one_modal_within_three_seconds(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, clock: Clock
) -> None:
    triggers: list[str] = []

    @app.action("write")
    async def write(ack: AsyncAck, body: Json) -> None:
        await ack()
        triggers.append(body["trigger_id"])

    ts = await post_card(client)
    await workspace.press(ANA, ts, "write")
    await workspace.press(ANA, ts, "write")
    await workspace.until(lambda: len(triggers) == 2)
    clock.now += 2.9
    await client.views_open(trigger_id=triggers[0], view=modal(SUBJECT))
    clock.now += 0.2
    codes = [await refused(client, "views.open", trigger_id=t, view=modal(SUBJECT)) for t in (*triggers, "1.2.3")]
    assert codes == ["exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id"]


async def test_at_most_three_modals_lie_on_each_other(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    codes: list[str] = []
    open_on_write(app, modal(actions(button("next"))))

    @app.action("next")
    async def push(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        try:
            await client.views_push(trigger_id=body["trigger_id"], view=modal(actions(button("next"))))
        except SlackApiError as exc:
            codes.append(exc.response["error"])

    await opened(workspace, client)
    for depth in (2, 3):
        await workspace.press_view(ANA, workspace.views[ANA][-1].id, "next")
        await workspace.until(lambda depth=depth: len(workspace.views[ANA]) == depth)  # type: ignore[misc]
    await workspace.press_view(ANA, workspace.views[ANA][-1].id, "next")
    await workspace.until(lambda: codes == ["push_limit_reached"])


async def test_the_app_hears_of_a_closed_modal_where_it_asked_to(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    closed: list[str] = []
    open_on_write(app, modal(SUBJECT, notify_on_close=True, private_metadata="E-1"))

    @app.view_closed("mail")
    async def close(ack: AsyncAck, view: Json) -> None:
        await ack()
        closed.append(view["private_metadata"])

    view = await opened(workspace, client)
    await workspace.close_view(ANA, view.id)
    await workspace.until(lambda: closed == ["E-1"])
    with pytest.raises(NotPossible, match="not open"):
        await workspace.submit(ANA, view.id)
