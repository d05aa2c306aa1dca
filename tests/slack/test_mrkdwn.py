"""A mail's Markdown as the preview shows it."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.markdown import parse, to_html
from bot.slack.blocks import section
from bot.slack.mrkdwn import render_markdown
from tests.slack.checks import NAMES, check_blocks

HREF = re.compile(r'href="([^"]+)"')


def links_in(body: str) -> list[str]:
    """The addresses of the links in the HTML part."""
    return [unescape(url) for url in HREF.findall(to_html(parse(body)))]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param("Hello Ana,\n\nyours\n", "Hello Ana,\n\nyours", id="lines"),
        pytest.param("a **bold** word", "a *bold* word", id="bold"),
        pytest.param("**a** and **b c**", "*a* and *b c*", id="bold twice"),
        pytest.param("an *emphasised* word, **b *c* d**", "an _emphasised_ word, *b _c_ d*", id="emphasis"),
        pytest.param("2 ** 3 ** 4, * 5", "2 ∗∗ 3 ∗∗ 4, ∗ 5", id="stars that are no bold"),
        pytest.param(
            "See [the docs](https://vendor.example/a?b=1&c=2).",
            "See <https://vendor.example/a?b=1&amp;c=2|the docs>.",
            id="link",
        ),
        pytest.param(
            "[home](http://vendor.example/~ana/*)", "<http://vendor.example/~ana/*|home>", id="a link as it is"
        ),
        pytest.param("**[a](https://a.example)**", "*<https://a.example|a>*", id="a bold link"),
        pytest.param("an *[a](https://a.example)*", "an _<https://a.example|a>_", id="an emphasised link"),
        pytest.param("*[a](https://a.example)", "∗<https://a.example|a>", id="a star before a link"),
        pytest.param("[x](javascript:alert)", "[x](javascript:alert)", id="no link"),
        pytest.param("[x](https://a.example|b)", "<https://a.example%7Cb|x>", id="a link with another label inside"),
        pytest.param("[<!here>](https://a.example)", "<https://a.example|&lt;!here&gt;>", id="a mention in a label"),
        pytest.param("<https://evil.example|Acme>", "&lt;https://evil.example|Acme&gt;", id="a link of Slack's own"),
        pytest.param("- one\n- two\n  * three\n- four\n\nend", "• one\n• two\n  • three\n• four\n\nend", id="list"),
        pytest.param("of:\n- one\n\n- two", "of:\n\n• one\n\n• two", id="a list with empty lines"),
        pytest.param("> a\n> **b**\n\nc", "&gt; a\n&gt; *b*\n\nc", id="quote"),
        pytest.param("2 \\* 3 \\[x\\]", "2 ∗ 3 [x]", id="escapes"),
        pytest.param("`a * b`\n```\nx < y\n\nz\n```", "`a ∗ b`\n\n`x &lt; y`\n\n`z`", id="code"),
        pytest.param("**a\nb** c", "*a*\n*b* c", id="bold over two lines"),
        pytest.param("# a **b** *c*", "*a b _c_*", id="bold in a heading"),
        pytest.param("***", "---", id="rule"),
        pytest.param("-\n- b", "• \n• b", id="an empty item"),
        pytest.param("[**a**](mailto:ana@acme.example)", "<mailto:ana@acme.example|a>", id="a bold label"),
        pytest.param("1. one\n2. two", "1. one\n2. two", id="numbers"),
        pytest.param("# Head\n\n### Lower", "*Head*\n\n*Lower*", id="headings"),
        pytest.param("#5 is not one", "#5 is not one", id="a number sign"),
        pytest.param("Hello <@U1>, AT&T", "Hello &lt;@U1&gt;, AT&amp;T", id="escaped"),
        pytest.param("", "–", id="nothing"),
        pytest.param(" \n\t\n", "–", id="white space"),
        pytest.param("#  ", "–", id="a heading of nothing"),
    ],
)
def test_a_mail_is_shown_as_its_reader_sees_it(body: str, shown: str) -> None:
    assert render_markdown(body) == [shown]


def test_a_link_far_into_a_long_line_is_a_link() -> None:
    for before in range(480, 520):
        assert render_markdown("x" * before + "[docs](https://vendor.example)")[0].endswith(
            "x<https://vendor.example|docs>"
        )


def test_an_address_that_is_longer_than_slack_takes_is_shown_as_text() -> None:
    [shown] = render_markdown(f"[docs](https://vendor.example/{'x' * 2500})")
    assert shown.startswith("docs (https://vendor.example/xxx")


def test_a_long_mail_is_shown_whole_and_of_the_longest_that_slack_takes_it_is_said_that_there_is_more() -> None:
    words = "word " * 599
    assert "".join(render_markdown(words)).split() == words.split()
    *shown, rest = render_markdown("&" * 3000)
    assert [len(text) for text in shown] == [2500, 2500]
    assert rest.startswith("… _The rest")


MARKUP = st.sampled_from(
    [
        "**",
        "[",
        "](https://a.example/",
        ")",
        "\n",
        "# ",
        "- ",
        "> ",
        "*",
        "`",
        "\\",
        "1. ",
        "```\n",
        "  ",
        "mailto:x",
        "<!channel>",
        "&",
        "|",
        "x",
        " ",
    ]
)
BODIES = st.lists(NAMES | MARKUP, max_size=40).map(lambda parts: "".join(parts)[:3000])


@given(body=BODIES | st.lists(MARKUP, max_size=400).map("".join))
def test_slack_takes_any_mail_and_finds_no_link_but_those_of_the_html_part(body: str) -> None:
    shown = render_markdown(body)
    assert shown
    check_blocks([section(text) for text in shown], links=links_in(body))
