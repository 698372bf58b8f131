"""Values of `price-updates` and `dead-letters`, good and bad, as bytes: what a codec meets in the wild."""

from __future__ import annotations

GOOD = (
    b'{"symbol":"AAPL","interval":"1d","ts":"2020-01-02T00:00:00Z","open":1.5,"high":2.0,"low":1.0,'
    b'"close":1.7,"volume":1000.0,"fetched_at":"2024-01-01T08:30:00.123456Z","source":"file"}'
)


def with_ts(text: bytes) -> bytes:
    """GOOD with another `ts`, quotes included."""
    return GOOD.replace(b'"2020-01-02T00:00:00Z"', text)


def with_close(number: bytes) -> bytes:
    """GOOD with another `close`."""
    return GOOD.replace(b"1.7", number)


def with_symbol(text: bytes) -> bytes:
    """GOOD with another `symbol`, without quotes."""
    return GOOD.replace(b"AAPL", text)


def with_source(text: bytes) -> bytes:
    """GOOD with another `source`, without quotes."""
    return GOOD.replace(b'"file"', b'"' + text + b'"')


def with_field(field: bytes) -> bytes:
    """GOOD with a further `"name":value` at its end."""
    return GOOD[:-1] + b"," + field + b"}"


ACCEPTED: dict[str, bytes] = {
    "good": GOOD,
    "whitespace": b" \n" + GOOD.replace(b'":', b'" :\t') + b"\r\n",
    "integers for numbers": with_close(b"2"),
    "exponent": with_close(b"1.7E+0"),
    "integer beyond 53 bits": GOOD.replace(b"1000.0", b"123456789012345679"),
    "many digits": with_close(b"1." + b"7" * 400),
    "least price": with_close(b"1e-12"),
    "negative zero volume": GOOD.replace(b"1000.0", b"-0.0"),
    "optional null": with_field(b'"split_ratio":null'),
    "optional given": with_field(b'"split_ratio":0.1,"source_reason":"yahoo: rate limited"'),
    "escaped key": GOOD.replace(b'"symbol"', b'"\\u0073ymbol"'),
    "escaped value": with_symbol(b"\\u0041APL"),
    "escaped literal": GOOD.replace(b'"1d"', b'"\\u0031d"'),
    "unknown field": with_field(b'"exchange":"XNAS"'),
    "unknown nested field": with_field(b'"more":{"a":[1,{"b":null}]}'),
    "unknown NaN": with_field(b'"more":NaN'),
    "unknown nesting of 150": with_field(b'"more":' + b"[" * 150 + b"]" * 150),
    "duplicate key, last good": with_field(b'"close":2.5'),
    "duplicate key, first bad": b'{"close":"x",' + GOOD[1:],
    "offset": with_ts(b'"2020-01-02T05:30:00+05:30"'),
    "offset that changes the day": with_ts(b'"2020-01-01T23:00:00-05:00"'),
    "offset zero": with_ts(b'"2020-01-02T00:00:00+00:00"'),
    "offset minus zero": with_ts(b'"2020-01-02T00:00:00-00:00"'),
    "lower case": with_ts(b'"2020-01-02t00:00:00z"'),
    "space for T": with_ts(b'"2020-01-02 00:00:00Z"'),
    "milliseconds": with_ts(b'"2020-01-02T00:00:00.5Z"'),
    "nanoseconds": with_ts(b'"2020-01-02T00:00:00.123456789Z"'),
    "nanoseconds, half": with_ts(b'"2020-01-02T00:00:00.1234565Z"'),
    "nanoseconds that carry over": with_ts(b'"2020-01-02T23:59:59.9999999Z"'),
    "first moment": with_ts(b'"1900-01-01T00:00:00Z"'),
    "last moment": with_ts(b'"2199-12-31T23:59:59.999999Z"'),
    "longest text": with_source("\U0001f600".encode() * 2000),
    "surrogate pair": with_source(b"\\ud83d\\ude00"),
    "trailing newline in text": with_source(b"a\\n"),
}

REFUSED: dict[str, bytes] = {
    "empty": b"",
    "garbage": bytes(range(256)),
    "null": b"null",
    "number": b"1",
    "list": b"[" + GOOD + b"]",
    "list of values": b'["AAPL","1d"]',
    "cut off": GOOD[:-2],
    "two objects": GOOD + GOOD,
    "trailing byte": GOOD + b"\x00",
    "trailing comma": GOOD[:-1] + b",}",
    "comment": b"/**/" + GOOD,
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "single quotes": GOOD.replace(b'"', b"'"),
    "deep nesting": b"[" * 1_000_000,
    "deep objects": b'{"a":' * 100_000,
    "deep nesting in an unknown field": with_field(b'"more":' + b"[" * 300 + b"]" * 300),
    "very deep nesting in an unknown field": with_field(b'"more":' + b"[" * 100_000 + b"]" * 100_000),
    "bad UTF-8 in an unknown field": with_field(b'"more":"\xff"'),
    "bad UTF-8 in an unknown key": with_field(b'"\xff":1'),
    "bad escape in an unknown field": with_field(b'"more":"\\q"'),
    "huge integer in an unknown field": with_field(b'"more":' + b"1" * 5000),
    "missing field": GOOD.replace(b'"close":1.7,', b""),
    "null field": with_close(b"null"),
    "duplicate key, last bad": with_field(b'"close":"x"'),
    "duplicate key, last null": with_field(b'"close":null'),
    "NaN": with_close(b"NaN"),
    "Infinity": with_close(b"Infinity"),
    "-Infinity": with_close(b"-Infinity"),
    "1e999": with_close(b"1e999"),
    "1e-400": with_close(b"1e-400"),
    "integer of 310 digits": with_close(b"1" * 310),
    "integer of 5000 digits": with_close(b"1" * 5000),
    "price beyond any market": with_close(b"1e13"),
    "zero price": with_close(b"0"),
    "negative price": with_close(b"-1.7"),
    "negative volume": GOOD.replace(b"1000.0", b"-1"),
    "string for a number": with_close(b'"1.7"'),
    "bool for a number": with_close(b"true"),
    "list for a number": with_close(b"[1.7]"),
    "number for a string": GOOD.replace(b'"file"', b"7"),
    "leading zero": with_close(b"01.7"),
    "leading plus": with_close(b"+1.7"),
    "no digit after the point": with_close(b"1."),
    "trailing newline in the symbol": with_symbol(b"AAPL\\n"),
    "lower-case symbol": with_symbol(b"aapl"),
    "empty symbol": with_symbol(b""),
    "long symbol": with_symbol(b"A" * 21),
    "Kelvin sign in the symbol": with_symbol("\u212a".encode()),
    "U+0000 in the symbol": with_symbol(b"A\\u0000"),
    "bad UTF-8 in the symbol": with_symbol(b"A\xff"),
    "U+0000 in text": with_source(b"a\\u0000b"),
    "raw U+0000 in text": with_source(b"a\x00b"),
    "raw tab in text": with_source(b"a\tb"),
    "text of 2001": with_source(b"a" * 2001),
    "text of 2001 emoji": with_source("\U0001f600".encode() * 2001),
    "lone surrogate": with_source(b"\\ud83d"),
    "lone trailing surrogate": with_source(b"\\ude00"),
    "reversed surrogates": with_source(b"\\ude00\\ud83d"),
    "surrogate as UTF-8": with_source(b"\xed\xa0\x80"),
    "overlong UTF-8": with_source(b"\xc0\x80"),
    "cut-off UTF-8": with_source(b"\xf0\x9f"),
    "unknown interval": GOOD.replace(b'"1d"', b'"2d"'),
    "number for an interval": GOOD.replace(b'"1d"', b"1"),
    "naive time": with_ts(b'"2020-01-02T00:00:00"'),
    "date alone": with_ts(b'"2020-01-02"'),
    "seconds since 1970": with_ts(b"1577923200"),
    "seconds since 1970 in a string": with_ts(b'"1577923200"'),
    "no seconds": with_ts(b'"2020-01-02T00:00Z"'),
    "week date": with_ts(b'"2020-W01-1T00:00:00Z"'),
    "comma for the point": with_ts(b'"2020-01-02T00:00:00,5Z"'),
    "leap second": with_ts(b'"2016-12-31T23:59:60Z"'),
    "hour 24": with_ts(b'"2020-01-02T24:00:00Z"'),
    "30 February": with_ts(b'"2020-02-30T00:00:00Z"'),
    "year 0": with_ts(b'"0000-01-01T00:00:00Z"'),
    "before the first moment": with_ts(b'"1900-01-01T00:00:00+01:00"'),
    "after the last moment": with_ts(b'"2199-12-31T23:59:59-01:00"'),
    "year 1": with_ts(b'"0001-01-01T00:00:00Z"'),
    "year 9999": with_ts(b'"9999-12-31T23:59:59Z"'),
    "before year 1 in UTC": with_ts(b'"0001-01-01T00:00:00+01:00"'),
    "after year 9999 in UTC": with_ts(b'"9999-12-31T23:59:59-01:00"'),
    "after year 9999 by rounding": with_ts(b'"9999-12-31T23:59:59.9999999Z"'),
    "offset of a day": with_ts(b'"2020-01-02T00:00:00+24:00"'),
}

GOOD_LETTER = (
    b'{"consumer":"c","error_class":"e","error_message":"m","topic":"t","partition":1,"offset":2,'
    b'"timestamp_ms":3,"headers":[{"name":"a","value_base64":"YQ=="}],"buried_at":"2024-01-01T00:00:00Z"}'
)


def with_partition(number: bytes) -> bytes:
    """GOOD_LETTER with another `partition`."""
    return GOOD_LETTER.replace(b'"partition":1', b'"partition":' + number)


def with_headers(value: bytes) -> bytes:
    """GOOD_LETTER with other `headers`."""
    return GOOD_LETTER.replace(b'[{"name":"a","value_base64":"YQ=="}]', value)


LETTERS_ACCEPTED: dict[str, bytes] = {
    "good": GOOD_LETTER,
    "no header": with_headers(b"[]"),
    "unknown field of a header": with_headers(b'[{"name":"a","value_base64":"","more":1}]'),
    "minus zero": with_partition(b"-0"),
    "beyond 64 bits": with_partition(b"18446744073709551616"),
}

LETTERS_REFUSED: dict[str, bytes] = {
    "float for an integer": with_partition(b"1.0"),
    "exponent for an integer": with_partition(b"1e0"),
    "bool for an integer": with_partition(b"true"),
    "null for an integer": with_partition(b"null"),
    "5000 digits": with_partition(b"1" * 5000),
    "null for a list": with_headers(b"null"),
    "object for a list": with_headers(b"{}"),
    "header without a value": with_headers(b'[{"name":"a"}]'),
    "bad UTF-8 in an unknown field of a header": with_headers(b'[{"name":"a","value_base64":"","m":"\xff"}]'),
    "number for a bool": GOOD_LETTER[:-1] + b',"truncated":1}',
}
