# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at the cloud found out, in the one form that plan, report and playbooks share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("blocker", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing to know before a flip.

    ``accept`` says whether an operator may go on in spite of a blocker, by naming its id in ``glance_flip_accept``.
    ``source`` is what the rule behind the finding was read from: a release note, a specification, a tag.
    """

    id: str
    severity: str
    message: str
    remedy: str
    host: str = ""
    file: str | None = None
    line: int | None = None
    accept: bool = False
    source: str = ""

    @property
    def place(self) -> str:
        """Host, file and line, as far as there are any."""
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        return " ".join(part for part in (self.host, place) if part)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "place": self.place}


def accepted(findings: list[Finding], names: list[str]) -> list[Finding]:
    """Blockers that the operator accepted by name become warnings; worst first, then by host."""
    settled = [
        Finding(**{**asdict(found), "severity": "warning"})
        if found.severity == "blocker" and found.accept and found.id in names
        else found
        for found in findings
    ]
    return sorted(settled, key=lambda found: (SEVERITIES.index(found.severity), found.id, found.host))
