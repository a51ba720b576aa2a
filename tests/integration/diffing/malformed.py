"""Requests that break the protocol, and some that only look as if they did."""

from .grammar import NOT_NUMBERS

GOOD = [
    b"PING\r\n", b"*1\r\n$4\r\nPING\r\n", b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n", b"ECHO hi\n", b"\r\n", b"*0\r\n",
    b"*-1\r\n", b'ECHO "a b"\r\n', b"ECHO 'it\\'s'\r\n", b'ECHO "\\x41\\n\\t\\\\"\r\n', b"   PING   \r\n",
    b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n", b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b'ECHO ""\r\n', b"PiNg\r\n",
    b"HELLO 3\r\n", b"PING\n\n\nPING\n", b"SET a 'x y'\r\n", b"*1\r\n$4\r\nQUIT\r\n", b"RESET\r\n",
    b"*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n", b"MULTI\r\n", b"EXEC\r\n",
]
BAD = [
    b"*abc\r\n", b"*2147483648\r\n", b"*9223372036854775808\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$abc\r\n",
    b"*1\r\n$536870913\r\n", b"*1\r\n$2147483648\r\nPING\r\n", b"*1\r\n+PING\r\n", b"*1\r\nPING\r\n", b"*1\r\n:1\r\n",
    b"*1\r\n$ 4\r\nPING\r\n", b"* 1\r\n$4\r\nPING\r\n", b"*+1\r\n", b"*01\r\n$4\r\nPING\r\n", b"*1\r\n$04\r\nPING\r\n",
    b'ECHO "unbalanced\r\n', b"ECHO 'x\r\n", b'ECHO "a"b\r\n', b"\x00\r\n", b"\x00PING\r\n", b"*1\n$4\nPING\n",
    b"*1\r\n$4\r\nPINGxx", b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", b"$4\r\nPING\r\n", b"*1\r\n\r\n",
    b"*1\r\n$\r\n", b"*\r\n", b"*1\r\n$4\r", b"*11\r\n$4\r\nPING\r\n", b"*1\r\n$16385\r\n",
    b"PING\r", b"*1\r\n*1\r\n$4\r\nPING\r\n", b"*-5\r\nPING\r\n", b"%1\r\n", b"*1.0\r\n",
    b"ECHO " + b"y" * 60000 + b"\r\n",
    b"*1048577\r\n", b"*1\r\n$4\r\nPI\x00G\r\n", b"\xff\xfe\r\n", b"*2\r\n$4\r\nECHO\r\n$-5\r\n", b'"\r\n', b"''\r\n",
]
# Lines longer than any may be, and nothing behind them: whether a server has the line's end when
# it loses patience is chance.
TOO_LONG = [b"x" * 70000, b"*" + b"1" * 70000, b"*1\r\n$" + b"1" * 70000]
# A browser led here is cut off without an answer. What was answered before it in the same read
# is lost with it, or not, so these stand alone.
ALONE = [b"POST / HTTP/1.1\r\n\r\n", b"Host: example\r\n", b"post /\r\n", b"*1\r\n$4\r\nPOST\r\n"]


def malformed(random):
    """One to six pieces, sometimes with a byte changed, lost or doubled."""
    if random.random() < 0.03:
        return random.choice(ALONE)
    pieces = [random.choice(GOOD if random.random() < 0.7 else BAD) for _ in range(random.randint(1, 6))]
    data = bytearray(b"".join(pieces))
    if random.random() < 0.04:
        return bytes(data) + random.choice(TOO_LONG)
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        place = random.randrange(len(data))
        form = random.random()
        if form < 0.4:
            data[place] = random.choice(b"\x00\r\n*$0123456789-+abc \xff")
        elif form < 0.7:
            del data[place]
            if not data:
                return b"*"
        else:
            data[place:place] = random.choice(NOT_NUMBERS)
    return bytes(data)


def cut_up(data, random):
    """The same bytes in a few sends."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice([0, 0, 1, 3])))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)]) if start < end]
