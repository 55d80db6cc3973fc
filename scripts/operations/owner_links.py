"""The link by which the owner of a business gets in: once, for some days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.operations.home import OperationError
from scripts.operations.inside import Call, calling, checked
from scripts.operations.instances import InstanceFolder


@dataclass(frozen=True)
class OwnerLink:
    """Whoever opens ``url`` chooses the owner's password. It is kept nowhere: the instance knows
    its hash."""

    email: str
    url: str
    expires_at: datetime

    def to_json(self) -> dict[str, str]:
        until = self.expires_at.astimezone(UTC).isoformat(timespec="seconds")
        return {"email": self.email, "url": self.url, "expires_at": until}

    def __str__(self) -> str:
        until = f"{self.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return (
            f"The owner, {self.email}, gets in by this link, once, until {until}:\n\n  {self.url}"
        )


def make_owner_link(
    instance: InstanceFolder, say: Callable[[str], None] = lambda text: None
) -> OwnerLink:
    """A new link; the one before stops working. Raises ``OperationError`` where the instance's
    set-up is not complete, or it can be served nowhere."""
    if instance.unfinished_marker.exists():
        raise OperationError(
            f"{instance.name} is unfinished: run `mybizz instance create {instance.name} ...` "
            "again, which completes it and gives the owner's link."
        )
    with calling(instance, say=say) as call:
        link = ask_for_link(instance, call)
    instance.log("owner link")
    return link


def ask_for_link(instance: InstanceFolder, call: Call) -> OwnerLink:
    """The same over a connection that there is."""
    answer = checked(call("create_owner_link"), "Making the owner's link")
    origin = str(instance.read_config()["origin"]).rstrip("/")
    url = f"{origin}/app/invitation/{answer['token']}"
    return OwnerLink(answer["email"], url, answer["expires_at"])
