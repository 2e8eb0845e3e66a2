"""Which addresses requests of the server may go to: public ones, and what `outbound.allow` names.

Everything a name resolves to is judged, not the name: loopback, private, link-local, unique-local, shared, multicast
and reserved addresses are refused in every way of writing them, also inside IPv6 (mapped, 6to4, NAT64, Teredo).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Besides what the standard library knows as not global: services of clouds that stand on public addresses, and blocks
# that older tables of it took for public.
_REFUSED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "fec0::/10",
    )
)
_NAT64 = ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """True for an address that anybody on the internet could be reached at."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


@dataclass(frozen=True)
class Allowed:
    """What `outbound.allow` names besides public addresses."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allowed:
        """Entries are host names, addresses or networks."""
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                hosts.add(entry.rstrip(".").casefold())
        return cls(frozenset(hosts), tuple(networks))

    def names(self, host: str, address: Address) -> bool:
        """Whether the host or the address is named."""
        if host.rstrip(".").casefold() in self.hosts:
            return True
        plain = _embedded(address) or address
        return any(one in net for net in self.networks for one in {address, plain} if net.version == one.version)


def parsed(text: str) -> Address:
    """An address as resolvers write it; an IPv6 zone is dropped."""
    return ip_address(text.partition("%")[0])
