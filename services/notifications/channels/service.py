"""Send a message by the channel it is meant for."""

from dataclasses import dataclass

from services.notifications.channels.domain import Accepted, ChannelKind, OutgoingEmail
from services.notifications.channels.email.smtp import SmtpChannel


@dataclass(frozen=True, slots=True)
class Providers:
    """The adapter in use for each channel; one set for each process, shared by its threads."""

    email: SmtpChannel

    def close(self) -> None:
        """Give back every connection."""
        self.email.close()


def open_providers(*, smtp_url: str) -> Providers:
    """The adapters that the configuration names. Nothing is contacted yet.

    Raises:
        InvalidInput: ``smtp_url`` is no ``smtp://``, ``smtps://`` or ``smtp+starttls://`` URL.
    """
    return Providers(email=SmtpChannel(smtp_url))


def send(channel_kind: ChannelKind, message: OutgoingEmail, *, providers: Providers) -> Accepted:
    """Hand the message to its provider. Takes as long as the network does: never inside a transaction.

    Raises:
        TransientDeliveryFailure: worth another attempt, with the same message.
        PermanentDeliveryFailure: not worth one.
    """
    match channel_kind:
        case ChannelKind.EMAIL:
            return providers.email.send(message)
