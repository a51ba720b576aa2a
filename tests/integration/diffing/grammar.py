"""A small language for random commands.

A command is a row of parts; a part is a literal word, or a function that takes the random source
and gives a list of words. Words are bytes, or PerServer where each server needs its own.
"""

KEYS = [b"a", b"b", b"c", b"{t}1", b"{t}2", b"{t}3", b"{u}1", b"key:1", b"key:2", b"counter", b"float", b"x" * 200,
        b"bin\x00\r\n\xff", b"", b"with space", b"*star[1]?"]
# Half of all commands stay with few keys, so that they meet.
BUSY_KEYS = KEYS[:5]
INTEGERS = [b"0", b"1", b"-1", b"2", b"10", b"100", b"-100", b"12345", b"9223372036854775807", b"-9223372036854775808",
            b"9223372036854775806", b"4294967296", b"2147483647", b"-2147483648"]
FLOATS = [b"0.1", b"-0.1", b"3.0e3", b"1e308", b"-1e308", b"1e-17", b"123456789.123456789", b"0", b"1", b"5e-324",
          b"99999999999999999999", b"0.30000000000000004"]
NOT_NUMBERS = [b"", b"abc", b" 1", b"1 ", b"+1", b"01", b"-0", b"1.0", b"1e3", b"0x10", b"nan", b"inf", b"-inf",
               b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1e400", b"1\x00", b"\xff"]
# Never a small positive number: a key that expires while the servers answer would be a race.
LIFETIMES = [b"300000", b"100000", b"5000000", b"200000", b"0", b"-1", b"-1000", b"9223372036854775807",
             b"9223372036854775", b"9223372036854776", b"-9223372036854775808", b"4294967296"]
MOMENTS = [b"1", b"1000000000", b"33177117420", b"33177117420000", b"9999999999999", b"0", b"-1",
           b"9223372036854775807", b"9223372036854775"]
BINARY = bytes(range(256))


class PerServer:
    """A word each server needs its own of: `render` takes the server's index, 0 or 1."""

    def __init__(self, label, render):
        self.label = label
        self.render = render

    def __repr__(self):
        return f"<{self.label}>"


def key(random):
    return [random.choice(BUSY_KEYS if random.random() < 0.6 else KEYS)]


def integer(random):
    return [random.choice(INTEGERS if random.random() < 0.9 else NOT_NUMBERS)]


def small(random):
    return [str(random.randint(-12, 30)).encode()]


def floating(random):
    return [random.choice(random.choice([FLOATS, FLOATS, INTEGERS, NOT_NUMBERS]))]


def lifetime(random):
    return [random.choice(LIFETIMES if random.random() < 0.9 else NOT_NUMBERS)]


def moment(random):
    return [random.choice(MOMENTS if random.random() < 0.9 else NOT_NUMBERS)]


def value(random):
    form = random.random()
    if form < 0.3:
        return [random.choice(INTEGERS)]
    if form < 0.4:
        return [random.choice(FLOATS)]
    if form < 0.5:
        return [random.choice(NOT_NUMBERS)]
    if form < 0.6:
        return [BINARY[random.randrange(256):]]
    if form < 0.62:
        return [random.randbytes(8) * random.choice([2000, 4096, 9000])]
    return [bytes(random.choices(b"abcABC \r\n\x00\xff0", k=random.choice([1, 3, 16, 43, 44, 45, 64, 100])))]


def pattern(random):
    return [random.choice([b"*", b"?", b"a", b"[ab]", b"[^a]", b"{t}*", b"*1", b"key:?", b"\\*star*", b"[a-c]", b"[",
                           b"nosuch*", b"", b"**?*", b"[b-a]", b"x*x"])]


def one(*parts):
    """One of the parts."""
    return lambda random: expand([random.choice(parts)], random)


def maybe(chance, *parts):
    return lambda random: expand(parts, random) if random.random() < chance else []


def many(least, most, *parts):
    return lambda random: [word for _ in range(random.randint(least, most)) for word in expand(parts, random)]


def some(*parts):
    """Up to three of the parts, in any order, now and then the same twice."""
    return lambda random: [word for part in random.choices(parts, k=random.choice([0, 0, 1, 1, 1, 2, 2, 3]))
                           for word in expand([part], random)]


def words(*parts):
    return lambda random: expand(parts, random)


def any_case(word, random):
    form = random.random()
    if form < 0.7:
        return word
    if form < 0.85:
        return word.lower()
    return bytes(random.choice((letter, letter ^ 0x20)) if chr(letter).isalpha() else letter for letter in word)


def expand(parts, random):
    result = []
    for part in parts:
        if isinstance(part, str):
            result.append(any_case(part.encode(), random))
        elif isinstance(part, (bytes, PerServer)):
            result.append(part)
        else:
            result += part(random)
    return result


def disturb(command, random):
    """Now and then: a word too few, one too many, or one that does not belong."""
    form = random.random()
    if form < 0.03 and len(command) > 1:
        del command[random.randrange(1, len(command))]
    elif form < 0.05:
        command.insert(random.randint(1, len(command)), random.choice(NOT_NUMBERS + KEYS))
    elif form < 0.07 and len(command) > 1:
        command[random.randrange(1, len(command))] = random.choice(NOT_NUMBERS)
    return command
