# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of an image: who shares it adds and removes them, and each member says what it makes of the offer.

From Glance's ``glance/api/v2/image_members.py`` and ``glance/policies/image.py``: members are those of shared images alone; the
owner never sets a status, and sees all members where a member sees itself.
"""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_hash import described
from ansible_collections.stackops.glance.plugins.module_utils._images import Images, one_line

Members = Dict[str, Dict[str, Any]]

ADVICE = {
    (
        "POST",
        403,
    ): "The owner's project adds members (rule add_member), and only to an image whose visibility is shared.",
    ("POST", 413): "Glance's image_member_quota is reached: remove members, or let the administrator raise it.",
    ("PUT", 403): "The member's own project accepts or rejects (rule modify_member); use its credentials.",
    ("PUT", 404): "It is no member of the image: let the owner add it first.",
    ("DELETE", 403): "The owner's project removes members (rule delete_member).",
}


class Sharing:
    """The members of one image."""

    def __init__(self, images: Images, image: dict[str, Any]) -> None:
        self.images = images
        self.image = image
        self.path = f"/v2/images/{image['id']}/members"

    def members(self) -> Members | None:
        """The members that this user may see, by project id; None where the image is not shared and shows none."""
        answer = self.images.ask("GET", self.path)
        if answer.status_code == 403 and self.image["visibility"] != "shared":
            return None
        if answer.status_code != 200:
            raise self._refused("GET", answer, "its members cannot be listed")
        return {each["member_id"]: each for each in answer.json()["members"]}

    def not_shared(self) -> GlanceError:
        return GlanceError(
            f"{described(self.image)} is {self.image['visibility']}, and only a shared image has members. Set its visibility to "
            "shared first, as its owner."
        )

    def add(self, member: str) -> None:
        """Offer the image to a project; somebody else may have done it just now."""
        answer = self.images.ask("POST", self.path, json={"member": member})
        if answer.status_code not in (200, 409):
            raise self._refused("POST", answer, f"project {member} is not added")

    def answer(self, member: str, status: str) -> None:
        """Say, as the member, what it makes of the image."""
        answer = self.images.ask("PUT", f"{self.path}/{member}", json={"status": status})
        if answer.status_code != 200:
            raise self._refused("PUT", answer, f"project {member} does not become {status}")

    def remove(self, member: str) -> None:
        answer = self.images.ask("DELETE", f"{self.path}/{member}")
        if answer.status_code not in (204, 404):
            raise self._refused("DELETE", answer, f"project {member} is not removed")

    def _refused(self, method: str, answer: Any, what: str) -> GlanceError:
        status = answer.status_code
        said = one_line(answer.text) or "no text"
        advice = ADVICE.get((method, status), "")
        return GlanceError(
            f"{described(self.image)}: {what} (status {status}): {said}. {advice}".strip(), status=status
        )
