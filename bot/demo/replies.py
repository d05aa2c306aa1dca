"""What a recipient writes back, as a mail program would send it."""

from email.message import EmailMessage
from email.utils import make_msgid

from bot.demo.fake_smtp import Mail


def reply_to(mail: Mail, text: str) -> bytes:
    """Return the reply to an email, with the email quoted below it."""
    headers = mail["headers"]
    found = EmailMessage()
    found["From"] = headers.get("To", mail["to"][0])
    found["To"] = headers.get("Reply-To", mail["from"])
    found["Subject"] = mail["subject"] if mail["subject"].startswith("Re: ") else f"Re: {mail['subject']}"
    found["Message-ID"] = make_msgid(domain=mail["to"][0].rpartition("@")[2])
    found["In-Reply-To"] = headers.get("Message-ID", "")
    found["References"] = " ".join(filter(None, (headers.get("References"), headers.get("Message-ID"))))
    quoted = "\n".join(f"> {line}" for line in mail["text"].splitlines())
    found.set_content(f"{text.strip()}\n\nOn {mail['date'][:10]}, {mail['from']} wrote:\n\n{quoted}\n")
    return found.as_bytes()
