"""Servers that were set up for somebody else: what their configuration makes the default of every session changes nothing of what Dialtone does."""
import pytest

from stack import Database, remove
from test_db_binlog import BORN, MAC, OTHER, busy

SERVERS = {
    'sessions': ['--autocommit=0', '--transaction-isolation=SERIALIZABLE', '--completion-type=CHAIN', '--sql-safe-updates=ON', '--max-join-size=1000', '--wait-timeout=1',
                 '--default-time-zone=-09:30', '--innodb-snapshot-isolation=ON'],
    'texts': ['--character-set-server=latin1', '--collation-server=latin1_swedish_ci', '--skip-character-set-client-handshake', '--lower-case-table-names=1',
              '--sql-mode=ORACLE,NO_BACKSLASH_ESCAPES,EMPTY_STRING_IS_NULL,IGNORE_SPACE,HIGH_NOT_PRECEDENCE', '--explicit-defaults-for-timestamp=OFF'],
    'storage': ['--sql-mode=', '--default-storage-engine=Aria', '--default-tmp-storage-engine=Aria', '--innodb-default-row-format=compact', '--innodb-force-primary-key=ON',
                '--max-allowed-packet=1M', '--optimizer-switch=derived_merge=off,condition_pushdown_for_derived=off', '--use-stat-tables=preferably'],
}
GLOBALS = {'sessions': ['sql_select_limit = 5', 'lock_wait_timeout = 1', 'group_concat_max_len = 1024']}  # what is no option of the server's start


@pytest.mark.parametrize('kind', SERVERS)
def test_everything_works_on_somebody_elses_server(kind):
    database = Database(options=SERVERS[kind])
    database.init_command = 'SET NAMES utf8mb4'  # the driver only asks for it at connect, which --skip-character-set-client-handshake ignores
    try:
        database.start_server()
        for assignment in GLOBALS.get(kind, []):
            with database.connect('root', database='') as connection, connection.cursor() as cursor:
                cursor.execute('SET GLOBAL ' + assignment)
        database.start()
        busy(database)
        assert database.command('db', 'check').stdout.startswith('database dialtone: version')
        assert 'admin' in database.command('render', MAC).stdout
        assert f'ok  {OTHER}.cfg' in database.command('why', OTHER).stdout
        assert BORN in database.command('audit', '--mac', BORN).stdout
    finally:
        database.stop()
    remove(database.directory)
