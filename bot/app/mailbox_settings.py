"""Find what is missing in the settings of the mailbox for replies."""

from collections.abc import Mapping

from bot.services.operations.local_checks import is_this_machine


def imap_problem(values: Mapping[str, str]) -> str | None:
    """Return what is wrong with the settings of the mailbox. They are keyed by the setting in lower case."""
    if "imap_host" not in values:
        return None
    oauth = [f"imap_{name}" for name in ("token_url", "client_id", "client_secret")]
    given = [name for name in oauth if name in values]
    if values.get("imap_tls", "").lower() == "none" and not is_this_machine(values["imap_host"]):
        return "IMAP_TLS=none is only for a server on this machine. Set it to tls or starttls."
    if "imap_username" not in values:
        return "IMAP_HOST needs IMAP_USERNAME, the login at the IMAP server."
    if given and (len(given) < len(oauth) or "imap_password" in values):
        return (
            "IMAP_TOKEN_URL, IMAP_CLIENT_ID and IMAP_CLIENT_SECRET belong together, without IMAP_PASSWORD. Set all "
            "three, or none."
        )
    if not given and "imap_password" not in values:
        return "IMAP_HOST needs IMAP_PASSWORD, or IMAP_TOKEN_URL, IMAP_CLIENT_ID and IMAP_CLIENT_SECRET."
    return None
