"""By what a stranger is known: an address, or the network of one."""

import ipaddress

NETWORK_BITS_V6 = 64
"""One household has so many addresses of version 6 that only their network tells callers apart."""

_VERSION_4 = 4


def network_of(address: str) -> str:
    """The address itself, of version 4; the network of one of version 6; empty for what is no address."""
    found = _parsed(address)
    if found is None or found.version == _VERSION_4:
        return str(found or "")
    return str(ipaddress.ip_network((int(found), NETWORK_BITS_V6), strict=False).network_address)


def public_network_of(address: str) -> str | None:
    """As `network_of`; None within the house: a proxy that does not tell whom it speaks for stands for everybody."""
    found = _parsed(address)
    return network_of(address) if found is not None and found.is_global else None


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
