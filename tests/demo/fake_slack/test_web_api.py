"""What a real client of the Web API is given and refused."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.fake_slack import BOT_USER, CHANNEL, Workspace, faults
from tests.demo.fake_slack.conftest import Clock
from tests.demo.fake_slack.sample import CARD, modal, section
from tests.machine import limit


async def answer_to(client: AsyncWebClient, method: str, **args: object) -> Any:  # noqa: ANN401 - Slack's JSON
    """The whole answer to a call, refused or not."""
    try:
        return (await client.api_call(method, json=args)).data
    except SlackApiError as exc:
        return exc.response.data


async def refusal_of(client: AsyncWebClient, method: str, **args: object) -> str:
    return str((await answer_to(client, method, **args))["error"])


async def test_what_was_posted_is_found_again_by_its_metadata(client: AsyncWebClient) -> None:
    metadata = {"event_type": "evaluation_card", "event_payload": {"evaluation": 7}}
    posted = await client.chat_postMessage(channel=CHANNEL, text="Acme", blocks=CARD, metadata=metadata)
    bare = await client.conversations_history(channel=CHANNEL)
    full = await client.conversations_history(channel=CHANNEL, include_all_metadata=True)
    assert "metadata" not in bare["messages"][0]
    assert [(m["ts"], m["metadata"]) for m in full["messages"]] == [(posted["ts"], metadata)]


async def test_history_is_paged_newest_first(client: AsyncWebClient, workspace: Workspace) -> None:
    sent = [(await client.chat_postMessage(channel=CHANNEL, text=f"No. {n}"))["ts"] for n in range(3)]
    first = await client.conversations_history(channel=CHANNEL, limit=2)
    assert [m["text"] for m in first["messages"]] == ["No. 2", "No. 1"]
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_history(channel=CHANNEL, limit=2, cursor=cursor)
    assert [m["text"] for m in second["messages"]] == ["No. 0"]
    assert not second["has_more"]
    since = await client.conversations_history(channel=CHANNEL, oldest=sent[0], latest=sent[2])
    assert [m["text"] for m in since["messages"]] == ["No. 1"]
    with_edges = await client.conversations_history(channel=CHANNEL, oldest=sent[0], inclusive=True)
    assert len(with_edges["messages"]) == 3


async def test_a_thread_counts_its_replies(client: AsyncWebClient, workspace: Workspace) -> None:
    ts = (await client.chat_postMessage(channel=CHANNEL, text="Card"))["ts"]
    await client.chat_postMessage(channel=CHANNEL, text="Note", thread_ts=ts)
    thread = await client.conversations_replies(channel=CHANNEL, ts=ts)
    assert [m["text"] for m in thread["messages"]] == ["Card", "Note"]
    assert thread["messages"][0]["reply_count"] == 1
    assert [m.text for m in workspace.thread(CHANNEL, ts)] == ["Note"]
    assert [m.text for m in workspace.messages()] == ["Card"]


async def test_an_update_without_blocks_removes_them(client: AsyncWebClient, workspace: Workspace) -> None:
    ts = (await client.chat_postMessage(channel=CHANNEL, text="Card", blocks=CARD))["ts"]
    await client.chat_update(channel=CHANNEL, ts=ts, text="Card", blocks=[section("changed")])
    [card] = workspace.messages()
    assert (card.shown, card.edited) == ("changed", False)
    await client.chat_update(channel=CHANNEL, ts=ts, text="Plain")
    assert (card.blocks, card.shown, card.edited) == ([], "Plain", True)


async def test_an_ephemeral_message_is_in_no_history_and_cannot_be_updated(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    answer = await client.chat_postEphemeral(channel=CHANNEL, user="U0ANA", text="Only you")
    assert (await client.conversations_history(channel=CHANNEL))["messages"] == []
    code = await refusal_of(client, "chat.update", channel=CHANNEL, ts=answer["message_ts"], text="?")
    assert code == "message_not_found"
    assert [m.text for m in workspace.ephemerals("U0ANA")] == ["Only you"]


async def test_a_person_is_written_to_directly(client: AsyncWebClient, workspace: Workspace) -> None:
    channel = (await client.conversations_open(users="U0BEN"))["channel"]["id"]
    answer = await client.chat_postMessage(channel="U0BEN", text="Psst")
    assert answer["channel"] == channel
    assert [m.text for m in workspace.messages(channel)] == [m.text for m in workspace.direct("U0BEN")] == ["Psst"]
    assert (workspace.messages(), workspace.direct("U0ANA")) == ([], [])


async def test_neither_a_bot_nor_a_stranger_is_written_to_directly(client: AsyncWebClient) -> None:
    codes = [await refusal_of(client, "chat.postMessage", channel=user, text="?") for user in (BOT_USER, "U0NOBODY")]
    assert codes == ["cannot_dm_bot", "channel_not_found"]


async def test_the_state_of_a_channel_is_respected(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.add_channel("C0OLD", "old").is_archived = True
    workspace.add_channel("C0OTHER", "other").bot_is_member = False
    codes = [await refusal_of(client, "chat.postMessage", channel=c, text="?") for c in ("C0OLD", "C0OTHER", "C0NO")]
    assert codes == ["is_archived", "not_in_channel", "channel_not_found"]
    assert (await client.conversations_info(channel="C0OTHER"))["channel"]["is_member"] is False


async def test_a_scope_that_was_not_granted_is_named(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.keys.scopes = {"chat:write"}
    answer = await answer_to(client, "conversations.history", channel=CHANNEL)
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "channels:history",
        "chat:write",
    )
    assert (await client.auth_test()).headers["x-oauth-scopes"] == "chat:write"


async def test_tokens_are_told_apart(workspace: Workspace) -> None:
    codes = []
    for token, method in (
        (workspace.app_token, "auth.test"),
        (workspace.bot_token, "apps.connections.open"),
        ("xoxb-other", "auth.test"),
        (None, "auth.test"),
        (workspace.bot_token, "chat.unheardOf"),
    ):
        client = AsyncWebClient(token, base_url=workspace.api_url)
        codes.append(await refusal_of(client, method))
    assert codes == ["not_allowed_token_type", "not_allowed_token_type", "invalid_auth", "not_authed", "unknown_method"]


async def test_a_form_is_understood_like_json(workspace: Workspace) -> None:
    form = {"token": workspace.bot_token, "channel": "#evaluators", "text": "Hi", "blocks": '[{"type": "divider"}]'}
    async with aiohttp.ClientSession() as session:
        async with session.post(workspace.api_url + "chat.postMessage", data=form) as answer:
            assert (await answer.json())["ok"]
        async with session.post(workspace.api_url + "chat.postMessage", data=form | {"blocks": "["}) as answer:
            assert (await answer.json())["error"] == "invalid_blocks_format"
    assert [m.blocks[0]["type"] for m in workspace.messages()] == ["divider"]
    assert "token" not in workspace.calls("chat.postMessage")[0]


async def test_posting_too_fast_is_answered_with_when_to_come_back(
    client: AsyncWebClient, workspace: Workspace, clock: Clock
) -> None:
    for n in range(3):
        await client.chat_postMessage(channel=CHANNEL, text=f"No. {n}")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=CHANNEL, text="too much")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    await client.chat_postMessage(channel="U0ANA", text="another channel has its own pace")
    clock.now += 1
    await client.chat_postMessage(channel=CHANNEL, text="again")
    assert [m.text for m in workspace.messages()] == ["No. 0", "No. 1", "No. 2", "again"]


async def test_rate_limits_can_be_switched_off(clock: Clock) -> None:
    workspace = Workspace(clock, rate_limits=False)
    async with workspace.serve():
        client = AsyncWebClient(workspace.bot_token, base_url=workspace.api_url)
        for n in range(20):
            await client.chat_postMessage(channel=CHANNEL, text=f"No. {n}")
    assert len(workspace.messages()) == 20


@pytest.mark.parametrize("fault", [faults.cut_after(), faults.hang_after()])
async def test_an_answer_can_be_lost_after_slack_acted(
    fault: faults.Fault, client: AsyncWebClient, workspace: Workspace
) -> None:
    workspace.faults.add("chat.postMessage", fault)
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        async with asyncio.timeout(limit(0.2)):
            await client.chat_postMessage(channel=CHANNEL, text="Card")
    assert [m.text for m in workspace.messages()] == ["Card"]


async def test_a_call_can_be_cut_before_slack_acts(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.faults.add("chat.postMessage", faults.cut_before())
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=CHANNEL, text="Card")
    assert workspace.messages() == []
    await client.chat_postMessage(channel=CHANNEL, text="Card")


async def test_slack_can_refuse_stumble_and_dawdle(client: AsyncWebClient, workspace: Workspace) -> None:
    released = asyncio.Event()
    workspace.faults.add("auth.test", faults.refuse("account_inactive"), times=2)
    for fault in (faults.rate_limited(30), faults.server_error(), faults.html(), faults.slow(released.wait)):
        workspace.faults.add("auth.test", fault)
    codes = [await refusal_of(client, "auth.test") for _ in range(4)]
    assert codes == ["account_inactive", "account_inactive", "ratelimited", "internal_error"]
    with pytest.raises((SlackApiError, aiohttp.ClientError)):
        await client.auth_test()
    last = asyncio.create_task(answer_to(client, "auth.test"))
    await workspace.until(lambda: len(workspace.calls("auth.test")) == 6)
    assert not last.done()
    released.set()
    assert (await last)["user_id"] == "U0BOT"


async def test_the_workspace_comes_back_with_all_it_knew(clock: Clock) -> None:
    workspace = Workspace(clock)
    async with workspace.serve():
        await AsyncWebClient(workspace.bot_token, base_url=workspace.api_url).chat_postMessage(
            channel=CHANNEL, text="1"
        )
    async with workspace.serve():
        history = await AsyncWebClient(workspace.bot_token, base_url=workspace.api_url).conversations_history(
            channel=CHANNEL
        )
    assert [m["text"] for m in history["messages"]] == ["1"]


async def test_the_team_and_its_people_can_be_read(client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.keys.scopes |= {"team:read"}
    assert (await client.users_info(user="U0ANA"))["user"]["real_name"] == "Ana"
    assert len((await client.users_list())["members"]) == 4
    assert (await client.team_info())["team"]["name"] == "Demo Vendor"
    ts = (await client.chat_postMessage(channel=CHANNEL, text="Card"))["ts"]
    link = (await client.chat_getPermalink(channel=CHANNEL, message_ts=ts))["permalink"]
    assert link.endswith(f"/archives/{CHANNEL}/p{ts.replace('.', '')}")


async def test_a_deleted_reply_is_not_counted(client: AsyncWebClient, workspace: Workspace) -> None:
    ts = (await client.chat_postMessage(channel=CHANNEL, text="Card"))["ts"]
    note = (await client.chat_postMessage(channel=CHANNEL, text="Note", thread_ts=ts))["ts"]
    await client.chat_delete(channel=CHANNEL, ts=note)
    assert workspace.messages()[0].reply_count == 0
    await client.chat_delete(channel=CHANNEL, ts=ts)
    await client.chat_postMessage(channel=CHANNEL, text="Late note", thread_ts=ts)
    assert [m.text for m in workspace.messages()] == ["Late note"]


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("chat.postMessage", {"text": "Hi"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "U0NOBODY", "text": "Hi"}, "channel_not_found"),
        ("chat.postEphemeral", {"channel": CHANNEL, "user": "U0NOBODY", "text": "Hi"}, "user_not_in_channel"),
        ("chat.update", {"channel": CHANNEL, "ts": "1.0", "text": "Hi"}, "message_not_found"),
        ("chat.update", {"channel": "evaluators", "ts": "1.0", "text": "Hi"}, "channel_not_found"),
        ("chat.getPermalink", {"channel": CHANNEL, "message_ts": "1.0"}, "message_not_found"),
        ("conversations.replies", {"channel": CHANNEL, "ts": "1.0"}, "thread_not_found"),
        ("conversations.history", {"channel": CHANNEL, "cursor": "next_ts:1"}, "invalid_cursor"),
        ("conversations.history", {"channel": CHANNEL, "limit": "all"}, "invalid_arguments"),
        ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("views.publish", {"user_id": "U0ANA", "view": modal(section("Hi"))}, "invalid_arguments"),
    ],
)
async def test_what_is_not_there_is_refused(
    client: AsyncWebClient, method: str, args: dict[str, object], error: str
) -> None:
    assert await refusal_of(client, method, **args) == error


async def test_an_update_takes_less_text_than_a_post(client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=CHANNEL, text="x" * 4001))["ts"]
    assert await refusal_of(client, "chat.update", channel=CHANNEL, ts=ts, text="x" * 4001) == "msg_too_long"
    assert await refusal_of(client, "chat.update", channel=CHANNEL, ts=ts) == "no_text"


async def test_waiting_for_what_never_comes_ends(workspace: Workspace) -> None:
    with pytest.raises(TimeoutError):
        await workspace.until(workspace.messages, within=0.1)
