# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Glance's database by the address that its ``[database] connection`` has: MariaDB and MySQL by PyMySQL, and SQLite.

One connection, one transaction. Rows are streamed, so that memory does not grow with them. No error says the password.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

try:
    import pymysql
    from pymysql.constants import CLIENT
    from pymysql.cursors import SSCursor
except ImportError as missing:
    PYMYSQL_ERROR: str | None = str(missing)
else:
    PYMYSQL_ERROR = None

CONNECT_TIMEOUT = 10
# A server may sort for long before the first row comes.
ANSWER_TIMEOUT = 900
MYSQL = re.compile(
    r"(?:mysql|mariadb)(?:\+\w+)?://"
    r"(?:(?P<user>[^:/@]*)(?::(?P<password>[^@]*))?@)?"
    r"(?:\[(?P<ipv6>[^/\]]+)\]|(?P<host>[^/:?@\[\]]*))(?::(?P<port>\d{1,5}))?"
    r"/(?P<database>[^/?]+)(?:\?(?P<query>.*))?"
)
SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(?P<path>[^?]+)(?:\?.*)?")
SSL = {"ca": str, "capath": str, "cert": str, "key": str, "cipher": str, "check_hostname": bool, "verify_mode": str}
FORM = (
    "Write it as Glance's [database] connection has it: mysql+pymysql://USER:PASSWORD@HOST/glance or "
    "sqlite:////var/lib/glance/glance.sqlite; in user and password, write % and @ : / as %25 %40 %3A %2F."
)


@dataclass(frozen=True)
class Address:
    """Where a database is. What it says of itself in a text has no password."""

    database: str
    host: str | None = None
    port: int = 3306
    user: str = ""
    password: str = field(default="", repr=False)
    socket: str | None = None
    ssl: dict[str, Any] | None = None

    def __str__(self) -> str:
        if self.host is None and self.socket is None:
            return f"SQLite file {self.database}"
        place = self.socket or f"{self.host}:{self.port}"
        return f"database {self.database} at {place} as {self.user or 'nobody'}"


def parse(url: str) -> Address:
    """The address in a URL; GlanceError, which does not repeat it, for one that says none."""
    found = SQLITE.fullmatch(url.strip())
    if found:
        return Address(unquote(found["path"]))
    found = MYSQL.fullmatch(url.strip())
    if found is None:
        scheme = re.match(r"\w+(?:\+\w+)?(?=://)", url.strip())
        what = f"an address that begins with {scheme[0]}://" if scheme else "no URL"
        raise GlanceError(f"database is {what}, which is none of a MariaDB, MySQL or SQLite database. {FORM}")
    options = dict(parse_qsl(found["query"] or ""))
    ssl: dict[str, Any] = {}
    for name, value in options.items():
        if name.startswith("ssl_"):
            if name[4:] not in SSL:
                wanted = ", ".join(f"ssl_{each}" for each in SSL)
                raise GlanceError(f"database has the option {name}, which is not known here; those known are {wanted}.")
            ssl[name[4:]] = value.lower() not in ("0", "false", "no") if SSL[name[4:]] is bool else value
            if name in ("ssl_ca", "ssl_cert", "ssl_key") and not os.path.isfile(value):
                raise GlanceError(f"database has {name}={value}, and there is no such file on this machine.")
    return Address(
        database=unquote(found["database"]),
        host=unquote(found["ipv6"] or found["host"] or "localhost"),
        port=int(found["port"] or 3306),
        user=unquote(found["user"] or ""),
        password=unquote(found["password"] or ""),
        socket=options.get("unix_socket"),
        ssl=ssl or None,
    )


class Database:
    """One connection and one transaction. Both kinds take ``?`` for a value."""

    name = "SQL"
    #: What the dialects say differently: a value to be compared to the byte, a text that is not all ASCII, and that
    #: tables are to be read in the order in which they are named.
    binary, long_name, straight = "", "", ""
    #: What keeps rows that were read as they are until the transaction ends.
    lock = ""

    def __init__(self, address: Address) -> None:
        self.address = address

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        raise NotImplementedError

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Carry out a statement; how many rows it changed."""
        raise NotImplementedError

    def begin(self, write: bool = False) -> None:
        raise NotImplementedError

    def end(self, commit: bool = False) -> None:
        self.run("COMMIT" if commit else "ROLLBACK")

    def columns(self, table: str) -> dict[str, str]:
        """The columns of a table, each with its collation or type."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first value of the first row, or None."""
        found = list(self.rows(sql, values))
        return found[0][0] if found else None

    def trouble(self, error: BaseException) -> GlanceError:
        """An error of the library, for the operator."""
        reason = error.args[-1] if error.args and isinstance(error.args[-1], str) else type(error).__name__
        if self.address.password:
            reason = reason.replace(self.address.password, "********")
        return GlanceError(f"{self.address}: {self.meaning(error)}{' '.join(reason.split())}")

    def meaning(self, error: BaseException) -> str:
        return ""

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_rest: object) -> None:
        self.close()


class Sqlite(Database):
    name = "SQLite"
    binary, long_name, straight = "{}", "LENGTH(CAST({0} AS BLOB)) <> LENGTH({0})", ""

    def __init__(self, address: Address, write: bool = False) -> None:
        super().__init__(address)
        if not os.path.isfile(address.database):
            raise GlanceError(f"{address} is not there, on the machine where the module runs. Check the path.")
        mode = "rw" if write else "ro"
        try:
            # Transactions are ours to begin, and nothing may create a file.
            self.connection = sqlite3.connect(
                f"file:{quote(os.path.abspath(address.database))}?mode={mode}",
                uri=True,
                isolation_level=None,
                timeout=CONNECT_TIMEOUT,
            )
            self.connection.text_factory = lambda data: data.decode("utf-8", "replace")
            self.connection.create_function("REGEXP", 2, _matches, deterministic=True)
            self.version = f"SQLite {sqlite3.sqlite_version}"
            self.run("PRAGMA schema_version")
        except sqlite3.Error as error:
            raise self.trouble(error) from None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self.connection.execute(sql, values)
        except sqlite3.Error as error:
            raise self.trouble(error) from None

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        try:
            return self.connection.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise self.trouble(error) from None

    def begin(self, write: bool = False) -> None:
        self.run("BEGIN IMMEDIATE" if write else "BEGIN")

    def columns(self, table: str) -> dict[str, str]:
        return {row[1]: row[2] for row in self.rows(f"PRAGMA table_info({table})")}

    def close(self) -> None:
        self.connection.close()


def _matches(pattern: str, text: str | None) -> bool:
    return text is not None and re.search(pattern, text) is not None


class Mysql(Database):
    name = "MySQL"
    binary, straight = "CAST({} AS BINARY)", "STRAIGHT_JOIN"
    long_name = "LENGTH({0}) <> CHAR_LENGTH({0})"
    lock = " FOR UPDATE"

    def __init__(self, address: Address, write: bool = False) -> None:
        super().__init__(address)
        if PYMYSQL_ERROR is not None:
            raise GlanceError(missing_required_lib("PyMySQL"), exception=PYMYSQL_ERROR)
        self.errors = (pymysql.MySQLError, OSError, UnicodeDecodeError)
        try:
            self.connection = pymysql.connect(
                host=address.host or "localhost",
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                unix_socket=address.socket,
                ssl=address.ssl,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=ANSWER_TIMEOUT,
                write_timeout=ANSWER_TIMEOUT,
                # A statement that finds what it would write already there counts the row all the same.
                client_flag=CLIENT.FOUND_ROWS,
            )
            # MariaDB greets as 5.5.5 for the sake of old clients.
            self.version = str(self.one("SELECT VERSION()"))
        except (*self.errors, RuntimeError, ValueError) as error:
            raise self.trouble(error) from None
        maker = "MariaDB" if "mariadb" in self.version.lower() else "MySQL"
        self.version = f"{maker} {self.version.partition('-')[0]}"

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        cursor = self.connection.cursor(SSCursor)
        try:
            cursor.execute(sql.replace("%", "%%").replace("?", "%s") if values else sql, tuple(values) or None)
            yield from cursor
            cursor.close()
        except BaseException as error:
            # Nobody waits for the rest of the answer, which closing the cursor would do.
            cursor.connection = None  # type: ignore[assignment]
            self.close()
            if isinstance(error, self.errors):
                raise self.trouble(error) from None
            raise

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        try:
            with self.connection.cursor() as cursor:
                return cursor.execute(
                    sql.replace("%", "%%").replace("?", "%s") if values else sql, tuple(values) or None
                )
        except self.errors as error:
            raise self.trouble(error) from None

    def begin(self, write: bool = False) -> None:
        # The server must bear with a reader that stops to write a file.
        self.run("SET SESSION net_write_timeout = 600")
        # Quotation marks and backslashes mean the same whatever the server is configured for.
        self.run("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")
        self.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.run("START TRANSACTION" if write else "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def columns(self, table: str) -> dict[str, str]:
        sql = (
            "SELECT column_name, COALESCE(collation_name, data_type) FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = ?"
        )
        return {str(name): str(kind) for name, kind in self.rows(sql, (table,))}

    def meaning(self, error: BaseException) -> str:
        number = error.args[0] if error.args else None
        if number in (1044, 1045, 1698):
            return "the server refused user and password. Check them in the URL. It says: "
        if number in (2006, 2013, 0, 1927) or isinstance(error, (OSError, pymysql.InterfaceError)):
            return "the connection was lost. Run again once the server is well. It says: "
        if number in (2002, 2003, 2005):
            return "the server cannot be reached. Check host, port and network. It says: "
        if number == 1049:
            return "there is no such database. It says: "
        if isinstance(error, UnicodeDecodeError):
            return "a text in it is no UTF-8. Repair the row first. Found: "
        return ""

    def close(self) -> None:
        if self.connection.open:
            self.connection.close()


def connect(url: str, write: bool = False) -> Database:
    address = parse(url)
    kind = Sqlite if address.host is None and address.socket is None else Mysql
    return kind(address, write)


def glance_columns(database: Database) -> dict[str, dict[str, str]]:
    """The columns of the tables that are read; GlanceError for a database that is not Glance's."""
    found = {
        table: database.columns(table) for table in ("images", "image_properties", "image_members", "image_locations")
    }
    lacking = [table for table, columns in found.items() if not columns]
    if lacking or not {"is_public", "visibility"} & found["images"].keys():
        what = f"has no table {', '.join(lacking)}" if lacking else "has neither images.is_public nor images.visibility"
        raise GlanceError(f"{database.address} {what}: it is not Glance's, or not of a release from 13 on.")
    return found
