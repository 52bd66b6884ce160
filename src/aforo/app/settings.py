"""What an installation can set: environment variables with the prefix AFORO_, or options of `aforo serve`."""

import ipaddress
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from aforo.app.place import near, origin


class Settings(BaseSettings):
    """Every setting with its default. `docs/reference/settings.md` is made from these descriptions."""

    model_config = SettingsConfigDict(env_prefix="AFORO_", extra="ignore")

    data_dir: Path = Field(Path("var"), description="Where records, log and emulators' state are kept.")
    host: str = Field("127.0.0.1", description="Address that both origins listen on.")
    port: int = Field(8080, description="Port of the api: records, console, usage queries.")
    edge_port: int = Field(8081, description="Port of the edge: ingest and enforcement.")
    ingest_url: str | None = Field(
        None,
        description="How gateways reach the edge, such as https://ingest.example.com. Default: the edge's own address, "
        "which only this machine may be able to reach.",
    )
    public_url: str | None = Field(None, description="How people's browsers reach the api; used in links.")
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks of reverse proxies before Aforo, separated by commas, such as 10.0.0.0/8: "
        "their X-Forwarded-For says who calls. Default: nobody's is believed.",
    )
    margin_networks: str = Field(
        "",
        description="Networks, separated by commas, that may ask the edge for a customer's margin without a key. "
        "Default: none.",
    )
    master_key_file: Path | None = Field(
        None, description="The key that seals secrets, mode 0600. Default: beside the data folder, `<data dir>.key`."
    )
    allow_private_targets: bool | None = Field(
        None,
        description="Whether gateways on private or loopback addresses may be called. "
        "Default: only while Aforo itself listens on loopback.",
    )
    aws_access_key_id: str | None = Field(None, description="Aforo's own AWS principal; it assumes customers' roles.")
    aws_secret_access_key: SecretStr | None = Field(None, description="Secret of Aforo's own AWS principal.")
    aws_session_token: SecretStr | None = Field(None, description="Session token of Aforo's own AWS principal, if any.")
    aws_principal_arn: str | None = Field(None, description="ARN of that principal, named in the role template.")
    aws_template_url: str | None = Field(
        None, description="Where the role template is hosted (S3). Without it the page offers the file and a command."
    )
    google_client_id: str | None = Field(
        None, description="Id of Aforo's OAuth client at Google, for signing in to Apigee as a person."
    )
    google_client_secret: SecretStr | None = Field(None, description="Secret of that client.")
    entra_client_id: str | None = Field(
        None, description="Id of Aforo's app registration at Microsoft Entra, for signing in to Azure as a person."
    )
    entra_client_secret: SecretStr | None = Field(None, description="Secret of that app registration.")
    entra_url: str | None = Field(
        None, description="Where Microsoft Entra is, if in a sovereign cloud, such as https://login.microsoftonline.us."
    )
    mulesoft_client_id: str | None = Field(
        None, description="Id of Aforo's connected app at MuleSoft, for signing in to Anypoint as a person."
    )
    mulesoft_client_secret: SecretStr | None = Field(None, description="Secret of that connected app.")
    mulesoft_url: str | None = Field(
        None, description="Where that connected app is registered, such as https://eu1.anypoint.mulesoft.com."
    )
    oauth_emulator_url: str | None = Field(
        None,
        description="To try signing in without any of these: where the OAuth emulator is, such as "
        "http://127.0.0.1:8096. It then stands for all three, and its pages are shown below /emulated/oauth.",
    )
    oidc_issuer: str | None = Field(
        None,
        description="Where people's own accounts are, such as https://login.example.com/realms/acme: they sign in to "
        "the console there by OpenID Connect.",
    )
    oidc_client_id: str | None = Field(None, description="Id of Aforo's application at that identity provider.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="Secret of that application; leave it out for a public client, which PKCE alone protects."
    )
    oidc_name: str | None = Field(
        None, description='What the button says after "Sign in with". Default: the issuer\'s host.'
    )
    oidc_scopes: str = Field("openid email profile", description="What Aforo asks the identity provider for.")
    oidc_role_claim: str = Field(
        "groups", description="Claim with a person's groups; a path such as realm_access.roles reaches into objects."
    )
    oidc_roles: str = Field(
        "",
        description="Who may come in without an invitation: `group=role`, or `group=tenant:role`, with commas between; "
        "the first that fits counts.",
    )
    oidc_trust_email: bool = Field(
        False,
        description="Whether the identity provider verifies every address though it does not say so (no "
        "`email_verified`). Only for a directory of your own.",
    )
    password_sign_in: bool = Field(
        True, description="Whether people may sign in by password; `off` leaves links, admin keys and OpenID Connect."
    )
    development: bool = Field(False, description="Shows /styleguide.")

    @field_validator("trusted_proxies", "margin_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for text in value.split(","):
            if text.strip():
                ipaddress.ip_network(text.strip())
        return value

    @property
    def records_path(self) -> Path:
        return self.data_dir / "records.db"

    @property
    def key_path(self) -> Path:
        return self.master_key_file or self.data_dir.with_name(f"{self.data_dir.name}.key")

    @property
    def base_url(self) -> str:
        return (self.public_url or origin(near(self.host), self.port)).rstrip("/")

    @property
    def edge_url(self) -> str:
        """How gateways reach the edge."""
        return (self.ingest_url or origin(near(self.host), self.edge_port)).rstrip("/")

    @property
    def may_call_private(self) -> bool:
        if self.allow_private_targets is not None:
            return self.allow_private_targets
        return is_loopback(self.host)

    def gateway_facts(self) -> dict[str, str]:
        """Facts of this installation that gateways' connectors may need."""
        facts = {
            "aws_access_key_id": self.aws_access_key_id,
            "aws_secret_access_key": self.aws_secret_access_key and self.aws_secret_access_key.get_secret_value(),
            "aws_session_token": self.aws_session_token and self.aws_session_token.get_secret_value(),
            "aws_principal_arn": self.aws_principal_arn,
            "aws_template_url": self.aws_template_url,
        }
        return {name: value for name, value in facts.items() if value}

    def oauth_facts(self) -> dict[str, str]:
        """What this installation is at OAuth2 providers; without `redirect_uri` nobody can be sent back to it."""
        facts = {
            "google.client_id": self.google_client_id,
            "google.client_secret": self.google_client_secret and self.google_client_secret.get_secret_value(),
            "entra.client_id": self.entra_client_id,
            "entra.client_secret": self.entra_client_secret and self.entra_client_secret.get_secret_value(),
            "entra.url": self.entra_url,
            "mulesoft.client_id": self.mulesoft_client_id,
            "mulesoft.client_secret": self.mulesoft_client_secret and self.mulesoft_client_secret.get_secret_value(),
            "mulesoft.url": self.mulesoft_url,
            "emulator_url": self.oauth_emulator_url,
            "emulator_pages": self.oauth_emulator_url and f"{self.base_url}/emulated/oauth",
            "redirect_uri": f"{self.base_url}/api/v1/oauth/callback"
            if self.public_url or is_loopback(self.host)
            else None,
        }
        return {name: value for name, value in facts.items() if value}


def is_loopback(host: str) -> bool:
    """Whether an address that is listened on can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
