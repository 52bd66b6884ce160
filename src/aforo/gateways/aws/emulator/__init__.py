"""An AWS account to try Aforo with: API Gateway (REST and HTTP APIs) and STS of our own, the rest by moto.

Ours, since moto answers these otherwise than AWS: AssumeRole under the role's trust policy, signatures, expired
sessions and clock skew; all of API Gateway v1 and v2, with deployments as snapshots, import, export, paging and call
limits. moto's: IAM, CloudFormation, Lambda, logs and whatever else is asked for. What is
uploaded to its Lambda `calling` runs, in child processes, with the rights of whoever runs the emulator.

`seed` with a `StateFile` must come before `create` with the same one; afterwards seed the app itself. moto keeps its
objects in the process: one process holds one emulator at a time.
"""

from typing import TYPE_CHECKING

from aforo.gateway_sdk.emulator import StateFile
from aforo.kit.clock import Clock, SystemClock

if TYPE_CHECKING:
    from aforo.gateways.aws.emulator.app import AwsEmulator

REGION = "eu-west-1"
"""Where the seeded APIs are."""


def create(
    state: StateFile,
    *,
    clock: Clock | None = None,
    throttle: bool = False,
    page_size: int = 500,
    session_seconds: float | None = None,
) -> "AwsEmulator":
    """The emulator as an ASGI app; its `switches` can be turned while it runs."""
    from aforo.gateways.aws.emulator.app import AwsEmulator, Switches

    switches = Switches(throttle=throttle, page_size=page_size, session_seconds=session_seconds)
    return AwsEmulator(state, clock or SystemClock(), switches)


def sample_connection(base_url: str) -> tuple[str, dict[str, str]]:
    """Sign in with the key of the emulated account's administrator.

    Not by role: a role must name the ExternalId that Aforo makes for each integration; create one from the template.
    """
    from aforo.gateways.aws.emulator.identity import ADMIN_KEY

    keys = {"access_key_id": ADMIN_KEY[0], "secret_access_key": ADMIN_KEY[1]}
    return "access_keys", {**keys, "region": REGION, "endpoint_url": base_url}


def seed(target: "StateFile | AwsEmulator", size: int = 12) -> None:
    """Fill it with `size` API stages and the roles of `seeds`; the same ones every time."""
    from aforo.gateways.aws.emulator.app import AwsEmulator, Switches
    from aforo.gateways.aws.emulator.seeds import sow

    emulator = AwsEmulator(target, SystemClock(), Switches()) if isinstance(target, StateFile) else target
    sow(emulator, REGION, size)
    emulator.save()
