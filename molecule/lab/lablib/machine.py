# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What this machine uses to get packages, so that image builds and hosts that install something use the same.

Nothing of it reaches an image: it is mounted into the containers, and read there through APT_CONFIG and PIP_CONFIG_FILE.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .common import LabError, run, state_dir

MOUNT = "/machine"
APT = Path("/etc/apt")
APT_HELPER = Path("/usr/lib/apt/apt-helper")
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
CA_FOLDER = Path("/usr/local/share/ca-certificates")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
#: How often apt and pip ask again. Both wait twice as long each time, so that a mirror may be away for two minutes.
RETRIES = 9


def os_release() -> dict[str, str]:
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    return {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in text.splitlines()) if key}


# --- apt -----------------------------------------------------------------------------------------


def apt_entries() -> list[dict[str, str]]:
    """Every binary source of the machine, from both file formats: uri, suite, components, options."""
    entries: list[dict[str, str]] = []
    folder = APT / "sources.list.d"
    for path in [APT / "sources.list", *sorted(folder.glob("*.list"))]:
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                match = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line)
                if match:
                    entries.append(
                        {"options": match[1] or "", "uri": match[2], "suite": match[3], "components": match[4]}
                    )
    for path in sorted(folder.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            entries.extend(_stanza(stanza))
    return entries


def _stanza(text: str) -> list[dict[str, str]]:
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            fields[name] += " " + line.strip()
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
        return []
    options = []
    signed = fields.get("signed-by", "")
    if signed.startswith("/"):
        options.append(f"signed-by={signed}")
    if fields.get("trusted", "").lower() == "yes":
        options.append("trusted=yes")
    return [
        {"options": " ".join(options), "uri": uri, "suite": suite, "components": fields.get("components", "")}
        for uri in fields.get("uris", "").split()
        for suite in fields.get("suites", "").split()
    ]


def debian_sources(suite: str) -> list[str] | None:
    """`deb` lines for a Debian suite from the machine's own mirrors; None when it has none of Debian's."""
    main = os.environ.get("LAB_DEBIAN_MIRROR", "")
    security = os.environ.get("LAB_DEBIAN_SECURITY_MIRROR", "")
    options = security_options = ""
    release = os_release()
    if not main and release.get("ID") == "debian":
        codename = release.get("VERSION_CODENAME", "")
        for entry in apt_entries():
            if "main" not in entry["components"].split():
                continue
            if entry["suite"] in (codename, "stable") and not main:
                main, options = plain_address(entry["uri"]), entry["options"]
            elif entry["suite"] in (f"{codename}-security", "stable-security") and not security:
                security, security_options = plain_address(entry["uri"]), entry["options"]
    if not main:
        return None
    lines = [_deb(main, suite, options)]
    for uri, name, opts in ((main, f"{suite}-updates", options), (security, f"{suite}-security", security_options)):
        if uri and _has_suite(uri, name):
            lines.append(_deb(uri, name, opts))
    return lines


def _has_suite(uri: str, suite: str) -> bool:
    """Whether a mirror has a suite: an old one's extra archives move away one day, and apt fails on an absent one.

    A mirror that cannot be asked is no answer: without its updates a machine that has them can install nothing more.
    """
    if not APT_HELPER.exists():
        return False
    address = f"{uri.rstrip('/')}/dists/{suite}/Release"
    with tempfile.TemporaryDirectory() as place:
        ask = (
            "env",
            "LC_ALL=C",
            str(APT_HELPER),
            "-o",
            f"Acquire::Retries={RETRIES}",
            "download-file",
            address,
            f"{place}/Release",
        )
        try:
            run(*ask)
        except LabError as error:
            if re.search(r"\b(404|410) ", str(error)):
                return False
            raise LabError(
                f"{address} cannot be read, so that it is not known whether the mirror has {suite}: {error}"
            ) from None
    return True


def plain_address(uri: str) -> str:
    """The mirror behind a source; nothing where it is one that a build cannot use, such as a CD-ROM.

    Debian's cloud images name a file that lists mirrors.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "mirror+file":
        listed = Path("/" + rest.lstrip("/"))
        lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
        return next((line.split()[0] for line in lines if line.strip() and not line.startswith("#")), "")
    return uri if scheme in ("http", "https", "ftp") else ""


def _deb(uri: str, suite: str, options: str) -> str:
    return f"deb {'[' + options + '] ' if options else ''}{uri} {suite} main"


def apt_settings() -> list[str]:
    """How apt reaches its mirrors: how often it asks, and the machine's proxies as apt itself reports them."""
    said = run("apt-config", "dump").splitlines() if shutil.which("apt-config") else []
    proxy = re.compile(r"Acquire::(https?|ftp)::([^ ]*::)?(Proxy|Proxy-Auto-Detect|No-?Proxy) ", re.IGNORECASE)
    return [f'Acquire::Retries "{RETRIES}";', *filter(proxy.match, said)]


# --- pip -----------------------------------------------------------------------------------------


def pip_settings() -> dict[str, str]:
    """pip's settings of this machine: its configuration files first, the environment over them."""
    settings: dict[str, str] = {}
    home = Path.home()
    files = [
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf",
    ]
    if os.environ.get("PIP_CONFIG_FILE"):
        files.append(Path(os.environ["PIP_CONFIG_FILE"]))
    wanted = (
        "index-url",
        "extra-index-url",
        "find-links",
        "no-index",
        "trusted-host",
        "proxy",
        "cert",
        "timeout",
        "default-timeout",
        "retries",
    )
    for path in files:
        if not path.is_file():
            continue
        parser = configparser.RawConfigParser()
        parser.read(path, encoding="utf-8")
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    for key in wanted:
        value = os.environ.get("PIP_" + key.upper().replace("-", "_"))
        if value:
            settings[key] = value
    return {key: value for key, value in settings.items() if key in wanted}


def local_folders(settings: dict[str, str]) -> list[str]:
    """Folders of this machine that pip's settings point at; pages of an index may link to their siblings."""
    folders = set()
    for key in ("index-url", "extra-index-url", "find-links"):
        for place in settings.get(key, "").split():
            path = Path(unquote(urlsplit(place).path)) if place.startswith("file:") else Path(place)
            if path.is_absolute() and path.exists():
                folders.add(str(path.parent if place.startswith("file:") and len(path.parent.parts) > 1 else path))
    return sorted(folders)


# --- for a container -----------------------------------------------------------------------------


@contextlib.contextmanager
def package_sources(name: str, suite: str) -> Iterator[list[str]]:
    """Options for `docker run` that give a container this machine's package sources, for as long as it is there."""
    place = state_dir() / "machine" / name
    shutil.rmtree(place, ignore_errors=True)
    # The folder above keeps other users of this machine out; inside the container apt's own user reads these files.
    place.parent.mkdir(exist_ok=True, mode=0o700)
    place.mkdir(mode=0o755)
    try:
        yield _options(place, suite)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _options(place: Path, suite: str) -> list[str]:
    options = ["--volume", f"{place}:{MOUNT}:ro", "--env", "DEBIAN_FRONTEND=noninteractive"]

    sources = debian_sources(suite)
    apt = apt_settings()
    if CA_BUNDLE.is_file():
        shutil.copy(CA_BUNDLE, place / "ca-bundle.crt")
        apt.append(f'Acquire::https::CAInfo "{MOUNT}/ca-bundle.crt";')
        options += ["--env", f"PIP_CERT={MOUNT}/ca-bundle.crt"]
    if sources:
        (place / "sources.list").write_text("\n".join(_keyrings(sources, place)) + "\n", encoding="utf-8")
        apt += [f'Dir::Etc::sourcelist "{MOUNT}/sources.list";', 'Dir::Etc::sourceparts "-";']
    (place / "apt.conf").write_text("\n".join(apt) + "\n", encoding="utf-8")
    options += ["--env", f"APT_CONFIG={MOUNT}/apt.conf"]

    (place / "ca").mkdir()
    for certificate in CA_FOLDER.glob("*.crt") if CA_FOLDER.is_dir() else ():
        shutil.copy(certificate, place / "ca")

    settings = {"retries": str(RETRIES), **pip_settings()}
    cert = settings.pop("cert", "")
    if cert and Path(cert).is_file():
        shutil.copy(cert, place / "ca-bundle.crt")
        if not CA_BUNDLE.is_file():
            options += ["--env", f"PIP_CERT={MOUNT}/ca-bundle.crt"]
    lines = ["[global]", *(f"{key} = {' '.join(value.split())}" for key, value in sorted(settings.items()))]
    (place / "pip.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "pip.conf").chmod(0o600)
    options += ["--env", f"PIP_CONFIG_FILE={MOUNT}/pip.conf"]
    for folder in local_folders(settings):
        options += ["--volume", f"{folder}:{folder}:ro"]
    for name in PROXIES:
        if os.environ.get(name):
            options += ["--env", name]
    return options


def _keyrings(sources: list[str], place: Path) -> list[str]:
    """Copy the keyrings that the sources name to where the build sees them."""
    lines = []
    for line in sources:
        match = re.search(r"signed-by=([^\s\],]+)", line)
        if match and Path(match[1]).is_file():
            shutil.copy(match[1], place)
            line = line.replace(match[1], f"{MOUNT}/{Path(match[1]).name}")
        lines.append(line)
    return lines


def mmdebstrap_arguments(suite: str) -> list[str]:
    sources = debian_sources(suite)
    if not sources:
        raise LabError(
            f"No container registry answers and this machine has no Debian package source for {suite}. "
            "Set LAB_DEBIAN_MIRROR to the address of a Debian mirror."
        )
    arguments = [f"--aptopt={line}" for line in apt_settings()]
    return [*arguments, suite, "-", sources[0]]
