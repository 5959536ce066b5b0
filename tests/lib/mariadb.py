"""A private MariaDB with Dialtone's schema, for tests.

    server = MariaDB().start()                 # a temporary directory, no network
    database = server.create("dialtone")       # migrations, grants, a small dictionary
    with database.connect("dba") as connection: ...
    server.stop()
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pymysql

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "private-mariadb"
MIGRATIONS = sorted((ROOT / "db" / "migrations").glob("[0-9]*.sql"))
GRANTS = ROOT / "db" / "grants.sql"
ACCOUNTS = ("worker", "journal", "courier", "dba", "reader", "registrar")
PASSWORDS = {name: "test-%s-secret" % name for name in ACCOUNTS}

# A dictionary that has one setting of each type, for tests that do not want to know templates/.
DICTIONARY = """
INSERT INTO vendor (vendor_id, name, served) VALUES ('yealink', 'Yealink', 1), ('fanvil', 'Fanvil', 1), ('polycom', 'Poly', 0);
INSERT INTO vendor_oui (oui, vendor_id) VALUES ('0c383e', 'fanvil'), ('805ec0', 'yealink'), ('001565', 'yealink');
INSERT INTO model (model_id, vendor_id, name, line_count, key_count, module_count, module_key_count, retired) VALUES
  ('yealink-t54w', 'yealink', 'SIP-T54W', 16, 27, 3, 60, 0), ('yealink-t46u', 'yealink', 'SIP-T46U', 16, 27, 3, 40, 0),
  ('yealink-t31g', 'yealink', 'SIP-T31G', 2, 2, 0, 0, 0), ('yealink-t20p', 'yealink', 'SIP-T20P', 2, 2, 0, 0, 1),
  ('fanvil-x4u', 'fanvil', 'X4U', 12, 30, 0, 0, 0), ('fanvil-x3s', 'fanvil', 'X3S', 2, 6, 0, 0, 0);
INSERT INTO setting (name, type, scope, default_value, min_value, max_value, max_length, items, secret, description, retired) VALUES
  ('sip.server', 'host', 'line', NULL, NULL, NULL, 255, NULL, 0, 'registrar', 0),
  ('sip.port', 'int', 'line', '5060', 0, 65535, 255, NULL, 0, 'port of the registrar', 0),
  ('sip.transport', 'enum', 'line', 'udp', NULL, NULL, 255, 'udp,tcp,tls', 0, 'how SIP travels', 0),
  ('sip.password', 'secret', 'line', NULL, NULL, NULL, 255, NULL, 1, 'password of the account', 0),
  ('sip.user_agent', 'string', 'line', NULL, NULL, NULL, 40, NULL, 0, 'what it calls itself', 0),
  ('sip.realm', 'string', 'tenant', NULL, NULL, NULL, 128, NULL, 0, 'digest realm', 0),
  ('registrar.key', 'secret', 'tenant', NULL, NULL, NULL, 255, NULL, 1, 'a secret of the whole tenant', 0),
  ('codecs', 'list', 'line', 'g722,pcma,pcmu', NULL, NULL, 255, 'opus,g722,pcma,pcmu,g729', 0, 'codecs, best first', 0),
  ('timezone', 'timezone', 'device', 'Europe/Berlin', NULL, NULL, 255, NULL, 0, 'time zone', 0),
  ('language', 'enum', 'device', 'en', NULL, NULL, 255, 'de,en,fr', 0, 'language of the menu', 0),
  ('call.waiting', 'bool', 'device', 'true', NULL, NULL, 255, NULL, 0, 'second call', 0),
  ('phonebook.url', 'url', 'device', NULL, NULL, NULL, 511, NULL, 0, 'phone book', 0),
  ('phone.admin_password', 'secret', 'device', NULL, NULL, NULL, 255, NULL, 1, 'password of the menu', 0),
  ('only.yealink', 'string', 'device', NULL, NULL, NULL, 255, NULL, 0, 'no Fanvil template uses it', 0),
  ('old.setting', 'string', 'device', NULL, NULL, NULL, 255, NULL, 0, 'no longer in the files', 1);
INSERT INTO vendor_setting (vendor_id, name) SELECT 'yealink', name FROM setting;
INSERT INTO vendor_setting (vendor_id, name) SELECT 'fanvil', name FROM setting WHERE name <> 'only.yealink';
INSERT INTO timezone (name, rule) VALUES ('Europe/Berlin', 'CET-1CEST,M3.5.0,M10.5.0/3'), ('Europe/London', 'GMT0BST,M3.5.0/1,M10.5.0'),
  ('America/New_York', 'EST5EDT,M3.2.0,M11.1.0'), ('UTC', 'UTC0');
INSERT INTO template_file (name, digest, loaded_at) VALUES
  ('*', '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', UTC_TIMESTAMP());
"""

# Two tenants alike, to see that they stay apart.
TENANTS = """
INSERT INTO tenant (tenant_id, name) VALUES ('acme', 'ACME'), ('umbra', 'Umbra');
INSERT INTO site (tenant_id, site_id) VALUES ('acme', 'hq'), ('acme', 'lab'), ('umbra', 'hq2');
INSERT INTO profile (tenant_id, profile_id) VALUES ('acme', 'desk'), ('umbra', 'desk2');
INSERT INTO device (mac, tenant_id, site_id, profile_id, model_id) VALUES
  ('805ec0000001', 'acme', 'hq', 'desk', 'yealink-t54w'), ('805ec0000002', 'acme', 'hq', 'desk', 'yealink-t31g'),
  ('0c383e000003', 'acme', 'lab', NULL, 'fanvil-x4u'), ('805ec0000004', 'umbra', NULL, 'desk2', 'yealink-t54w');
INSERT INTO account (tenant_id, account_id, sip_user, display_name) VALUES
  ('acme', '201', '201', 'Ann'), ('acme', '202', '202', 'Bob'), ('acme', '203', '203', 'Cy'), ('umbra', '301', '301', 'Dee');
INSERT INTO account_secret (tenant_id, account_id, name, plain)
  SELECT tenant_id, account_id, 'sip.password', HEX(RANDOM_BYTES(8)) FROM account;
INSERT INTO line (mac, position, account_id) VALUES
  ('805ec0000001', 1, '201'), ('805ec0000002', 1, '202'), ('0c383e000003', 1, '203'), ('805ec0000004', 1, '301');
"""


class MariaDB:
    """One server. `directory`: where to keep it; by default a temporary one that stop() removes."""

    def __init__(self, directory=None, options=("--fast",)):
        self.temporary = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="dialtone-db-"))
        self.options = list(options)
        self.socket = str(self.directory / "mariadb.sock")

    def start(self):
        subprocess.run([str(SCRIPT), "start", str(self.directory)] + self.options, check=True)
        return self

    def stop(self):
        subprocess.run([str(SCRIPT), "stop", str(self.directory)], check=True)
        if self.temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    def client(self, sql, database=None, program="mariadb", arguments=()):
        """Run a client program on text; its output. Raises with the server's message."""
        command = [program, "--no-defaults", "--socket=" + self.socket, "--user=root", "--default-character-set=utf8mb4", *arguments]
        if database:
            command.append(database)
        done = subprocess.run(command, input=sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False)
        if done.returncode:
            raise RuntimeError("%s: %s" % (program, done.stderr.strip()))
        return done.stdout

    def create(self, name="dialtone", dictionary=DICTIONARY, rows=""):
        """A database with schema, accounts, a dictionary ("" for none) and rows."""
        self.client("DROP DATABASE IF EXISTS `%s`; CREATE DATABASE `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" % (name, name))
        for path in MIGRATIONS:
            self.client(path.read_text(encoding="utf-8"), name)
        grants = GRANTS.read_text(encoding="utf-8").replace("@DATABASE@", name)
        for account in ACCOUNTS:
            grants = grants.replace("@PASSWORD_%s@" % account.upper(), PASSWORDS[account])
        self.client(grants, name)
        if dictionary or rows:
            self.client(dictionary + rows, name)
        return Database(self, name)


class Database:
    """One database of a server, and connections to it."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.connections = []

    def connect(self, account="root", **options):
        """A connection with autocommit as root or one of ACCOUNTS."""
        options.setdefault("autocommit", True)
        options.setdefault("charset", "utf8mb4")
        if account == "root":
            options.update(user="root")
        else:
            options.update(user="dialtone_" + account, password=PASSWORDS[account])
        connection = pymysql.connect(unix_socket=self.server.socket, database=self.name, **options)
        self.connections.append(connection)
        return connection

    def client(self, sql, **options):
        return self.server.client(sql, self.name, **options)

    def close(self):
        """Close what connect() opened; a transaction left open would keep its tables from being dropped."""
        for connection in self.connections:
            if connection.open:
                connection.close()
        self.connections = []

    def drop(self):
        self.close()
        self.server.client("DROP DATABASE IF EXISTS `%s`" % self.name)


def rows(connection, sql, *arguments):
    """All rows of a SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return list(cursor.fetchall())


def one(connection, sql, *arguments):
    """The one value of a SELECT."""
    (row,) = rows(connection, sql, *arguments)
    (value,) = row
    return value


def run(connection, sql, *arguments):
    """Execute; how many rows it touched."""
    with connection.cursor() as cursor:
        return cursor.execute(sql, arguments or None)


def full():
    """Is this the long run (DIALTONE_FULL=1)?"""
    return os.environ.get("DIALTONE_FULL", "0") not in ("", "0")
