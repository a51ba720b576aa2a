"""What is sent: for each group of commands, rows of the grammar with a weight.

A row is (weight, part, ...). Rows whose words must stay as they are, because a word less or
another would end the server or block the client, are in UNDISTURBED.
"""

from .grammar import (KEYS, NOT_NUMBERS, disturb, expand, floating, integer, key, lifetime, many, maybe, moment, one,
                      pattern, small, some, value, words)

SET_OPTIONS = some("NX", "XX", "GET", "KEEPTTL", words("EX", lifetime), words("PX", lifetime), words("EXAT", moment),
                   words("PXAT", moment))

STRINGS = [
    (3, "APPEND", key, value),
    (2, "DECR", key),
    (2, "DECRBY", key, integer),
    (6, "GET", key),
    (2, "GETDEL", key),
    (3, "GETEX", key, some("PERSIST", words("EX", lifetime), words("PX", lifetime), words("EXAT", moment),
                           words("PXAT", moment))),
    (3, "GETRANGE", key, one(small, integer), one(small, integer)),
    (2, "GETSET", key, value),
    (3, "INCR", key),
    (3, "INCRBY", key, integer),
    (3, "INCRBYFLOAT", key, floating),
    (3, "LCS", key, key, some("LEN", "IDX", "WITHMATCHLEN", words("MINMATCHLEN", small))),
    (3, "MGET", many(1, 5, key)),
    (3, "MSET", many(1, 4, key, value)),
    (3, "MSETNX", many(1, 3, key, value)),
    (2, "PSETEX", key, lifetime, value),
    (10, "SET", key, value, SET_OPTIONS),
    (2, "SETEX", key, lifetime, value),
    (2, "SETNX", key, value),
    (3, "SETRANGE", key, one(small, b"0", b"5", b"536870912", integer), value),
    (2, "STRLEN", key),
    (1, "SUBSTR", key, small, small),
]

EXPIRE_OPTIONS = some("NX", "XX", "GT", "LT")
# What DUMP gives of "v", of 5 and of 100 x; the first with a wrong checksum, and what is none at all.
PAYLOAD = one(b"\0\1v\n\0\x91\x08\xce\xb2\x19\x38\x8a\xce", b"\0\xc0\5\n\0\x63\x2f\x5f\x66\x83\x2f\xb3\x51",
              b"\0\xc3\t\x40\x64\1xx\xe0\x57\0\1xx\n\0\x5d\xb7\xf6\x63\xbb\x08\x62\x5f",
              b"\0\1v\n\0\x91\x08\xce\xb2\x19\x38\x8a\xcf", b"junk", b"")
KEYS_GROUP = [
    (4, "COPY", key, key, some("REPLACE", words("DB", one(b"0", b"1", b"15", b"16", integer)))),
    (3, "DEL", many(1, 4, key)),
    (3, "DUMP", key),
    (3, "EXISTS", many(1, 4, key)),
    (4, "EXPIRE", key, lifetime, EXPIRE_OPTIONS),
    (2, "EXPIREAT", key, moment, EXPIRE_OPTIONS),
    (2, "EXPIRETIME", key),
    (2, "PEXPIRE", key, lifetime, EXPIRE_OPTIONS),
    (2, "PEXPIREAT", key, moment, EXPIRE_OPTIONS),
    (2, "PEXPIRETIME", key),
    (2, "KEYS", pattern),
    (2, "MOVE", key, one(b"0", b"1", b"2", b"16", integer)),
    (5, "OBJECT", one("ENCODING", "REFCOUNT", "IDLETIME", "FREQ", "nosuch"), key),
    (1, "OBJECT", "HELP"),
    (2, "PERSIST", key),
    (2, "PTTL", key),
    (1, "RANDOMKEY", b"x"),
    (3, "RENAME", key, key),
    (2, "RENAMENX", key, key),
    (4, "RESTORE", key, one(b"0", b"0", lifetime, moment), PAYLOAD,
     some("REPLACE", "REPLACE", "ABSTTL", words("IDLETIME", integer), words("FREQ", small))),
    (2, "SCAN", one(b"0", b"abc", b"18446744073709551616", b""), "COUNT", b"100000",
     some(words("MATCH", b"nosuch"), words("COUNT", one(b"0", b"-1", b"abc")), words("TYPE", b"nosuch"), "NOSUCH")),
    (2, "TOUCH", many(1, 4, key)),
    (3, "TTL", key),
    (2, "TYPE", key),
    (2, "UNLINK", many(1, 4, key)),
]

TRANSACTIONS = [
    (6, "MULTI"),
    (6, "EXEC"),
    (2, "DISCARD"),
    (4, "WATCH", many(1, 3, key)),
    (2, "UNWATCH"),
]


def no_id(random):
    """Never the id of a client: those the driver knows, and they differ between the servers."""
    return [random.choice([b"99999999", b"0", b"-1", b"abc", b"9223372036854775807", b"9223372036854775808"])]


CONNECTION = [
    (3, "AUTH", one(b"sesame", b"wrong", b"", words(b"default", b"sesame"), words(b"nobody", b"x"))),
    (2, "CLIENT", "GETNAME"),
    (2, "CLIENT", "ID"),
    (2, "CLIENT", "INFO"),
    (2, "CLIENT", "LIST", some(words("TYPE", one("normal", "master", "replica", "pubsub", "nosuch")),
                               words("ID", many(1, 2, no_id)))),
    (2, "CLIENT", "KILL", one(b"127.0.0.1:1", b"abc", words("ID", no_id),
                              words("TYPE", one("pubsub", "master", "nosuch")), words("ADDR", b"127.0.0.1:1"),
                              words("LADDR", b"127.0.0.1:1"), words("USER", one(b"nobody", b"default2")),
                              words("SKIPME", one("yes", "no", "maybe"), "ID", b"99999999"),
                              words("ID", b"99999999", "SKIPME"), words("MAXAGE", b"5"))),
    (1, "CLIENT", "NO-EVICT", one("on", "off", "maybe")),
    # A pause that takes effect is a scene of the driver: in one, no key expires.
    (1, "CLIENT", "PAUSE", one(b"abc", b"-1", words(b"100", b"MAYBE"), words(b"abc", "WRITE"))),
    (1, "CLIENT", "REPLY", b"maybe"),
    (3, "CLIENT", "SETNAME", one(b"joe", b"", b"has space", b"\x01", b"caf\xc3\xa9", b"x" * 100)),
    (1, "CLIENT", "UNPAUSE"),
    (1, "CLIENT", "HELP"),
    (1, "CLIENT", "nosuch"),
    (1, "CLIENT"),
    (2, "ECHO", value),
    (4, "HELLO", maybe(0.8, one(b"2", b"3", b"3", b"1", b"4", b"abc", integer),
                       some(words("AUTH", b"default", one(b"sesame", b"wrong")), words("SETNAME", one(b"joe", b"a b")),
                            "AUTH", "NOSUCH"))),
    (3, "PING", maybe(0.4, value)),
    (1, "QUIT"),
    (1, "RESET"),
    (3, "SELECT", one(b"0", b"1", b"15", b"16", b"-1", integer)),
]

DIRECTIVES = {
    "hz": [b"10", b"0", b"1000", b"abc"],
    "maxmemory-policy": [b"noeviction", b"allkeys-lru", b"nosuch"],
    "maxmemory-samples": [b"5", b"0", b"64", b"65"],
    "slowlog-log-slower-than": [b"10000", b"-1", b"-2", b"1.5"],
    "slowlog-max-len": [b"128", b"-1", b"9223372036854775808"],
    "latency-monitor-threshold": [b"0", b"-1"],
    "hash-max-listpack-entries": [b"512", b"-1"],
    "hash-max-ziplist-entries": [b"512"],
    "list-max-listpack-size": [b"-2", b"-6"],
    "set-max-intset-entries": [b"512", b"abc"],
    "lazyfree-lazy-user-del": [b"yes", b"no", b"YES", b"maybe", b""],
    "notify-keyspace-events": [b"", b"KEA", b"xyz!"],
    "appendfsync": [b"always", b"EverySec", b"no", b"nosuch"],
    "active-expire-effort": [b"1", b"10", b"11"],
    "repl-timeout": [b"60", b"0"],
    "min-replicas-max-lag": [b"10", b"-1"],
    "cluster-node-timeout": [b"15000", b"-1"],
    "cluster-announce-ip": [b"", b"1.2.3.4"],
    "cluster-announce-hostname": [b"", b"host.example", b"bad name", b"x" * 300],
    "client-output-buffer-limit": [b"normal 0 0 0", b"normal 1mb 2mb", b"nosuch 0 0 0", b"pubsub 32mb 8mb 60 normal 0 0 0",
                                   b"normal -1 0 0", b"pubsub abc 0 0"],
    "oom-score-adj-values": [b"0 200 800", b"1 2", b"0 5000 0", b"3 2 1"],
    "repl-backlog-size": [b"1mb", b"1kb", b"0", b"-1", b"1xb", b"5%"],
    "maxmemory-clients": [b"0", b"5%", b"101%", b"1gb"],
    "loglevel": [b"notice", b"debug", b"nosuch"],
    "save": [b"", b"3600 1", b"3600 1 300 100", b"abc", b"1"],
    "proto-max-bulk-len": [b"512mb", b"1048576", b"1"],
    "databases": [b"16"],
    "daemonize": [b"yes"],
    "cluster-enabled": [b"yes"],
    "nosuch-directive": [b"1"],
}


def directive(random):
    name = random.choice(list(DIRECTIVES))
    return [name.encode() if random.random() < 0.9 else name.upper().encode(), random.choice(DIRECTIVES[name])]


def other_command(random):
    """A command of any group, for those that look at others."""
    rows = random.choice([STRINGS, KEYS_GROUP, FOREIGN, FOREIGN])
    row = random.choice(rows)
    return disturb(expand(row[1:], random), random)


# Commands whose keys the finder must know, wherever they are.
FOREIGN = [
    (1, "BITOP", "AND", key, many(1, 3, key)),
    (1, "EVAL", b"return 1", one(b"0", b"1", b"2", b"-1", b"abc", b"5"), many(0, 3, key)),
    (1, "FCALL", b"f", one(b"0", b"1", b"2"), many(0, 3, key)),
    (1, "LMPOP", one(b"1", b"2", b"0"), many(1, 2, key), "LEFT"),
    (1, "BLPOP", many(1, 3, key), b"0"),
    (1, "BZMPOP", b"0", one(b"1", b"2"), many(1, 2, key), "MIN"),
    (1, "ZUNIONSTORE", key, one(b"1", b"2", b"9"), many(1, 3, key), "WEIGHTS", b"1"),
    (1, "ZINTER", one(b"1", b"2"), many(1, 3, key)),
    (1, "SINTERCARD", one(b"1", b"2"), many(1, 3, key), "LIMIT", b"1"),
    (1, "XREAD", "COUNT", b"1", "STREAMS", many(1, 2, key), b"0", b"0"),
    (1, "XREADGROUP", "GROUP", b"g", b"c", "STREAMS", key, b">"),
    (1, "XGROUP", "CREATE", key, b"g", b"$"),
    (1, "SORT", key, some(words("STORE", key), words("BY", b"w*"), words("LIMIT", b"0", b"1"))),
    (1, "GEORADIUS", key, b"1", b"1", b"1", b"m", some(words("STORE", key), words("STOREDIST", key))),
    (1, "MIGRATE", b"127.0.0.1", b"1", one(key, b""), b"0", b"1", maybe(0.5, "KEYS", many(1, 3, key))),
    (1, "OBJECT", "ENCODING", key),
    (1, "MEMORY", "USAGE", key),
    (1, "PFCOUNT", many(1, 2, key)),
    (1, "LCS", key, key),
    (1, "GETEX", key, "PERSIST"),
    (1, "PING"),
    (1, "SSUBSCRIBE", many(1, 2, key)),
    (1, "nosuch", key),
]

SERVER = [
    (2, "COMMAND", "COUNT"),
    (4, "COMMAND", "INFO", many(0, 3, one("get", "set", "nosuch", "client", "config|get", "mset", "object", "exec"))),
    (2, "COMMAND", "DOCS", many(1, 2, one("get", "set", "nosuch", "client", "copy", "lcs"))),
    (2, "COMMAND", "LIST", some(words("FILTERBY", one(words("PATTERN", b"get*"), words("ACLCAT", "keyspace"),
                                                     words("MODULE", b"nosuch"), words("ACLCAT", b"nosuch"), b"X")))),
    (8, "COMMAND", "GETKEYS", other_command),
    (8, "COMMAND", "GETKEYSANDFLAGS", other_command),
    (1, "COMMAND", one("HELP", b"nosuch")),
    (4, "CONFIG", "GET", many(1, 2, one(b"hz", b"max*", b"*-max-*", b"SAVE", b"nosuch", b"client-output*", b"lazy*",
                                        b"[hl]*", b"cluster-*", b"*"))),
    (8, "CONFIG", "SET", many(1, 2, directive)),
    # Not with any number: redis-server takes some that do not fit for others that do.
    (1, "CONFIG", one("GET", "SET", words("SET", b"hz"), words("RESETSTAT", b"x"), words("SET", b"hz", b"10", b"port"))),
    (1, "CONFIG", "RESETSTAT"),
    (1, "CONFIG", "REWRITE"),
    (1, "CONFIG", one("HELP", b"nosuch")),
    (2, "DBSIZE"),
    (2, "DEBUG", "DIGEST"),
    (2, "DEBUG", "DIGEST-VALUE", many(1, 3, key)),
    (2, "DEBUG", "OBJECT", key),
    (1, "DEBUG", "SLEEP", b"0"),
    (2, "DEBUG", "PROTOCOL", one("STRING", "INTEGER", "DOUBLE", "NULL", "ARRAY", "SET", "MAP", "ATTRIB", "PUSH",
                                 "VERBATIM", "TRUE", "FALSE", "BIGNUM", b"nosuch")),
    (1, "DEBUG", "POPULATE", b"5", maybe(0.7, b"key", maybe(0.5, one(b"0", b"3", b"20")))),
    (1, "DEBUG", "STRINGMATCH-LEN", b"100", b"*a*"),
    (1, "DEBUG", "ERROR", b"MYERR text"),
    (1, "DEBUG", one(b"nosuch", "HELP")),
    (1, "FLUSHALL", maybe(0.5, one("ASYNC", "SYNC", b"nosuch"))),
    (1, "FLUSHDB", maybe(0.5, one("ASYNC", "SYNC", b"nosuch"))),
    (2, "INFO", many(0, 2, one("server", "clients", "memory", "stats", "keyspace", "cluster", "everything", "nosuch"))),
    (1, "ROLE"),
    (1, "TIME"),
    (2, "SHUTDOWN", one("ABORT", b"nosuch", words("SAVE", "NOSAVE"), words("ABORT", "NOW"))),
    (1, one("ASKING", "READONLY", "READWRITE")),
    (2, b"nosuch", many(0, 3, value)),
]

SLOT_NUMBERS = [b"0", b"1", b"5", b"100", b"16383", b"16384", b"-1", b"12706"]


def slot(random):
    return [random.choice(SLOT_NUMBERS if random.random() < 0.9 else NOT_NUMBERS)]


UNKNOWN_ID = b"f" * 40


def node_id(random):
    """`own_id` is put in by the driver: ids are random."""
    return [random.choice([b"own_id", b"own_id", UNKNOWN_ID, b"abc", b"", b"F" * 41])]


CLUSTER_READS = [
    (1, "CLUSTER", "COUNT-FAILURE-REPORTS", node_id),
    (3, "CLUSTER", "COUNTKEYSINSLOT", slot),
    (3, "CLUSTER", "GETKEYSINSLOT", slot, one(b"10", b"0", b"-1", integer)),
    (1, "CLUSTER", "HELP"),
    (2, "CLUSTER", "INFO"),
    (3, "CLUSTER", "KEYSLOT", key),
    (1, "CLUSTER", "LINKS"),
    (1, "CLUSTER", "MYID"),
    (2, "CLUSTER", "NODES"),
    (1, "CLUSTER", one("REPLICAS", "SLAVES"), node_id),
    (1, "CLUSTER", "SAVECONFIG"),
    (2, "CLUSTER", "SHARDS"),
    (2, "CLUSTER", "SLOTS"),
    (1, "CLUSTER", b"nosuch"),
    (1, "CLUSTER"),
]

CLUSTER_CHANGES = [
    (4, "CLUSTER", "ADDSLOTS", many(1, 3, slot)),
    (3, "CLUSTER", "ADDSLOTSRANGE", many(1, 2, slot, slot)),
    (1, "CLUSTER", "BUMPEPOCH"),
    (4, "CLUSTER", "DELSLOTS", many(1, 3, slot)),
    (3, "CLUSTER", "DELSLOTSRANGE", many(1, 2, slot, slot)),
    (2, "CLUSTER", "FAILOVER", maybe(0.5, one("FORCE", "TAKEOVER", b"nosuch"))),
    (1, "CLUSTER", "FLUSHSLOTS"),
    (2, "CLUSTER", "FORGET", node_id),
    (2, "CLUSTER", "MEET", one(b"127.0.0.1", b"abc", b""), one(b"0", b"70000", b"abc", b"-1"), maybe(0.3, b"abc")),
    (2, "CLUSTER", "REPLICATE", node_id),
    (1, "CLUSTER", "RESET", maybe(0.7, one("SOFT", "HARD", b"nosuch"))),
    (2, "CLUSTER", "SET-CONFIG-EPOCH", one(b"1", b"5", b"0", b"-1", b"abc")),
    (6, "CLUSTER", "SETSLOT", slot, one(words("MIGRATING", node_id), words("IMPORTING", node_id), "STABLE",
                                        words("NODE", node_id), b"nosuch")),
]

# Values of other types, made where the server under test has the commands for it.
OTHER_TYPES = [
    (b"RPUSH", b"{t}list", b"a", b"b"),
    (b"HSET", b"{t}hash", b"f", b"v"),
    (b"SADD", b"{t}set", b"m", b"n"),
    (b"ZADD", b"{t}zset", b"1", b"m"),
]
OTHER_TYPE_KEYS = [row[1] for row in OTHER_TYPES]

GROUPS = {
    "strings": STRINGS,
    "keys": KEYS_GROUP,
    "transactions": TRANSACTIONS,
    "connection": CONNECTION,
    "server": SERVER,
    "cluster": CLUSTER_READS,
    "cluster-changes": CLUSTER_CHANGES,
}

UNDISTURBED = {b"CONFIG", b"RANDOMKEY", b"SHUTDOWN", b"DEBUG", b"CLIENT", b"FLUSHALL", b"SCAN", b"INFO"}


def known_words(rows):
    """The literal words a row begins with: its command and, for a container, its subcommand."""
    for row in rows:
        head = [part for part in row[1:3] if isinstance(part, (str, bytes))]
        yield row, head


def random_command(rows, random):
    row = random.choices(rows, weights=[each[0] for each in rows])[0]
    command = expand(row[1:], random)
    if command[0].upper() not in UNDISTURBED:
        disturb(command, random)
    if command[0].upper() == b"CLUSTER":
        # For redis-server these words end at a zero byte, in its error texts too.
        command = [word.replace(b"\x00", b"") for word in command]
    return command


def make_other_types_busy():
    """Lets every command meet the keys of other types."""
    KEYS.extend(key for key in OTHER_TYPE_KEYS if key not in KEYS)
