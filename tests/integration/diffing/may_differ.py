"""The one list of what may differ between Skein's replies and redis-server's.

Replies are compared as bytes. Only where they are not equal is a row looked up here, by the
command's first word or two, and its comparison asked about the parsed replies. Errors are
never looked up: they are equal to the byte or wrong.
"""

MAY_DIFFER = {
    # command: how it is compared instead
    "CLIENT ID": "same_kind",                    # ids count what each server has opened before
    "CLIENT INFO": "client_lines",               # ids, addresses, ages, buffer sizes
    "CLIENT LIST": "client_lines",               # and their order, which redis turns round over time
    "CLUSTER GETKEYSINSLOT": "same_set",         # order of keys
    "CLUSTER HELP": "help_text",                 # HELP is in our own words
    "CLUSTER INFO": "cluster_info",              # message counters; state while it settles
    "CLUSTER MYID": "same_shape",                # node ids are random
    "CLUSTER NODES": "cluster_nodes",            # ids, ports, times; marks of slots that are gone
    "CLUSTER SHARDS": "cluster_map",
    "CLUSTER SLOTS": "cluster_map",
    "CLIENT HELP": "help_text",
    "COMMAND": "command_table",                  # commands of later milestones; order
    "COMMAND COUNT": "same_kind",
    "COMMAND DOCS": "command_docs",              # summaries are in our own words
    "COMMAND HELP": "help_text",
    "COMMAND INFO": "command_table",
    "COMMAND LIST": "subset_of_reference",
    "CONFIG GET": "config_map",                  # order; ports, folders, paths
    "CONFIG HELP": "help_text",
    "DEBUG HELP": "help_text",
    "DEBUG OBJECT": "debug_object",              # pointers, who shares it, LRU clocks, length in an RDB file
    "DUMP": "same_kind",                         # what LZF finds depends on what it packed before
    "EXPIRETIME": "near_seconds",
    "HELLO": "hello_map",                        # connection id
    "INFO": "info_names",                        # values; Skein may have more fields
    "KEYS": "same_set",
    "OBJECT HELP": "help_text",
    "OBJECT IDLETIME": "same_kind",              # small numbers share one object, and its time, in redis
    "OBJECT REFCOUNT": "shared_by_exec",         # inside EXEC redis's queued SET still holds what it has set
    "PEXPIRETIME": "near_milliseconds",
    "PTTL": "near_milliseconds",
    "RANDOMKEY": "same_kind",                    # the driver checks that the key exists
    "SCAN": "scan_reply",                        # order of keys
    "TIME": "same_kind",
    "TTL": "near_seconds",
}

# Values of CONFIG GET that say where a server runs, not how it behaves.
PLACES = {b"port", b"dir", b"bind", b"logfile", b"pidfile", b"unixsocket", b"cluster-config-file", b"maxclients"}
# Fields of a CLIENT LIST line that depend on the moment or the allocator.
CLIENT_FIELDS = {"id", "addr", "laddr", "fd", "age", "idle", "qbuf", "qbuf-free", "argv-mem", "multi-mem", "rbs",
                 "rbp", "obl", "oll", "omem", "tot-mem"}


def may_differ(words, ours, theirs):
    """Whether two different parsed replies to the command `words` mean the same."""
    names = [word.decode("latin1").upper() for word in words[:2]]
    rule = MAY_DIFFER.get(" ".join(names)) or MAY_DIFFER.get(names[0] if names else "")
    if not rule or "-" in (ours[0], theirs[0]):
        return False
    try:
        return RULES[rule](ours, theirs)
    except (TypeError, ValueError, AttributeError, IndexError):
        return False


def same_kind(ours, theirs):
    return ours[0] == theirs[0] and (ours[1] is None) == (theirs[1] is None)


def shared_by_exec(ours, theirs):
    return ours == (":", 1) and theirs == (":", 2)


def same_shape(ours, theirs):
    """Same kinds all the way down, and strings of the same length."""
    if not same_kind(ours, theirs):
        return False
    if isinstance(ours[1], list):
        return len(ours[1]) == len(theirs[1]) and all(map(same_shape, ours[1], theirs[1]))
    return not isinstance(ours[1], bytes) or len(ours[1]) == len(theirs[1])


def same_set(ours, theirs):
    return ours[0] == theirs[0] and sorted(ours[1]) == sorted(theirs[1])


def scan_reply(ours, theirs):
    return ours[1][0] == theirs[1][0] and same_set(ours[1][1], theirs[1][1])


# What redis-server does not have.
OWN_COMMANDS = {b"cluster|doctor"}


def subset_of_reference(ours, theirs):
    return ours[0] == theirs[0] and {item for item in ours[1] if item[1] not in OWN_COMMANDS} <= set(theirs[1])


def near_seconds(ours, theirs):
    return ours[0] == theirs[0] == ":" and min(ours[1], theirs[1]) >= 0 and abs(ours[1] - theirs[1]) <= 3


def near_milliseconds(ours, theirs):
    return ours[0] == theirs[0] == ":" and min(ours[1], theirs[1]) >= 0 and abs(ours[1] - theirs[1]) <= 3000


def help_text(ours, theirs):
    lines = ours[1]
    return ours[0] == theirs[0] == "*" and len(lines) > 2 and all(kind == "+" for kind, _ in lines)


def client_lines(ours, theirs):
    def blanked(reply):
        lines = []
        for line in reply[1].decode().splitlines():
            pairs = [pair.partition("=") for pair in line.removeprefix("txt:").split(" ")]
            lines.append([(name, "" if name in CLIENT_FIELDS else value) for name, _, value in pairs])
        return reply[0], sorted(lines)

    return blanked(ours) == blanked(theirs)


def as_pairs(reply):
    return list(zip(reply[1][0::2], reply[1][1::2]))


def config_map(ours, theirs):
    def meaning(reply):
        return {name[1]: b"" if name[1] in PLACES else value[1] for name, value in as_pairs(reply)}

    mine = meaning(ours)
    return ours[0] == theirs[0] and {name: mine.get(name) for name in meaning(theirs)} == meaning(theirs)


def hello_map(ours, theirs):
    def meaning(reply):
        return [(name, "" if name[1] == b"id" else value) for name, value in as_pairs(reply)]

    return ours[0] == theirs[0] and meaning(ours) == meaning(theirs)


def info_names(ours, theirs):
    def names(reply):
        return {line.split(":")[0] for line in reply[1].decode().removeprefix("txt:").splitlines()
                if not line.startswith(("cmdstat_", "errorstat_", "latency_percentiles_"))}

    return ours[0] == theirs[0] and names(theirs) <= names(ours)


def debug_object(ours, theirs):
    def fields(reply):
        return [word for word in reply[1].split() if not word.startswith((b"at:", b"lru:", b"lru_seconds_idle:",
                                                                           b"refcount:", b"serializedlength:"))]

    return ours[0] == theirs[0] and fields(ours) == fields(theirs)


def command_rows(reply):
    """By name: the row of COMMAND INFO, its subcommands by name in turn."""
    return {row[1][0][1]: [*row[1][:9], command_rows(row[1][9])] for row in reply[1] if row[1] is not None}


def same_rows(mine, reference):
    """What there is has to be equal; commands and subcommands of later milestones may be missing."""
    return all(name in reference and row[:9] == reference[name][:9] and same_rows(row[9], reference[name][9])
               for name, row in mine.items() if name not in OWN_COMMANDS)


def command_table(ours, theirs):
    return ours[0] == theirs[0] and same_rows(command_rows(ours), command_rows(theirs))


def command_docs(ours, theirs):
    """The documentation's structure, without its prose."""
    def docs_by_name(reply):
        return {name[1]: structure(entry) for name, entry in as_pairs(reply)}

    def structure(entry):
        fields = {field[1]: value for field, value in as_pairs(entry)
                  if field[1] not in (b"summary", b"complexity")}
        if b"history" in fields:
            fields[b"history"] = [change[1][0] for change in fields[b"history"][1]]
        if b"subcommands" in fields:
            fields[b"subcommands"] = docs_by_name(fields[b"subcommands"])
        return fields

    def same_docs(mine, reference):
        for name, fields in mine.items():
            if name in OWN_COMMANDS:
                continue
            others = dict(reference.get(name, {}))
            fields = dict(fields)
            if not same_docs(fields.pop(b"subcommands", {}), others.pop(b"subcommands", {})) or fields != others:
                return False
        return True

    return ours[0] == theirs[0] and same_docs(docs_by_name(ours), docs_by_name(theirs))


def cluster_info(ours, theirs):
    def meaning(reply):
        lines = reply[1].decode().removeprefix("txt:").split("\r\n")
        return [line for line in lines if not line.startswith(("cluster_stats", "cluster_state:"))]

    return ours[0] == theirs[0] and meaning(ours) == meaning(theirs)


def cluster_nodes(ours, theirs):
    def meaning(reply):
        text = reply[1].decode().removeprefix("txt:")
        # Of a slot that was taken away meanwhile redis still says where it was going, even when it
        # comes in again.
        rows = [line.split(" ") for line in text.splitlines()]
        return [[row[2], *(word for word in row[6:] if not word.startswith("["))] for row in rows]

    return ours[0] == theirs[0] and meaning(ours) == meaning(theirs)


def cluster_map(ours, theirs):
    """CLUSTER SLOTS and SHARDS without ids, and without the numbers behind a name: ports, offsets."""
    def blanked(reply, after_name=False):
        kind, payload = reply
        if isinstance(payload, list):
            named = [False] + [not isinstance(item[1], (int, list)) for item in payload[:-1]]
            return kind, list(map(blanked, payload, named))
        if isinstance(payload, bytes) and len(payload) == 40:
            return kind, "id"
        return (kind, "place") if isinstance(payload, int) and after_name else reply

    return blanked(ours) == blanked(theirs)


RULES = {name: globals()[name] for name in set(MAY_DIFFER.values())}
