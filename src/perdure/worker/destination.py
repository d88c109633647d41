"""Where a worker serves, and whether calls may go there.

A client names the worker's URL when it starts a workflow, and the server then sends requests to it: a
URL is an instruction from outside to speak to some address. Three rules keep it to the addresses that
the server's owner has named:

Rule 1: what is checked is what is used. A URL is read once, strictly, into a ``Destination``; requests
        are built from that, and no other reader sees the text.
Rule 2: what counts is the address, not its name. A name is resolved, every address it has is checked,
        and the connection goes to an address that was checked; so a name that changes its mind gains
        nothing.
Rule 3: a form that readers disagree about (``127.1``, ``0x7f.1``, ``user@host``, a trailing dot) is
        refused, whatever it may mean.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from perdure.model.errors import InvalidRequest
from perdure.model.limits import URL_CHARACTERS_MAX

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""What is allowed unless something else is said: workers on this machine."""
REMEDY = "The server's owner allows addresses with --worker-url-allow, as networks (10.0.0.0/8) or origins (http://workers:8802)."
RESOLVED_FOR_SECONDS = 10
"""How long a name's addresses are believed."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str], Awaitable[list[str]]]
"""From a host name to its addresses; raises ``OSError`` if it has none."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[a-z0-9._~!$&'()*+,;=:@%-]*)*)",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what one connection is good for."""

    scheme: str
    host: str
    """A name in small letters, or an address in its one canonical form, without brackets."""
    port: int

    @property
    def address(self) -> Address | None:
        """The host, if it is an address and no name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class Destination:
    """A worker's URL, read."""

    origin: Origin
    path: str
    """What stands before the protocol's own paths; empty, or with a slash first and none last."""


def repair_url(url: str, environment: Mapping[str, str]) -> str:
    """Return *url* as iWF repairs it for workers that know themselves by another name than the server does.

    ``AUTO_FIX_WORKER_URL`` stands in for the first ``localhost`` and the first ``127.0.0.1``; with
    ``AUTO_FIX_WORKER_PORT_FROM_ENV=X`` the value of X stands in for ``$X$``. Slashes at the end go.
    """
    if host := environment.get("AUTO_FIX_WORKER_URL"):
        url = url.replace("localhost", host, 1).replace("127.0.0.1", host, 1)
    if name := environment.get("AUTO_FIX_WORKER_PORT_FROM_ENV"):
        url = url.replace(f"${name}$", environment.get(name, ""))
    return url.rstrip("/")


def read_url(url: str) -> Destination:
    """Read a worker's URL.

    Raises:
        InvalidRequest: it is none, or is written in a form that not all readers agree about.
    """
    shown = _shown(url)
    if len(url) > URL_CHARACTERS_MAX:
        raise InvalidRequest(f"iwfWorkerUrl has {len(url)} characters, expected no more than {URL_CHARACTERS_MAX}")
    match = _URL.fullmatch(url)
    if match is None:
        raise InvalidRequest(
            f"iwfWorkerUrl is {shown}, expected http:// or https://, a host, a port if need be and a path, "
            "without user, query and fragment: http://127.0.0.1:8802"
        )
    scheme = match["scheme"].lower()
    port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise InvalidRequest(f"iwfWorkerUrl is {shown}, expected a port from 1 to 65535, found {match['port']}")
    return Destination(Origin(scheme, _host(match["host"].lower(), shown), port), match["path"].rstrip("/"))


class AllowList:
    """The addresses a server may call workers at.

    A network allows addresses, and names all of whose addresses are in one. An origin allows that
    one host and port, whatever address it has: its name is trusted.
    """

    def __init__(self, entries: Iterable[str] = LOOPBACK, *, resolve: Resolve | None = None) -> None:
        """Read the entries.

        Args:
            resolve: asks the system's resolver if left out.

        Raises:
            InvalidRequest: an entry is neither a network, nor an address, nor an origin.
        """
        self._origins: set[Origin] = set()
        self._networks: list[Network] = []
        for entry in entries:
            if "://" in entry:
                self._origins.add(_read_origin(entry))
            else:
                self._networks.append(_read_network(entry))
        self._resolve = resolve or _ask_the_system
        self._resolved: dict[str, tuple[float, list[str]]] = {}

    async def check(self, origin: Origin) -> None:
        """Say whether a workflow may be started whose worker is there.

        Raises:
            InvalidRequest: it may not; the message says why and what to do.
        """
        if origin not in self._origins:
            await self.addresses(origin)

    async def addresses(self, origin: Origin) -> tuple[str, ...]:
        """Return the addresses to connect to, each of them allowed.

        Raises:
            InvalidRequest: one of them is not, or there are none.
        """
        address = origin.address
        if address is not None:
            if origin not in self._origins:
                self._check_address(address, f"{origin} is")
            return (str(address),)
        found = await self._addresses_of(origin)
        if origin not in self._origins:
            for each in found:
                self._check_address(_plain(ip_address(each)), f"{origin} is at {each}, which is")
        return tuple(found)

    def _check_address(self, address: Address, what: str) -> None:
        if not any(address in network for network in self._networks):
            raise InvalidRequest(
                f"iwfWorkerUrl: {what} not among the addresses of workers that this server may call. {REMEDY}"
            )

    async def _addresses_of(self, origin: Origin) -> list[str]:
        now = asyncio.get_running_loop().time()
        until, found = self._resolved.get(origin.host, (0.0, []))
        if now < until:
            return found
        try:
            found = await self._resolve(origin.host)
        except OSError as error:
            raise InvalidRequest(f"iwfWorkerUrl: {origin.host} has no address: {error.strerror or error}") from None
        self._resolved = {host: known for host, known in self._resolved.items() if now < known[0]}
        self._resolved[origin.host] = (now + RESOLVED_FOR_SECONDS, found)
        return found


async def _ask_the_system(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in found))


def _host(host: str, shown: str) -> str:
    if host.startswith("["):
        try:
            return str(_plain(IPv6Address(host[1:-1])))
        except ValueError as error:
            raise InvalidRequest(f"iwfWorkerUrl is {shown}, whose host is no address: {error}") from None
    labels = host.split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise InvalidRequest(
                f"iwfWorkerUrl is {shown}, expected an address as four decimal numbers: 127.0.0.1"
            ) from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidRequest(f"iwfWorkerUrl is {shown}, whose host is no host name")
    return host


def _plain(address: Address) -> Address:
    """Return an IPv4 address that is dressed up as an IPv6 one as what it is: connections go there."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _read_origin(entry: str) -> Origin:
    destination = read_url(entry)
    if destination.path:
        raise InvalidRequest(
            f"found {entry!r} among the allowed worker URLs, expected an origin without a path: {destination.origin}"
        )
    return destination.origin


def _read_network(entry: str) -> Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise InvalidRequest(
            f"found {entry!r} among the allowed worker URLs, expected a network such as 10.0.0.0/8, an address, "
            f"or an origin such as http://workers:8802: {error}"
        ) from None


def _shown(url: str) -> str:
    return ascii(url if len(url) <= 200 else url[:200] + "...")
