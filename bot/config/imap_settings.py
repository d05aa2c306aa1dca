"""The settings of the mailbox for replies."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Token = Annotated[SecretStr, Field(min_length=1)]
HttpsAddress = Annotated[Text, StringConstraints(pattern=r"^https?://[^\s/]+\S*$")]


class ImapSettings(BaseModel):
    """Where the mailbox is, and what opens it."""

    imap_host: Text | None = Field(None, description="the name of the IMAP server with the mailbox for replies")
    imap_port: int = Field(993, ge=1, le=65535, description="a number from 1 to 65535: the port of the IMAP server")
    imap_tls: Literal["tls", "starttls", "none"] = Field("tls", description="tls, starttls, or none on this machine")
    imap_username: Text | None = Field(None, description="the login at the IMAP server")
    imap_password: Token | None = Field(None, description="the password at the IMAP server, if it takes one")
    imap_token_url: HttpsAddress | None = Field(
        None, description="the https address that gives OAuth tokens, if the IMAP server takes no password"
    )
    imap_client_id: Text | None = Field(None, description="the id of the OAuth application that reads the mailbox")
    imap_client_secret: Token | None = Field(None, description="the secret of that OAuth application")
    imap_scope: Text = Field("https://outlook.office365.com/.default", description="the OAuth scope of the mailbox")
    imap_folder: Text = Field("INBOX", description="the folder that replies arrive in")
    imap_after: Annotated[Text, StringConstraints(pattern=r"^(leave|seen|move:\s*\S.*)$")] = Field(
        "leave", description="leave, seen or move:Folder: what happens in the mailbox to a reply that was read"
    )
