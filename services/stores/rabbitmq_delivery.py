"""What a consumer of RabbitMQ has in hand: messages, each acknowledged when the last of its parcels is settled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from aio_pika.abc import AbstractIncomingMessage

from services.stores.ports import Parcel
from services.stores.rabbitmq_bundle import Bundle, Entry, foreign

FOREIGN = "the message is not in the form of this queue"
UNANSWERED = "its deliveries ended without an answer: its consumers died or lost their connections"


@dataclass(eq=False)
class Delivery:
    """One message. `ours` False: it is in a form that no publisher of this system writes. `unclaimed`: it comes from the
    topic's own queue and has to be brought to the group's before it is handled."""

    message: AbstractIncomingMessage
    bundle: Bundle
    ours: bool
    unclaimed: bool
    earlier: int
    """Deliveries before this one that ended without an answer."""
    open: dict[str, Entry] = field(default_factory=dict)
    """Parcels that are not settled."""

    @classmethod
    def of(cls, message: AbstractIncomingMessage, *, unclaimed: bool) -> Delivery:
        try:
            bundle, ours = Bundle.decode(message.body), True
        except ValueError:
            bundle, ours = foreign(message.body), False
        count = message.headers.get("x-delivery-count", 0)
        made = cls(message, bundle, ours, unclaimed, count if isinstance(count, int) else 0)
        made.open = {bundle.id(entry): made.counted(entry) for entry in bundle.entries}
        return made

    def counted(self, entry: Entry) -> Entry:
        """With the earlier deliveries among its failures."""
        return replace(entry, failures=entry.failures + self.earlier)

    def rest(self) -> Bundle:
        """The parcels that are not settled."""
        return Bundle(self.bundle.origin, tuple(self.open.values()))


@dataclass(eq=False)
class Item:
    """One parcel in hand. `attempt` is the one that is made next."""

    delivery: Delivery
    entry: Entry
    attempt: int

    @property
    def id(self) -> str:
        return self.delivery.bundle.id(self.entry)

    def suspect(self, failures: int) -> bool:
        return self.entry.failures >= failures

    def parcel(self) -> Parcel:
        return Parcel(self.id, self.entry.payload, self.attempt)


def items(delivery: Delivery) -> list[Item]:
    return [Item(delivery, entry, entry.failures + 1) for entry in delivery.open.values()]
