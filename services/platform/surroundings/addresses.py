"""Addresses as a person may see them."""

from urllib.parse import parse_qs, urlsplit


def shown(url: str) -> str:
    """Where a URL leads, without user, password and options."""
    parts = urlsplit(url)
    if parts.hostname is None:
        sockets = parse_qs(parts.query).get("host")
        return sockets[0] if sockets else parts.path
    return parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
