# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The lab's hosts and where they are: those that always run, and those on demand."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass

from .common import LAB, STATE, LabError

DEFAULT_SUBNET = "10.92.15.0/24"
FACTS = STATE / "lab.json"


def _subnet() -> ipaddress.IPv4Network:
    """The network that the environment asks for, else the one that the lab has."""
    text = os.environ.get("LAB_SUBNET", "")
    if not text and FACTS.exists():
        text = json.loads(FACTS.read_text(encoding="utf-8"))["subnet"]
    try:
        network = ipaddress.IPv4Network(text or DEFAULT_SUBNET)
    except ValueError as error:
        raise SystemExit(
            f"lab: LAB_SUBNET={text} is no network: {error}. Give one such as {DEFAULT_SUBNET}."
        ) from error
    if network.num_addresses < 64:
        raise SystemExit(f"lab: LAB_SUBNET={text} is too small: the lab needs a /26 or wider.")
    return network


SUBNET = _subnet()
NETWORK = f"{LAB}lab"
VOLUME = f"{LAB}images"


@dataclass(frozen=True)
class Host:
    name: str
    image: str
    number: int
    #: Whether it has the file store that the API hosts share.
    shares: bool = False

    @property
    def container(self) -> str:
        return LAB + self.name

    @property
    def address(self) -> str:
        return str(SUBNET[self.number])


HOSTS = (
    Host("infra", "infra", 10),
    Host("glance1", "glance", 21, shares=True),
    Host("glance2", "glance", 22, shares=True),
    Host("nova1", "nova", 31),
    Host("nova2", "nova", 32),
)
#: Later releases of Glance, with a database and stores of their own, and in no catalogue.
ON_DEMAND = (
    Host("glance20", "glance20", 41),
    Host("glance25", "glance25", 42),
    Host("glance33", "glance33", 43),
    # For a Glance that the collection itself deploys, and takes from one release to another.
    Host("release1", "glance33", 44, shares=True),
    Host("release2", "glance33", 45, shares=True),
)
#: Debian and nothing else, for the collection to deploy to.
EMPTY = (
    Host("deploy1", "bookworm", 51),
    Host("deploy2", "bookworm", 52),
    Host("alone", "bookworm", 53),
)
ALL = HOSTS + ON_DEMAND + EMPTY
BY_NAME = {host.name: host for host in ALL}
INFRA = BY_NAME["infra"]
KEYSTONE = f"http://{INFRA.address}:5000/v3"
GLANCE = f"http://{INFRA.address}:9292"


def on_demand(names: Iterable[str]) -> list[Host]:
    """The hosts on demand with these names."""
    known = {host.name: host for host in ON_DEMAND}
    for name in names:
        if name not in known:
            raise LabError(f"There is no host on demand {name!r}; there are {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)]
