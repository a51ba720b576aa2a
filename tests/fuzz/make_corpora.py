#!/usr/bin/python3
"""Writes the seed files of the corpora: corpus/<target>/<what it shows>.

The files are committed; this is how they came about, and where to add more of their kind.
What a fuzzer has found is added by hand beside them, so nothing is ever deleted here.
"""

import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
RECORDED_PACKETS = HERE.parent / "unit" / "cluster" / "bus" / "redis_7_0_15_packets.txt"
CONFIGURATIONS = HERE.parent.parent / "conf"

OWN, KNOWN, REPLICA, UNKNOWN = (letter * 40 for letter in "abcd")


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def request(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


# --- Requests. Nothing in here, or near it, ends or silences a server: the end-to-end test sends it.

def resp():
    put = lambda name, data: write("resp", name, data)
    put("get", request("GET", "key"))
    put("set_binary", request("SET", b"\0\r\n\xff", b"$5\r\nhello"))
    put("pipeline", b"".join([request("SET", "a", "1"), request("INCR", "a"), b"PING\r\n", request("GET", "a")]))
    put("empty_words", request("SET", "", "") + request("GET", ""))
    put("nothing", b"\r\n\n*0\r\n*-1\r\nPING\r\n")
    put("inline", b"SET key 'it''s'\r\nSET key \"a\\x41\\n\\\"\"\nGET   key  \r\n")
    put("inline_unbalanced", b"SET key \"half\r\nPING\r\n")
    put("inline_quote_then_text", b"SET key \"half\"more\r\n")
    put("inline_http", b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    put("inline_zero_byte", b"PI\0NG\r\nPING\r\n")
    put("array_cut", b"*3\r\n$3\r\nSET\r\n$3\r\nk")
    put("array_count_no_number", b"*x\r\n")
    put("array_count_leading_zero", b"*01\r\n$4\r\nPING\r\n")
    put("array_count_plus", b"*+1\r\n$4\r\nPING\r\n")
    put("array_count_huge", b"*2147483647\r\n$4\r\nPING\r\n")
    put("array_count_overflow", b"*2147483648\r\n")
    put("array_count_overflow_64", b"*9223372036854775808\r\n")
    put("array_count_zero_byte", b"*1\0\r\n$4\r\nPING\r\n")
    put("array_eleven", request(*["MGET"] + ["k"] * 10))
    put("bulk_no_dollar", b"*1\r\n+PING\r\n")
    put("bulk_negative", b"*1\r\n$-1\r\n")
    put("bulk_huge", b"*2\r\n$3\r\nGET\r\n$536870912\r\nx")
    put("bulk_overflow", b"*2\r\n$3\r\nGET\r\n$536870913\r\n")
    put("bulk_overflow_64", b"*2\r\n$3\r\nGET\r\n$18446744073709551615\r\n")
    put("bulk_wrong_end", b"*1\r\n$4\r\nPINGxxPING\r\n")
    put("bulk_beyond_unauthenticated", request("SET", "k", b"v" * 16385))
    put("bulk_at_unauthenticated", request("SET", "k", b"v" * 16384))
    put("line_too_long", b"*1\r\n$" + b"1" * 66000)
    put("crlf_halves", b"*1\r$4\r\nPING\r\n")
    put("mixed_protocols", b"*1\r\n$4\r\nPING\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n")
    put("many_requests", b"".join(request("SET", f"k{i}", i) for i in range(100)))
    put("auth_in_the_middle", request("AUTH", "x") + request("SET", "k", b"v" * 20000) + request("AUTH", "a", "b", "c"))
    put("hello", request("HELLO", 3) + request("HELLO", 2, "AUTH", "default", "x") + request("HELLO", 99))
    put("multi", request("MULTI") + request("SET", "a", 1) + request("NOSUCH") + request("EXEC") + request("DISCARD"))
    put("watch", request("WATCH", "a", "a") + request("MULTI") + request("UNWATCH") + request("EXEC"))
    put("reset_quit", request("RESET") + request("SELECT", 1) + request("QUIT") + request("GET", "a"))
    edges = [0, -1, 2147483647, -2147483648, 9223372036854775807, -9223372036854775808, 18446744073709551616, "x", ""]
    put("numbers_incr", b"".join(request("INCRBY", "n", edge) + request("DECRBY", "n", edge) for edge in edges))
    put("numbers_float", b"".join(request("INCRBYFLOAT", "f", edge)
                                  for edge in ["1e308", "1e4932", "-inf", "nan", "0x10", "1e-400", " 1", "1 ", "5e"]))
    put("numbers_range", b"".join(request("GETRANGE", "k", a, b) + request("SETRANGE", "k", a, "")
                                  for a in edges for b in (0, -1, 9223372036854775807)))
    put("numbers_setrange", request("SETRANGE", "k", 4294967295, "x") + request("SETRANGE", "k", 9999999999, "x"))
    put("numbers_expire", b"".join(request(name, "k", edge) for edge in edges
                                   for name in ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT")))
    put("numbers_set", b"".join(request("SET", "k", "v", unit, edge) for edge in edges
                                for unit in ("EX", "PX", "EXAT", "PXAT")))
    put("numbers_select", b"".join(request("SELECT", edge) + request("MOVE", "k", edge) for edge in edges))
    put("numbers_scan", b"".join(request("SCAN", edge, "COUNT", edge) for edge in edges))
    put("set_options", request("SET", "k", "v", "NX", "XX") + request("SET", "k", "v", "KEEPTTL", "EX", 1, "GET"))
    put("scan_options", request("SCAN", 0, "MATCH", "a*", "TYPE", "string", "COUNT") + request("SCAN", "0x", "NOPE", 1))
    put("pattern_of_stars", request("KEYS", "*a" * 200 + "b") + request("SCAN", 0, "MATCH", "[" * 500))
    put("lcs", request("MSET", "x", b"ab" * 300, "y", b"ba" * 300) + request("LCS", "x", "y", "IDX", "MINMATCHLEN", -1)
        + request("LCS", "x", "y", "LEN", "IDX"))
    put("unknown_commands", request("NOSUCH" * 40, "a" * 200, b"\r\n\0") + request("") + request("GET|x")
        + request("CONFIG|GET", "*") + request("CLIENT", "NOSUCH"))
    put("getkeys_eval", request("COMMAND", "GETKEYS", "EVAL", "x", 2147483647)
        + request("COMMAND", "GETKEYSANDFLAGS", "EVAL", "x", -1, "k"))
    put("command_docs", request("COMMAND", "DOCS", "get", "config|get", "nosuch", "") + request("COMMAND", "INFO", "x|y"))
    put("command_list", request("COMMAND", "LIST", "FILTERBY", "PATTERN", "*" * 300 + "x") + request("COMMAND", "COUNT", 1))
    put("config_get", request("CONFIG", "GET", "*", "max*", "[", "\\") + request("CONFIG", "GET"))
    put("config_set", request("CONFIG", "SET", "maxmemory", "x") + request("CONFIG", "SET", "hz", "10", "hz", "11")
        + request("CONFIG", "SET", "nosuch", "1") + request("CONFIG", "SET", "slowlog-max-len", -1))
    put("client", request("CLIENT", "SETNAME", "a b") + request("CLIENT", "LIST", "ID", edges[4], "x")
        + request("CLIENT", "NO-EVICT", "maybe") + request("CLIENT", "TRACKING", "on"))
    put("slowlog", b"".join(request("SLOWLOG", "GET", edge) for edge in edges) + request("SLOWLOG", "RESET", "x"))
    put("latency", request("LATENCY", "HISTOGRAM", "get", "nosuch") + request("LATENCY", "GRAPH", "x"))
    put("object", request("OBJECT", "FREQ", "k") + request("OBJECT", "ENCODING") + request("MEMORY", "USAGE", "k", "SAMPLES", -1))
    put("cluster_slots", b"".join(request("CLUSTER", "COUNTKEYSINSLOT", edge) + request("CLUSTER", "GETKEYSINSLOT", 0, edge)
                                  for edge in edges))
    put("cluster_setslot", request("CLUSTER", "SETSLOT", 16384, "STABLE") + request("CLUSTER", "SETSLOT", 1, "NODE", UNKNOWN)
        + request("CLUSTER", "SETSLOT", 1, "MIGRATING", OWN) + request("CLUSTER", "KEYSLOT", b"{\0}{"))
    put("cluster_members", request("CLUSTER", "MEET", "999.1.1.1", 70000) + request("CLUSTER", "FORGET", UNKNOWN)
        + request("CLUSTER", "REPLICATE", "x") + request("CLUSTER", "REPLICAS", "") + request("CLUSTER", "SHARDS", 1))
    put("keys_many", request("DEL", *["k"] * 500) + request("MSET", "a") + request("MSETNX", "a", 1, "b"))
    put("copy_rename", request("COPY", "a", "a") + request("COPY", "a", "b", "DB", 99999999999) + request("RENAME", "x", "y"))


# --- Calls: a line each.

def keys():
    put = lambda name, *lines: write("keys", name, "".join(line + "\n" for line in lines))
    put("plain", "GET k", "SET k v EX 10", "GETRANGE k 0 -1")
    put("too_few", "GET", "SET k", "MSET k", "EVAL", "EVAL x")
    put("too_many", "GET a b", "SELECT 0 1 2")
    put("every_second", "MSET a 1 b 2 c 3", "MSET a 1 b", "MSETNX a 1")
    put("to_the_end", "DEL a b c", "MGET a", "EXISTS a a a", "UNLINK k", "TOUCH")
    put("count_huge", "EVAL x 2147483647", "EVAL x 9223372036854775807 a", "EVALSHA x 18446744073709551615 a")
    put("count_negative", "EVAL x -1 a", "EVAL x -2147483648", "FCALL f -9223372036854775808 k")
    put("count_no_number", "EVAL x y z", "EVAL x 1.0 k", "EVAL x 01 k", "EVAL x +1 k", 'EVAL x "" k')
    put("count_fits", "EVAL x 2 a b", "EVAL x 2 a", "EVAL x 0", "EVAL x 0 a", "EVAL_RO x 1 k arg")
    put("count_later", "ZUNIONSTORE d 2 a b WEIGHTS 1 2", "ZINTER 3 a b", "SINTERCARD 1 k LIMIT 0", "LMPOP 1 k LEFT",
        "BLMPOP 0 2 a b LEFT", "ZMPOP 99999999999 k MIN")
    put("keyword", "XREAD COUNT 2 STREAMS a b 0 0", "XREAD STREAMS a b c 0 0", "XREAD STREAMS", "XREADGROUP GROUP g c STREAMS a >",
        "MIGRATE h 1 '' 0 10 KEYS a b", "MIGRATE h 1 k 0 10 KEYS", "SORT k BY x STORE d", "GEORADIUS k 1 2 3 m STORE d")
    put("containers", "OBJECT ENCODING k", "OBJECT", "MEMORY USAGE k", "CONFIG GET x", "XINFO STREAM s", "CLUSTER KEYSLOT k")
    put("itself", "COMMAND GETKEYS COMMAND GETKEYS GET k", "COMMAND GETKEYS EVAL x 2147483647", "COMMAND")
    put("unknown", "NOSUCH a b", "'' a", "GET|x k", "'config|get' a", "\\x00\\xff k")
    put("no_keys", "PING", "MULTI", "INFO server", "SHUTDOWN NOSAVE", "DEBUG SLEEP 0")
    put("quoted", '"GET" "a\\x00b"', "SET 'it\\'s' \"\\r\\n\"", "MGET '' '' ''")
    put("copy_rename", "COPY a b DB 1 REPLACE", "RENAME a b", "RENAMENX a b", "MOVE k 1", "LCS a b LEN")
    put("watch", "WATCH a b c", "UNWATCH", "SUBSCRIBE c", "SPUBLISH c m", "SSUBSCRIBE a b")
    put("long", "DEL " + " ".join(f"k{i}" for i in range(600)))


# --- Packets. A MEET is answered, so where they lead nobody listens: ports 7 and 9 of loopback.

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


PING, PONG, MEET, FAIL, PUBLISH, AUTH_REQUEST, AUTH_ACK, UPDATE, MFSTART, MODULE, SPUBLISH = range(11)
PRIMARY, REPLICA_FLAG, PFAIL, FAILED, NOADDR = 1, 2, 4, 8, 64


def slots(*ranges):
    bitmap = bytearray(2048)
    for first, last in ranges:
        for slot in range(first, last + 1):
            bitmap[slot // 8] |= 1 << slot % 8
    return bytes(bitmap)


def packet(kind=PING, sender=KNOWN, body=b"", count=0, extensions=0, epoch=4, config_epoch=2, offset=0, owned=None,
           replica_of="", ip="", port=7, bus_port=9, flags=PRIMARY, state=0, message_flags=4, mark=False,
           version=1, length=None, signature=b"RCmb"):
    owned = slots((8001, 16383)) if owned is None else owned
    total = 2256 + len(body) if length is None else length
    data = bytearray(struct.pack(">4sIHHHHQQQ40s2048s40s46sH30sHHHB3s", signature, total, version, port, kind, count, epoch,
                                 config_epoch, offset, sender.encode(), owned, replica_of.encode(), ip.encode(), extensions,
                                 b"", 0, bus_port, flags, state, bytes([message_flags, 0, 0])) + body)
    if mark:
        data[2216:2220] = b"SkCR"
        data[2220:2224] = struct.pack(">I", crc32c(data))
    return bytes(data)


def gossip(node, ip="127.0.0.1", port=7, bus_port=9, flags=PRIMARY, ping=0, pong=1700000000):
    return struct.pack(">40sII46sHHHHH", node.encode(), ping, pong, ip.encode(), port, bus_port, flags, 0, 0)


def extension(kind, value):
    value += b"\0" * (-len(value) % 8)
    return struct.pack(">IHH", 8 + len(value), kind, 0) + value


def recorded_packets():
    for line in RECORDED_PACKETS.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, *parts = line.split()
        data = b""
        for part in parts:
            digits, _, times = part.partition("*")
            data += bytes.fromhex(digits) * int(times or 1)
        yield name, data


def bus():
    put = lambda name, data: write("bus", name, data)
    for name, data in recorded_packets():
        put("redis_" + name, data)
    stranger = gossip("e" * 40)
    hostname = extension(0, b"host-b\0")
    forgotten = extension(2, REPLICA.encode() + struct.pack(">Q", 60))
    put("ping", packet())
    put("ping_marked", packet(mark=True))
    put("ping_gossip", packet(body=stranger + gossip(REPLICA, flags=REPLICA_FLAG | PFAIL), count=2, mark=True))
    put("ping_gossip_no_role", packet(body=gossip("e" * 40, flags=0) + gossip("f" * 40, flags=3), count=2))
    put("ping_gossip_bad_ip", packet(body=gossip("e" * 40, ip="1.2.3.4 x"), count=1))
    put("ping_gossip_ipv6", packet(body=gossip("e" * 40, ip="::1") + gossip("f" * 40, ip="1.2.3.4", bus_port=0), count=2))
    put("ping_gossip_own", packet(body=gossip(OWN, flags=PRIMARY | FAILED) + gossip(KNOWN, ip="127.0.0.9"), count=2))
    put("ping_gossip_none", packet(body=gossip("0" * 40), count=1))
    put("ping_count_too_great", packet(body=stranger, count=2))
    put("ping_count_too_small", packet(body=stranger * 2, count=1))
    put("ping_hostname", packet(body=hostname, extensions=1, mark=True))
    put("ping_hostname_empty", packet(body=extension(0, b"\0"), extensions=1))
    put("ping_hostname_bad", packet(body=extension(0, b"a b,c=d\n\0"), extensions=1))
    put("ping_hostname_open", packet(body=extension(0, b"x" * 16), extensions=1))
    put("ping_hostname_twice", packet(body=hostname + extension(0, b"other\0"), extensions=2))
    put("ping_forgotten", packet(body=stranger + hostname + forgotten, count=1, extensions=2, mark=True))
    put("ping_forgotten_own", packet(body=extension(2, OWN.encode() + b"\xff" * 8), extensions=1, mark=True))
    put("ping_forgotten_short", packet(body=extension(2, b"x" * 16), extensions=1))
    leaving = KNOWN.encode() + struct.pack(">B3xI3H2x", 0, 3, 1, 2, 16383)
    arriving = KNOWN.encode() + struct.pack(">B3xIH6x", 1, 1, 9)
    put("ping_open_slots", packet(body=extension(0x5301, leaving) + extension(0x5301, arriving), extensions=2, mark=True))
    put("ping_open_slots_none", packet(body=extension(0x5301, KNOWN.encode() + bytes(8)), extensions=1, mark=True))
    put("ping_open_slots_short", packet(body=extension(0x5301, arriving[:40]), extensions=1))
    put("ping_open_slots_beyond", packet(body=extension(0x5301, KNOWN.encode() + struct.pack(">B3xIH6x", 1, 1, 16384)), extensions=1))
    put("ping_open_slots_too_many", packet(body=extension(0x5301, KNOWN.encode() + struct.pack(">B3xI", 0, 0xffffffff)), extensions=1))
    put("ping_extension_unknown", packet(body=extension(7, b"later") + hostname, extensions=2))
    put("ping_extension_length_zero", packet(body=struct.pack(">IHH", 0, 0, 0), extensions=1))
    put("ping_extension_length_huge", packet(body=struct.pack(">IHH", 0xfffffff8, 0, 0), extensions=1))
    put("ping_extensions_too_many", packet(body=hostname, extensions=65535))
    put("ping_moved", packet(ip="127.0.0.9", port=1007, bus_port=1009))
    put("ping_became_replica", packet(flags=REPLICA_FLAG, replica_of=OWN, owned=slots((0, 8000))))
    put("ping_replica_of_itself", packet(flags=REPLICA_FLAG, replica_of=KNOWN))
    put("ping_replica_of_unknown", packet(sender=REPLICA, flags=REPLICA_FLAG, replica_of=UNKNOWN))
    put("ping_claims_all", packet(owned=b"\xff" * 2048, config_epoch=99, epoch=99, mark=True))
    put("ping_claims_none", packet(owned=slots()))
    put("ping_same_epoch", packet(config_epoch=1, owned=slots((0, 100), (16383, 16383))))
    put("ping_epoch_absurd", packet(epoch=1 << 57))
    put("ping_epoch_far", packet(epoch=1 << 40, config_epoch=1 << 40))
    put("ping_epoch_max", packet(epoch=(1 << 64) - 1))
    put("ping_offset_negative", packet(offset=1 << 63))
    put("ping_both_roles", packet(flags=3))
    put("ping_no_role", packet(flags=0))
    put("ping_all_flags", packet(flags=0xfffd))
    put("ping_no_bus_port", packet(bus_port=0))
    put("ping_sender_upper_case", packet(sender="B" * 40))
    put("ping_sender_none", packet(sender="0" * 40))
    put("ping_sender_itself", packet(sender=OWN))
    put("ping_stranger", packet(sender=UNKNOWN, body=stranger, count=1, epoch=1000, config_epoch=1000, owned=b"\xff" * 2048))
    put("ping_ip_not_ended", packet(ip="1" * 46))
    put("ping_ip_none", packet(ip="999.1.2.3"))
    put("ping_state", packet(state=7))
    put("ping_no_extensions_flag", packet(message_flags=0))
    put("pong", packet(kind=PONG, body=stranger, count=1))
    put("pong_stranger", packet(kind=PONG, sender=UNKNOWN))
    put("meet", packet(kind=MEET, sender=UNKNOWN))
    put("meet_known", packet(kind=MEET))
    put("meet_ip", packet(kind=MEET, sender=UNKNOWN, ip="127.1.2.3", body=stranger, count=1, mark=True))
    put("fail", packet(kind=FAIL, body=REPLICA.encode()))
    put("fail_own", packet(kind=FAIL, body=OWN.encode(), mark=True))
    put("fail_sender", packet(kind=FAIL, body=KNOWN.encode()))
    put("fail_unknown", packet(kind=FAIL, body=UNKNOWN.encode()))
    put("fail_short", packet(kind=FAIL, body=b"c" * 39))
    put("fail_no_id", packet(kind=FAIL, body=b"\n" * 40))
    put("update", packet(kind=UPDATE, body=struct.pack(">Q", 9) + KNOWN.encode() + b"\xff" * 2048, mark=True))
    put("update_replica", packet(kind=UPDATE, body=struct.pack(">Q", 9) + REPLICA.encode() + slots((0, 9000))))
    put("update_own", packet(kind=UPDATE, body=struct.pack(">Q", 9) + OWN.encode() + slots()))
    put("update_epoch_max", packet(kind=UPDATE, body=b"\xff" * 8 + KNOWN.encode() + slots()))
    put("update_short", packet(kind=UPDATE, body=struct.pack(">Q", 9) + KNOWN.encode()))
    put("vote_request", packet(kind=AUTH_REQUEST, sender=REPLICA, flags=REPLICA_FLAG, replica_of=KNOWN, epoch=5, config_epoch=2))
    put("vote_request_forced", packet(kind=AUTH_REQUEST, sender=REPLICA, flags=REPLICA_FLAG, replica_of=KNOWN, epoch=5,
                                      message_flags=6, mark=True))
    put("vote_request_stranger", packet(kind=AUTH_REQUEST, sender=UNKNOWN, flags=REPLICA_FLAG, replica_of=KNOWN, epoch=99))
    put("vote", packet(kind=AUTH_ACK, epoch=5))
    put("vote_with_body", packet(kind=AUTH_ACK, body=b"x"))
    put("manual_failover", packet(kind=MFSTART, sender=REPLICA, flags=REPLICA_FLAG, replica_of=OWN))
    put("publish", packet(kind=PUBLISH, body=struct.pack(">II", 7, 5) + b"channelhello", mark=True))
    put("publish_shard", packet(kind=SPUBLISH, body=struct.pack(">II", 1, 0) + b"c"))
    put("publish_lengths_wrap", packet(kind=PUBLISH, body=struct.pack(">II", 0xffffffff, 0x0000000d) + b"channelhello"))
    put("module", packet(kind=MODULE, body=struct.pack(">QIB", 1, 3, 0) + b"abc"))
    put("module_length", packet(kind=MODULE, body=struct.pack(">QIB", 1, 0xffffffff, 0)))
    put("type_unknown", packet(kind=11))
    put("version", packet(version=2))
    put("signature", packet(signature=b"RCmc"))
    put("length_zero", packet(length=0))
    put("length_huge", packet(length=0xffffffff))
    put("length_less_than_header", packet(length=2255))
    put("checksum_wrong", packet(mark=True)[:-1] + b"\x01")
    put("cut_head", packet()[:15])
    put("cut_slots", packet()[:1000])
    put("empty", b"")


# --- nodes.conf.

def nodes_conf():
    put = lambda name, *lines: write("nodes_conf", name, "".join(line + "\n" for line in lines))
    own = f"{OWN} 127.0.0.1:7000@17000 myself,master - 0 0 1 connected"
    other = f"{KNOWN} 127.0.0.1:7001@17001 master - 0 0 2 connected"
    replica = f"{REPLICA} 127.0.0.1:7002@17002 slave {KNOWN} 0 1700000000000 2 connected"
    variables = "vars currentEpoch 4 lastVoteEpoch 3"
    put("cluster", own + f" 0-5000 5002 [77->-{KNOWN}]", other + f" 5001 5003-16383", replica, variables)
    put("alone", own, "vars currentEpoch 0 lastVoteEpoch 0")
    put("no_vars", own)
    put("vars_first", variables, own)
    put("vars_twice", own, variables, variables)
    put("vars_unknown", own, "vars currentEpoch 4 later 7 lastVoteEpoch 3")
    put("vars_half", own, "vars currentEpoch")
    put("vars_vote_ahead", own, "vars currentEpoch 1 lastVoteEpoch 2")
    put("epoch_overflow", own, "vars currentEpoch 18446744073709551616 lastVoteEpoch 0")
    put("hostname", own.replace("17000", "17000,host-a.example.com"), other.replace("17001", "17001,host-b"))
    put("hostname_bad", own, other.replace("17001", "17001,a_b"))
    put("later_version", own.replace("17000", "17000,,tls-port=0,shard-id=" + "7" * 40), other, variables + " x 1")
    put("pairs_bad", own.replace("17000", "17000,,=x,"))
    put("before_4", own.replace("@17000", ""), other.replace("@17001", ""))
    put("ipv6", own.replace("127.0.0.1", "::1"), other.replace("127.0.0.1", "2001:db8::7"))
    put("ip_missing", own.replace("127.0.0.1", ""), other.replace("127.0.0.1:7001@17001 master", ":0@0 master,noaddr"))
    put("ip_bad", own.replace("127.0.0.1", "300.0.0.1"))
    write("nodes_conf", "ip_zero_byte", (own + "\n").encode().replace(b"127.0.0.1", b"127.0.0.1\0x"))
    put("port_bad", own.replace("7000@", "70000@"))
    put("flags", own, other.replace("master", "master,fail?,nofailover"), replica.replace("slave", "slave,fail,noaddr"))
    put("flags_none", own, other.replace("master", "noflags"))
    put("flags_both", own.replace("master", "master,slave"))
    put("flags_unknown", own.replace("master", "primary"))
    put("flags_handshake", own, other.replace("master", "handshake"))
    put("self_is_replica", own.replace("myself,master -", f"myself,slave {KNOWN}"), other + " 0-16383", variables)
    put("self_replica_failed", own.replace("myself,master -", f"myself,slave,fail {KNOWN}"), other)
    put("self_twice", own, own.replace("aaaa", "eeee"))
    put("self_missing", other)
    put("self_last", other + " 0-16383", replica, own)
    put("id_short", own[1:])
    put("id_upper_case", own.replace("aaaa", "AAAA"))
    put("id_twice", own, other, other)
    put("id_none", own, other.replace(KNOWN, "0" * 40))
    put("primary_unknown", own, replica)
    put("primary_of_a_primary", own, other.replace(" - ", f" {OWN} "))
    put("primary_itself", own, replica.replace(KNOWN, REPLICA))
    put("replica_of_replica", own, other, replica, replica.replace(KNOWN, "X").replace(REPLICA, "e" * 40).replace("X", REPLICA))
    put("replicas_in_a_circle", own, replica, other.replace("master -", f"slave {REPLICA}"))
    put("replicas_in_a_circle_of_epochs", own, replica, other.replace("master -", f"slave {REPLICA}").replace(" 2 ", " 2147483647 "))
    put("slots_of_replica", own, other, replica + " 5")
    put("slots_twice", own + " 0-10 5")
    put("slots_two_owners", own + " 0-10", other + " 10-20")
    put("slots_backwards", own + " 10-0")
    put("slots_beyond", own + " 0-16384")
    put("slots_single", own + " " + " ".join(str(slot) for slot in range(0, 60, 2)))
    put("open_unknown", own + f" 5 [5->-{UNKNOWN}]")
    put("open_both", own + f" 5 [5->-{KNOWN}] [6-<-{KNOWN}]", other + " 6")
    put("open_twice", own + f" 5 [5->-{KNOWN}] [5->-{REPLICA}]", other, replica)
    put("open_itself", own + f" 5 [5->-{OWN}] [6-<-{OWN}]")
    put("open_cut", own + f" 5 [5->-{KNOWN}", other)
    put("open_of_another", own, other + f" 6 [6->-{OWN}]")
    put("too_few_fields", OWN + " 127.0.0.1:7000@17000 myself,master - 0 0 1")
    put("link_word", own.replace("connected", "perhaps"))
    put("blank_lines", "", own, "   ", variables, "")
    write("nodes_conf", "not_ended", own)
    write("nodes_conf", "empty", "")
    write("nodes_conf", "carriage_returns", own + "\r\n")
    write("nodes_conf", "zero_bytes", b"\0" * 300)


# --- Configurations.

def config():
    put = lambda name, *lines: write("config", name, "".join(line + "\n" for line in lines))
    for path in sorted(CONFIGURATIONS.glob("*.conf")):
        write("config", path.name, path.read_bytes())
    put("numbers", "port 7000", "hz 10", "databases 16", "maxmemory 100mb", "tcp-backlog 0x10", "timeout -1")
    put("memory_units", "maxmemory 1gb", "repl-backlog-size 10k", "client-query-buffer-limit 1m", "proto-max-bulk-len 1GB")
    put("memory_overflow", "maxmemory 99999999999gb")
    put("edges", "port 65535", "slowlog-log-slower-than -1", "maxclients 4294967295", "cluster-node-timeout 9223372036854775807")
    put("bools", "appendonly no", "rdbcompression YES", "lazyfree-lazy-expire perhaps")
    put("enums", "loglevel notice", "maxmemory-policy allkeys-lru", "appendfsync everysec", "supervised auto")
    put("save_points", "save 3600 1 300 100", "save 60 10000")
    put("save_none", 'save ""', "save 1 1", 'save ""')
    put("save_odd", "save 3600")
    put("quoted", 'requirepass "a b\\x00\\xff\\n"', "masterauth 'it\\'s'", 'logfile ""')
    put("unbalanced", 'requirepass "half')
    put("comments", "# a comment", "  # another", "port 7000 # behind a value", 'requirepass "x # y" # z', "hz 10#11")
    put("unknown", "prot 7000")
    put("aliases", "slaveof 127.0.0.1 6380", "slave-priority 5", "min-slaves-to-write 1")
    put("client_limits", "client-output-buffer-limit normal 0 0 0", "client-output-buffer-limit replica 256mb 64mb 60",
        "client-output-buffer-limit pubsub 32mb 8mb 60 normal 1 1 1")
    put("bind", "bind 127.0.0.1 -::1", "bind *", 'bind ""')
    put("percentiles", "latency-tracking-info-percentiles 50 99 99.9", 'latency-tracking-info-percentiles ""')
    put("notify", "notify-keyspace-events KEA", 'notify-keyspace-events ""')
    put("oom", "oom-score-adj relative", "oom-score-adj-values 0 200 800", "oom-score-adj-values 9999 0 0")
    put("include_itself", "include fuzz.conf")
    put("include_pattern", "include /etc/*.conf", "port 1")
    put("include_missing", "include nosuch.conf")
    put("renamed", "rename-command CONFIG hidden", 'rename-command KEYS ""', "rename-command KEYS")
    put("user", "user default on nopass ~* &* +@all sanitize-payload", "user other on >x")
    put("modules", "loadmodule /x.so a b", "sentinel monitor a 127.0.0.1 6379 2")
    put("cluster", "cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 5000",
        "cluster-announce-hostname host-a", "cluster-preferred-endpoint-type hostname", "replicaof 127.0.0.1 1")
    put("tls", "tls-port 6380", "tls-cert-file x")
    put("title", 'proc-title-template "{title} {listen-addr} {server-mode}"', "proc-title-template {nope}")
    put("dir", "dir /tmp", "dbfilename dump.rdb", "dbfilename a/b", "unixsocketperm 777", "unixsocketperm 8")
    put("generated", "port 7000", "# Generated by CONFIG REWRITE", "hz 20", "save 60 1")
    put("repeated", "port 1", "port 2", "hz 11", "hz 12", "port 3")
    write("config", "carriage_returns", "port 7000\r\nhz 10\r\n")
    write("config", "zero_bytes", b"port 70\0\nrequirepass a\0b\n")
    write("config", "not_ended", "port 7000")
    write("config", "empty", "")


# --- Texts: a pattern or number, and behind a line's end what it is compared with.

def text():
    put = lambda name, first, second="": write("text", name, first + "\n" + second)
    put("literal", "hello", "hello")
    put("star", "h*o", "hello")
    put("stars", "a*" * 40 + "b", "a" * 80)
    put("question", "h?ll?", "hello")
    put("set", "h[ae]llo", "hallo")
    put("set_negated", "h[^e-g]llo", "hallo")
    put("set_backwards", "h[g-a]llo", "hbllo")
    put("set_open", "h[abc", "ha")
    put("set_escaped", "[\\]\\-a]*", "]-a")
    put("set_ends_in_range", "[a-", "a-")
    put("escape_last", "a\\", "a\\")
    put("escapes", "\\*\\?\\[", "*?[")
    put("words", "a 'b c' \"d\\x41\\n\" e")
    put("words_open", 'a "b')
    put("words_glued", '"a"b')
    put("words_bad_hex", '"\\x4" "\\xzz" \'\\x41\'')
    write("text", "words_binary", bytes(range(256)))
    for name, number in {"zero": "0", "minus_zero": "-0", "leading_zero": "01", "plus": "+1", "max": "9223372036854775807",
                         "over": "9223372036854775808", "min": "-9223372036854775808", "under": "-9223372036854775809",
                         "unsigned_max": "18446744073709551615", "float": "3.0e3", "float_tiny": "1e-5000", "infinity": "-inf",
                         "not_a_number": "nan", "hexadecimal": "0x1p-3", "float_huge": "1e4932", "blank": " 1"}.items():
        put("number_" + name, number)
    put("words_near", "maxmemory-polcy", "maxmemory-policy")


# --- RDB files, and single values as DUMP gives them.

def crc64(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x95AC9329AC4BC9B5 if crc & 1 else crc >> 1
    return crc


def with_sum(data):
    return data + struct.pack("<Q", crc64(data))


def rdb_string(text):
    text = text if isinstance(text, bytes) else text.encode()
    assert len(text) < 16384
    return (bytes([len(text)]) if len(text) < 64 else struct.pack(">H", 0x4000 | len(text))) + text


def rdb_key(key, value):
    return b"\0" + rdb_string(key) + (value if isinstance(value, bytes) else rdb_string(value))


LZF_OF_TEN_Z = b"\xc3\x05\x0a\x00z\xe0\x00\x00"


def rdb():
    def put(name, *records, header=b"REDIS0010", end=b"\xff"):
        write("rdb", name, with_sum(header + b"".join(records) + end))

    aux = lambda name, value: b"\xfa" + rdb_string(name) + rdb_string(value)
    put("empty")
    put("one_key", rdb_key("key", "value"))
    put("many_keys", b"\xfe\0\xfb\x40\x64\0", *[rdb_key(f"key:{i}", f"value {i * i}") for i in range(100)])
    put("integers", *[rdb_key(f"i{i}", coded) for i, coded in enumerate(
        [b"\xc0\x05", b"\xc0\xff", b"\xc1\x00\x80", b"\xc2\xff\xff\xff\x7f", rdb_string("9223372036854775807")])])
    put("integer_key", b"\0\xc0\x7b" + rdb_string("v"))
    put("packed", rdb_key("packed", LZF_OF_TEN_Z), b"\0" + LZF_OF_TEN_Z + rdb_string("packed key"))
    put("packed_beyond", rdb_key("k", b"\xc3\x05\x0a\x00z\xe0\x00\x05"))
    put("packed_bomb", rdb_key("k", b"\xc3\x02\x80\x10\0\0\0zz"))
    put("length_forms", rdb_key("a", b"\x40\x01x"), rdb_key("b", b"\x80\0\0\0\x01x"),
        rdb_key("c", b"\x81\0\0\0\0\0\0\0\x01x"))
    put("length_endless", rdb_key("k", b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff"))
    put("expiry", b"\xfc" + struct.pack("<q", 4102444800000) + rdb_key("ms", "v"),
        b"\xfd" + struct.pack("<i", 2000000000) + rdb_key("s", "v"), b"\xfc" + struct.pack("<q", 5) + rdb_key("gone", "v"),
        b"\xfc" + struct.pack("<q", -1) + rdb_key("minus_one", "v"), b"\xfc" + struct.pack("<q", -2**63) + rdb_key("least", "v"))
    put("use", b"\xf8\x80\0\1\0\0" + rdb_key("idle", "v"), b"\xf9\xff" + rdb_key("frequency", "v"))
    put("databases", rdb_key("a", "0"), b"\xfe\x03\xfb\x01\0", rdb_key("a", "3"), b"\xfe\x01", rdb_key("a", "1"))
    put("database_too_high", b"\xfe\x40\xff", rdb_key("a", "0"))
    put("announced_endless", b"\xfb\x81" + b"\x7f" * 8 + b"\x05", rdb_key("k", "v"))
    put("aux", aux("redis-ver", "7.0.15"), aux("repl-id", "a" * 40), aux("repl-offset", "123"), aux("repl-stream-db", "2"),
        aux("ctime", "1700000000"), aux("used-mem", "1"), aux("aof-base", "1"), aux("", ""), rdb_key("k", "v"))
    put("functions", b"\xf5" + rdb_string("#!lua name=a\nredis.register_function('f', function() end)"),
        b"\xf5" + rdb_string("#!lua name=b\n"))
    put("function_pre_release", b"\xf6" + rdb_string("a") + rdb_string("LUA") + b"\0" + rdb_string("code"))
    put("module_aux", b"\xf7\x81" + b"\x12" * 8 + b"\x02\x02\x00")
    put("slot_info", b"\xf4\x7f\xff\x01\0", rdb_key("k", "v"))
    put("key_twice", rdb_key("a", "1"), rdb_key("b", "2"), rdb_key("a", "3"))
    put("list", rdb_key("a", "1"), b"\x12" + rdb_string("list") + b"\x01\x02" + rdb_string("x"))
    put("unknown_type", b"\x16" + rdb_string("hash") + b"\x01")
    put("bytes_behind", rdb_key("a", "1"), end=b"\xff" + b"\0" * 9)
    put("version_1", rdb_key("a", "1"), header=b"REDIS0001")
    write("rdb", "version_4", b"REDIS0004" + rdb_key("a", "1") + b"\xff")
    put("version_11", rdb_key("a", "1"), header=b"REDIS0011")
    put("version_12", rdb_key("a", "1"), header=b"REDIS0012")
    put("version_valkey", rdb_key("a", "1"), header=b"VALKEY080")
    write("rdb", "no_sum", b"REDIS0010" + rdb_key("a", "1") + b"\xff" + bytes(8))
    write("rdb", "wrong_sum", b"REDIS0010" + rdb_key("a", "1") + b"\xff" + b"12345678")
    write("rdb", "cut", b"REDIS0010" + rdb_key("key", "a value that is cut")[:-3])


def restore():
    def put(name, body, version=10):
        write("restore", name, with_sum(body + struct.pack("<H", version)))

    put("short", b"\0" + rdb_string("v"))
    put("empty", b"\0" + rdb_string(""))
    put("long", b"\0" + rdb_string("long " * 100))
    put("integer", b"\0\xc0\x05")
    put("integer_16", b"\0\xc1\x00\x80")
    put("integer_32", b"\0\xc2\xff\xff\xff\x7f")
    put("integer_as_text", b"\0" + rdb_string("9223372036854775807"))
    put("packed", b"\0" + LZF_OF_TEN_Z)
    put("packed_beyond", b"\0\xc3\x05\x0a\x00z\xe0\x00\x05")
    put("packed_bomb", b"\0\xc3\x02\x80\x10\0\0\0zz")
    put("length_32", b"\0\x80\0\0\0\x01x")
    put("length_endless", b"\0\x81" + b"\xff" * 8)
    put("nothing", b"")
    put("no_value", b"\0")
    put("more_behind", b"\0" + rdb_string("v") + b"x")
    put("list", b"\x12\x01\x02" + rdb_string("x"))
    put("no_type", b"\xfe\x01x")
    put("version_0", b"\0" + rdb_string("v"), 0)
    put("version_11", b"\0" + rdb_string("v"), 11)
    put("version_80", b"\0" + rdb_string("v"), 80)
    write("restore", "footer_cut", b"\0\1v\x0a")


# A replica's view of its primary: with a password set here, so that AUTH is answered first.

def psync():
    greeting = b"+PONG\r\n+OK\r\n+OK\r\n+OK\r\n"
    no_password = b"+PONG\r\n-ERR AUTH <password> called without any password configured\r\n+OK\r\n+OK\r\n"
    full = b"+FULLRESYNC " + b"b" * 40 + b" 1234\r\n"
    mark = b"0123456789abcdef0123456789abcdef01234567"
    data = with_sum(b"REDIS0010" + rdb_key("key", "value") + b"\xff")
    stream = request("SELECT", "0") + request("SET", "a", "1") + request("PING") + request("REPLCONF", "GETACK", "*")
    counted = b"$%d\r\n" % len(data) + data
    put = lambda name, data: write("psync", name, data)
    put("counted", greeting + full + counted + stream)
    put("marked", greeting + full + b"$EOF:" + mark + b"\r\n" + data + mark + stream)
    put("marked_half_before", greeting + full + b"$EOF:" + mark + b"\r\n" + data + mark[:39] + mark)
    put("keep_alives", b"\n".join([b"", greeting, b"", full, b"", b"", counted + stream]))
    put("continue", greeting + b"+CONTINUE\r\n" + stream)
    put("continue_renamed", no_password + b"+CONTINUE " + b"b" * 40 + b"\r\n" + stream)
    put("group", greeting + b"+CONTINUE\r\n" + request("MULTI") + request("SET", "a", "1") + request("EXEC"))
    put("stream_damaged", greeting + b"+CONTINUE\r\n" + request("SET", "a", "1") + b"*2\r\n$x\r\n")
    put("stream_inline", greeting + b"+CONTINUE\r\nSET a 1\r\n")
    put("stream_empty_lines", greeting + b"+CONTINUE\r\n\r\n\n*0\r\n" + stream)
    put("only_sync", greeting + b"-ERR unknown command 'PSYNC'\r\n" + counted + stream)
    put("later", greeting + b"-LOADING Redis is loading the dataset in memory\r\n")
    put("not_allowed", greeting + b"-NOPERM no\r\n")
    put("wrong_password", b"+PONG\r\n-WRONGPASS invalid username-password pair\r\n")
    put("protected", b"-DENIED Redis is running in protected mode\r\n")
    put("wrong_sum", greeting + full + b"$%d\r\n" % len(data) + data[:-1] + b"\0" + stream)
    put("bytes_behind", greeting + full + b"$%d\r\n" % (len(data) + 1) + data + b"x")
    put("cut", greeting + full + counted[:-12])
    put("length_endless", greeting + full + b"$99999999999999999999\r\n" + data)
    put("length_absurd", greeting + full + b"$9000000000000000000\r\n" + data)
    put("offset_endless", greeting + b"+FULLRESYNC " + b"b" * 40 + b" 99999999999999999999\r\n")
    put("offset_last", greeting + b"+FULLRESYNC " + b"b" * 40 + b" 9223372036854775807\r\n" + counted + stream)
    put("line_endless", greeting + b"+" * 5000)


if __name__ == "__main__":
    for corpus in (resp, keys, bus, nodes_conf, config, text, rdb, restore, psync):
        corpus()
