"""What an installation can set: environment variables with the prefix AFORO_, or options of `aforo serve`."""

import ipaddress
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from aforo.app.place import near, origin


class Settings(BaseSettings):
    """Every setting with its default. `docs/reference/settings.md` is made from these descriptions."""

    model_config = SettingsConfigDict(env_prefix="AFORO_", extra="ignore")

    data_dir: Path = Field(Path("var"), description="Where records, log and emulators' state are kept.")
    host: str = Field("127.0.0.1", description="Address that both origins listen on.")
    port: int = Field(8080, description="Port of the api: records, console, usage queries.")
    edge_port: int = Field(8081, description="Port of the edge: ingest and enforcement.")
    public_url: str | None = Field(None, description="How people's browsers reach the api; used in links.")
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
    development: bool = Field(False, description="Shows /styleguide.")

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


def is_loopback(host: str) -> bool:
    """Whether an address that is listened on can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
