"""The mail server of somebody who left: it accepts an email, and a moment later reports that it bounced."""

import asyncio
from contextlib import suppress
from typing import Final

import aiohttp

from bot.demo.fake_smtp import Mail
from bot.demo.signed_requests import signed_headers

BOUNCES_AFTER_S: Final = 4.0
"""Long enough to see on the card that the email was sent."""


class BounceReporter:
    """Posts a signed delivery report to `url` for each email to one of these addresses."""

    def __init__(self, addresses: frozenset[str], *, url: str, secret: str, delay: float = BOUNCES_AFTER_S) -> None:
        self._addresses = addresses
        self._url = url
        self._secret = secret
        self._delay = delay
        self._reports: set[asyncio.Task[None]] = set()

    def take(self, mail: Mail) -> None:
        """Report the email later if it went to one of the addresses."""
        for recipient in self._addresses.intersection(mail["to"]):
            task = asyncio.create_task(self._report(delivery_report(mail, recipient)))
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)

    def stop(self) -> None:
        """Drop the reports that are still to come."""
        for task in self._reports:
            task.cancel()

    async def _report(self, body: bytes) -> None:
        await asyncio.sleep(self._delay)
        # The bot may be stopping.
        with suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session:
                await session.post(self._url, data=body, headers=signed_headers(self._secret, body, kind="report"))


def delivery_report(mail: Mail, recipient: str) -> bytes:
    """Return the report that the recipient's mailbox does not exist (RFC 3464)."""
    lines = f"""\
From: Mail Delivery System <mailer-daemon@mailbox.test>
To: {mail["from"]}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=report

--report
Content-Type: text/plain

There is no such mailbox here.

--report
Content-Type: message/delivery-status

Reporting-MTA: dns; mailbox.test

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user

--report
Content-Type: text/rfc822-headers

Message-ID: {mail["headers"].get("Message-ID", "")}

--report--
"""
    return lines.replace("\n", "\r\n").encode()
