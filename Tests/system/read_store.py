#!/usr/bin/env python3
"""Reads a store directory as docs/format/*.md describe it, with nothing but Python's own library.

usage: read_store.py DIR [--quiet]

Prints every series in label order, a line of labels (JSON), then its samples:

    f TIME BITS START                           a float: ms, the double's bits in hex, start time in ms
    h TIME START SCHEMA HINT BITS… SPANS BUCKETS a histogram: zero threshold, zero count, count, sum;
                                                positive and negative spans, positive and negative
                                                buckets, custom bounds

It shares no code with the store: that both agree is the test of the documents. Checksums are checked,
what is damaged is named on standard error, and the exit code is then 1.
"""
import json, os, struct, sys

STALE, NAN, ABSENT = 0x7FF0000000000002, 0x7FF8000000000001, 0x7FF47B5DA1C39E06
TAGS = {1: STALE, 2: NAN, 3: 0x7FF0000000000000, 4: 0xFFF0000000000000, 5: 0x8000000000000000}
damaged = []


class Malformed(Exception):
    pass


# Bytes ---------------------------------------------------------------------------------------------

CRC_TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    CRC_TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def lz4(data, size):
    """One raw LZ4 block of `size` bytes decompressed."""
    out, at = bytearray(), 0
    while at < len(data):
        token = data[at]
        at += 1
        literals = token >> 4
        if literals == 15:
            while True:
                literals += data[at]
                at += 1
                if data[at - 1] != 255:
                    break
        out += data[at:at + literals]
        at += literals
        if at >= len(data):
            break
        offset = data[at] | data[at + 1] << 8
        at += 2
        match = (token & 15) + 4
        if token & 15 == 15:
            while True:
                match += data[at]
                at += 1
                if data[at - 1] != 255:
                    break
        if offset == 0 or offset > len(out):
            raise Malformed("LZ4 offset")
        for _ in range(match):
            out.append(out[-offset])
    if len(out) != size:
        raise Malformed(f"LZ4 block of {len(out)} bytes, not {size}")
    return bytes(out)


class Reader:
    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def take(self, count):
        if count > self.end - self.at:
            raise Malformed("bytes end early")
        self.at += count
        return self.data[self.at - count:self.at]

    def unpack(self, form):
        value = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return value[0] if len(value) == 1 else value

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (1 << 64) - 1
            shift += 7

    def varint(self):
        value = self.uvarint()
        return value >> 1 ^ -(value & 1)

    def string(self):
        return self.take(self.uvarint()).decode()

    def rest(self):
        return self.take(self.end - self.at)

    def done(self):
        if self.at != self.end:
            raise Malformed(f"{self.end - self.at} bytes are left over")


def signed(value):
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def bits_of(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def double(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def packed(data, width, count):
    whole = int.from_bytes(data, "little")
    mask = (1 << width) - 1
    return [whole >> index * width & mask for index in range(count)]


# Chunks (chunks.md) --------------------------------------------------------------------------------

def int_column(r, n):
    if n == 0:
        return []
    head = r.take(1)[0]
    order = head & 3
    if order == 3 or head & 0xC0 or order > n or not head & 4 and head & 0x38:
        raise Malformed("head of an integer column")
    first = [r.varint() for _ in range(order)]
    m = n - order
    residuals = []
    if m:
        base = r.varint()
        divisor = r.uvarint() if head & 0x10 else 1
        width = r.take(1)[0] if head & 4 else 0
        exceptions, index = {}, 0
        if head & 0x20:
            for _ in range(r.uvarint()):
                index += r.uvarint()
                exceptions[index] = r.varint()
                index += 1
        bitmap = r.take((m + 7) // 8) if head & 8 else None
        present = [bitmap is None or bitmap[i >> 3] >> (i & 7) & 1 for i in range(m)]
        k = sum(map(bool, present))
        if head & 4:
            values = [base + divisor * u for u in packed(r.take((k * width + 7) // 8), width, k)]
            for index, value in exceptions.items():
                values[index] = base + divisor * value
            values = iter(values)
            residuals = [next(values) if p else 0 for p in present]
        else:
            residuals = [base] * m
    if order == 0:
        return [signed(x) for x in residuals]
    x = first[0]
    result = [signed(x)]
    if order == 1:
        for residual in residuals:
            x += residual
            result.append(signed(x))
        return result
    step = first[1]
    x += step
    result.append(signed(x))
    for residual in residuals:
        step += residual
        x += step
        result.append(signed(x))
    return result


def run_exceptions(r):
    """Positions and bits that stand outside of a decimal or bits column."""
    found, at = {}, 0
    for _ in range(r.uvarint()):
        at += r.uvarint()
        length, tag = r.uvarint(), r.take(1)[0]
        bits = r.unpack("Q") if tag == 0 else TAGS[tag]
        for index in range(at, at + length):
            found[index] = bits
        at += length
    return found


def value_chunk(data):
    r = Reader(data)
    kind, n = r.take(1)[0], r.uvarint()
    if n > 65536:
        raise Malformed("a chunk of more than 65536 entries")
    if kind == 0:
        result = [r.unpack("Q")] * n if n else []
    elif kind == 1:
        exponent = r.take(1)[0]
        exceptions = run_exceptions(r) if exponent & 0x80 else {}
        column = int_column(r, n)
        power = 10 ** (exponent & 0x7F)
        # Python divides integers with one rounding.
        result = [exceptions[i] if i in exceptions else bits_of(x / power) for i, x in enumerate(column)]
    elif kind == 2:
        exceptions = run_exceptions(r) if r.take(1)[0] & 0x80 else {}
        result = [exceptions.get(i, x & (1 << 64) - 1) for i, x in enumerate(int_column(r, n))]
    elif kind == 3:
        control, result, word = r.take((n + 1) // 2), [], 0
        for i in range(n):
            c = control[i >> 1] >> 4 * (i & 1) & 15
            if 1 <= c <= 8:
                word ^= int.from_bytes(r.take(c), "little")
            elif c >= 9:
                count = c - 8
                word ^= int.from_bytes(r.take(count), "little") << 8 * (8 - count)
            result.append(word)
    elif kind == 4:
        result = [r.unpack("Q") for _ in range(n)]
    elif kind == 5:
        size = r.uvarint()
        result = value_chunk(lz4(r.rest(), size))
        if len(result) != n:
            raise Malformed("inner count")
    else:
        raise Malformed(f"chunk kind {kind}")
    r.done()
    return result


def time_chunk(data):
    r = Reader(data)
    result = int_column(r, r.uvarint())
    r.done()
    return result


def presence(data):
    r = Reader(data)
    kind, n = r.take(1)[0], r.uvarint()
    if kind == 0:
        result = [True] * n
    elif kind == 1:
        result, value = [], True
        while len(result) < n:
            result += [value] * r.uvarint()
            value = not value
    elif kind == 2:
        data = r.take((n + 7) // 8)
        result = [bool(data[i >> 3] >> (i & 7) & 1) for i in range(n)]
    else:
        raise Malformed("presence kind")
    r.done()
    return result


def sized_values(r):
    return value_chunk(r.take(r.uvarint()))


def histogram_chunk(data):
    """(start, schema, hint, threshold, zero count, count, sum, spans ×2, buckets ×2, bounds) each."""
    r = Reader(data)
    n = r.uvarint()
    if n == 0:
        r.done()
        return []
    flags = r.take(1)[0]
    starts = int_column(r, n) if flags & 1 else [0] * n
    hints = []
    while len(hints) < n:
        hint = r.take(1)[0]
        hints += [hint] * r.uvarint()
    zero_counts, counts, sums = sized_values(r), sized_values(r), sized_values(r)
    result = []
    while len(result) < n:
        length = r.uvarint()
        schema, threshold = r.unpack("b"), r.unpack("Q")
        spans = []
        for _ in range(2):
            spans.append(tuple((r.varint(), r.uvarint()) for _ in range(r.uvarint())))
        bounds = r.uvarint()
        bounds = tuple(sized_values(r)) if bounds else ()
        p, q = r.uvarint(), r.uvarint()
        rows = [[0] * (p + q) for _ in range(length)]
        if p + q:
            form = r.take(1)[0]
            if form == 0:
                for bucket in range(p + q):
                    for i, x in enumerate(int_column(r, length)):
                        rows[i][bucket] = bits_of(float(x))
            elif form == 1:
                for i in range(length):
                    rows[i] = [bits_of(float(x)) for x in int_column(r, p + q)]
            elif form == 2:
                for bucket in range(p + q):
                    for i, bits in enumerate(sized_values(r)):
                        rows[i][bucket] = bits
            else:
                raise Malformed("bucket form")
        for row in rows:
            i = len(result)
            result.append((starts[i], schema, hints[i], threshold, zero_counts[i], counts[i], sums[i],
                           spans[0], spans[1], tuple(row[:p]), tuple(row[p:]), bounds))
    r.done()
    return result


# Index (index.md) ----------------------------------------------------------------------------------

def index_file(data):
    """Series numbers and their labels."""
    footer = data[-232:]
    if data[:8] != b"TSQINDEX" or footer[224:] != b"TSQINDEX":
        raise Malformed("no index segment")
    if struct.unpack("<I", footer[220:224])[0] != crc32c(footer[:220]):
        raise Malformed("the footer's checksum")
    sections = [struct.unpack_from("<QQ", footer, 16 * i) for i in range(12)]
    names, pairs, series, _ = struct.unpack_from("<4I", footer, 192)
    table, table_crc = struct.unpack_from("<QI", footer, 208)
    checks = data[table:len(data) - 232]
    if crc32c(checks) != table_crc:
        raise Malformed("the checksum table's checksum")
    for i, (check,) in enumerate(struct.iter_unpack("<I", checks)):
        if crc32c(data[i * 65536:min(table, (i + 1) * 65536)]) != check:
            raise Malformed(f"the checksum of block {i}")
    part = [data[offset:offset + count] for offset, count in sections]

    def u32(i, count):
        return struct.unpack(f"<{count}I", part[i][:4 * count])

    def strings(ends, data):
        return [data[start:end].decode() for start, end in zip((0,) + ends, ends)]

    name_list = strings(u32(0, names), part[1])
    pair_ends = u32(2, names)
    values = strings(u32(3, pairs), part[4])
    name_of = [name for name, start, end in zip(name_list, (0,) + pair_ends, pair_ends) for _ in range(start, end)]
    refs, result, handles = u32(7, series), {}, []
    r = Reader(part[6])
    starts = u32(5, (series + 15) // 16)
    for ordinal in range(series):
        if ordinal % 16 == 0:
            r.at, handles = starts[ordinal // 16], []
        shared = r.uvarint()
        handles = handles[:shared] + [r.uvarint() for _ in range(r.uvarint())]
        result[refs[ordinal]] = tuple((name_of[h], values[h]) for h in handles)
    check_postings(part[10], part[11], pairs, name_of, values, refs, result)
    return result


def check_postings(offsets, lists, pairs, name_of, values, refs, series):
    """Holds every list of postings against the series."""
    wanted = {}
    for ordinal, ref in enumerate(refs):
        for pair in series[ref]:
            wanted.setdefault(pair, []).append(ordinal)
    offsets = struct.unpack(f"<{pairs + 1}I", offsets[:4 * (pairs + 1)])
    for pair in range(pairs):
        r = Reader(lists, offsets[pair], offsets[pair + 1])
        count = r.uvarint()
        found = []
        if count == 1:
            found = [r.uvarint()]
        else:
            directory = [r.unpack("II") for _ in range((count + 127) // 128)]
            base, start = r.at, 0
            for i, (first, end) in enumerate(directory):
                b = Reader(lists, base + start, base + end)
                entries = min(128, count - 128 * i) - 1
                found.append(first)
                if entries:
                    width = b.take(1)[0]
                    for gap in packed(b.take((entries * width + 7) // 8), width, entries):
                        found.append(found[-1] + gap + 1)
                start = end
        if found != wanted.get((name_of[pair], values[pair])):
            raise Malformed(f"postings of {name_of[pair]}={values[pair]}")


# Blocks (block.md) ---------------------------------------------------------------------------------

def block_file(data):
    """(ref, is histogram, times, values) of every chunk."""
    footer = data[-96:]
    if data[:8] != b"TSQBLK1\n" or footer[88:] != b"TSQBLK1\n":
        raise Malformed("no block")
    if struct.unpack_from("<I", footer, 80)[0] != crc32c(footer[:80]):
        raise Malformed("the footer's checksum")
    times_at, times_count, times_crc = struct.unpack_from("<QII", footer, 0)
    pages_at, pages_count, pages_crc = struct.unpack_from("<QII", footer, 16)
    time_table = data[times_at:times_at + 40 * times_count]
    page_table = data[pages_at:pages_at + 24 * pages_count]
    if crc32c(time_table) != times_crc or crc32c(page_table) != pages_crc:
        raise Malformed("a table's checksum")
    columns = []
    for offset, size, check, count, _, first, last in struct.iter_unpack("<QIIIIqq", time_table):
        bytes_ = data[offset:offset + size]
        if crc32c(bytes_) != check:
            raise Malformed("a time column's checksum")
        times = time_chunk(bytes_)
        if len(times) != count or times[0] != first or times[-1] != last:
            raise Malformed("a time column's bounds")
        columns.append(times)
    for first, last, offset, size, check in struct.iter_unpack("<IIQII", page_table):
        page = data[offset:offset + size]
        if crc32c(page) != check:
            raise Malformed("a page's checksum")
        yield from block_page(page, first, columns)


def block_page(page, ref, columns):
    r = Reader(page)
    entries = []
    for _ in range(r.uvarint()):
        ref += r.uvarint()
        flags = r.take(1)[0]
        column, size = r.uvarint(), r.uvarint()
        bitmap = r.uvarint() if flags & 1 else 0
        starts = r.uvarint() if flags & 2 else 0
        entries.append((ref, flags, column, size, bitmap, starts))
    for ref, flags, column, size, bitmap, starts in entries:
        values, times = r.take(size), columns[column]
        if flags & 1:
            times = [t for t, p in zip(times, presence(r.take(bitmap)), strict=True) if p]
        start_times = time_chunk(r.take(starts)) if flags & 2 else [0] * len(times)
        values = histogram_chunk(values) if flags & 4 else list(zip(value_chunk(values), start_times, strict=True))
        if len(values) != len(times):
            raise Malformed("a chunk of another count than its times")
        yield ref, bool(flags & 4), times, values
    r.done()


# Log (log.md) --------------------------------------------------------------------------------------

ROW_FORMS = {1: (0, 1), 2: (0, 2), 3: (0, 4), 4: (1, 1), 5: (1, 2), 6: (2, 1), 7: (2, 2), 8: (2, 4),
             9: (3, 1), 10: (3, 2), 11: (3, 4)}


def row_column(r, base):
    n = r.uvarint()
    nibbles = r.take((n + 1) // 2)
    result = []
    for i in range(n):
        c = nibbles[i >> 1] >> 4 * (i & 1) & 15
        b = base[i] if i < len(base) else 0
        if c == 0:
            result.append(b)
        elif c <= 11:
            exponent, size = ROW_FORMS[c]
            d = int.from_bytes(r.take(size), "little", signed=True)
            result.append(bits_of((round(double(b) * float(10 ** exponent)) + d) / 10 ** exponent))
        elif c <= 14:
            result.append(b ^ int.from_bytes(r.take({12: 6, 13: 7, 14: 8}[c]), "little"))
        else:
            raise Malformed("nibble 15")
    return result


class Commits:
    """Replays the payloads of one segment after the other."""

    def __init__(self, series):
        self.series, self.samples = series, {}
        self.layouts, self.rows = {}, {}

    def segment(self):
        self.layouts, self.rows = {}, {}

    def list(self, r, step):
        """Counted differences."""
        result, x = [], 0
        for _ in range(r.uvarint()):
            x += step()
            result.append(signed(x))
        return result

    def refs(self, r):
        return self.list(r, r.varint)

    times = refs

    def doubles(self, r):
        return [r.unpack("Q") for _ in range(r.uvarint())]

    def labels(self, r):
        return tuple((r.string(), r.string()) for _ in range(r.uvarint()))

    def new_series(self, r, is_new):
        for _ in range(r.uvarint()):
            ref = r.uvarint()
            labels = self.labels(r)
            if is_new and self.series.setdefault(ref, labels) != labels:
                raise Malformed(f"series {ref} is two")

    def put(self, ref, kind, time, value):
        if ref not in self.series:
            raise Malformed(f"series {ref} is not known")
        self.samples.setdefault((self.series[ref], kind), {})[time] = value

    def record(self, kind, payload, is_new):
        r = Reader(payload)
        if kind == 1:
            self.new_series(r, is_new)
        if kind != 3:
            return
        flags = r.take(1)[0]
        if flags & 0x10:
            self.new_series(r, is_new)
        if flags & 0x20:
            layout, group = r.uvarint(), r.uvarint()
            self.layouts[layout] = (group, self.refs(r))
        layout = r.uvarint()
        if layout:
            if not is_new:
                return
            group, refs = self.layouts[layout - 1]
            time, behind = r.unpack("q"), r.uvarint()
            base = []
            if behind:
                at, base = self.rows[group]
                if at != time - behind:
                    raise Malformed("the row's base is another one")
            values = row_column(r, base)
            starts = self.times(r) or [0] * len(values)
            self.rows[group] = (time, values)
            for ref, value, start in zip(refs, values, starts):
                if value != ABSENT:
                    self.put(ref, "f", time, (value, start))
        if not is_new:
            return
        self.loose(r)
        self.histograms(r)
        for _ in range(r.uvarint()):
            r.uvarint(), self.labels(r), r.unpack("Q")
            if r.take(1)[0]:
                r.unpack("q")
        r.done()

    def loose(self, r):
        refs = self.refs(r)
        if not refs:
            return
        times, values = self.times(r), self.doubles(r)
        starts = self.times(r) or [0] * len(refs)
        for ref, time, value, start in zip(refs, times, values, starts, strict=True):
            self.put(ref, "f", time, (value, start))

    def histograms(self, r):
        refs = self.refs(r)
        if not refs:
            return
        times = self.times(r)
        starts = self.times(r) or [0] * len(refs)
        heads = [r.unpack("bB") for _ in times]
        numbers = [self.doubles(r) for _ in range(4)]

        def ragged(read):
            ends = [r.uvarint() for _ in times]
            flat = read(ends[-1])
            return [tuple(flat[start:end]) for start, end in zip([0] + ends, ends)]

        spans = [ragged(lambda n: [(r.varint(), r.uvarint()) for _ in range(n)]) for _ in range(2)]
        columns = [ragged(lambda n: self.counted(r, n)) for _ in range(3)]
        for i, ref in enumerate(refs):
            schema, hint = heads[i]
            self.put(ref, "h", times[i], (
                starts[i], schema, hint, *(column[i] for column in numbers), spans[0][i], spans[1][i],
                columns[0][i], columns[1][i], columns[2][i]))

    def counted(self, r, n):
        values = self.doubles(r)
        if len(values) != n:
            raise Malformed("ends of another count")
        return values


def record_at(data, at):
    """(kind, payload, end) of the whole record at `at`; None when there is none."""
    if at + 16 > len(data):
        return None
    marker, kind, flags, stored, raw, check = struct.unpack_from("<HBBIII", data, at)
    if marker != MARKER or flags & 0xFE or stored > 64 << 20 or raw > 64 << 20 or not flags & 1 and stored != raw:
        return None
    payload = data[at + 16:at + 16 + stored]
    if len(payload) != stored or crc32c(data[at:at + 12] + payload) != check:
        return None
    return kind, lz4(payload, raw) if flags & 1 else payload, at + 16 + stored


MARKER, LOG_MAGIC = 0xA752, b"TSQLOG2\n"


def read_log(folder, start, commits):
    names = sorted(name for name in os.listdir(folder) if name.endswith(".log"))
    for name in names:
        number = int(name[:-4])
        if number < start[0]:
            continue
        data = open(f"{folder}/{name}", "rb").read()
        commits.segment()
        if len(data) > 16 and data[:16] != LOG_MAGIC + struct.pack("<Q", number):
            raise Malformed(f"{name} is no log segment")
        at = 16
        while at < len(data):
            found = record_at(data, at)
            if found:
                kind, payload, end = found
                commits.record(kind, payload, (number, at) >= start)
                at = end
                continue
            following = next((p for p in range(at + 1, len(data) - 15) if record_at(data, p)), None)
            if following is None and name == names[-1]:
                break
            damaged.append(f"{name}: bytes {at} to {following or len(data)}")
            at = following or len(data)


# Deletions (deletion.md) ----------------------------------------------------------------------------

def deletion_file(data):
    if data[:8] != b"TSQDEL1\n" or struct.unpack("<I", data[-4:])[0] != crc32c(data[:-4]):
        raise Malformed("a deletion")
    r = Reader(data, 8, len(data) - 4)
    end = r.unpack("Q")
    first, last, _ = r.unpack("qqq")
    r.unpack("QQ"), r.string()
    refs, at = set(), 0
    for _ in range(r.uvarint()):
        at += r.uvarint()
        length = r.uvarint()
        refs.update(range(at, at + length))
        at += length
    r.done()
    return end, first, last, refs


# Directory (manifest.md) ---------------------------------------------------------------------------

def read_store(directory):
    data = open(f"{directory}/MANIFEST", "rb").read()
    version = data[:8]
    if version not in (b"TSQMAN1\n", b"TSQMAN2\n", b"TSQMAN3\n") or struct.unpack("<I", data[-4:])[0] != crc32c(data[:-4]):
        raise Malformed("the MANIFEST")
    r = Reader(data, 8, len(data) - 4)
    r.unpack("Q")
    r.uvarint(), r.uvarint(), r.uvarint()
    start = (r.uvarint(), r.uvarint())
    r.unpack("q")
    series, samples = {}, {}
    for _ in range(r.uvarint()):
        file, count = r.uvarint(), r.uvarint()
        found = index_file(open(f"{directory}/index/{file}.idx", "rb").read())
        if len(found) != count:
            raise Malformed(f"index {file} has {len(found)} series, not {count}")
        series.update(found)
    blocks = []
    for _ in range(r.uvarint()):
        blocks.append((r.uvarint(), r.take(1), r.uvarint(), *r.unpack("qq"), r.uvarint(), r.uvarint()))
    deletions = []
    if version != b"TSQMAN1\n":
        for _ in range(r.uvarint()):
            deletions.append(deletion_file(open(f"{directory}/deletions/{r.uvarint()}.del", "rb").read()))
            if version == b"TSQMAN3\n" and r.take(1) not in (b"\0", b"\1"):
                raise Malformed("the MANIFEST: a deletion's state")
        for _ in range(r.uvarint()):
            r.uvarint(), r.uvarint()
    r.done()
    for file, _, sequence, first, last, count, size in blocks:
        data = open(f"{directory}/blocks/{file}.blk", "rb").read()
        if len(data) != size:
            raise Malformed(f"block {file} has {len(data)} bytes, not {size}")
        number = 0
        for ref, is_histogram, times, values in block_file(data):
            number += len(times)
            if times and not first <= times[0] <= times[-1] <= last:
                raise Malformed(f"block {file} has samples outside of its range")
            hiding = [(low, high) for end, low, high, refs in deletions if sequence < end and ref in refs]
            # Blocks ascend by sequence: what comes later counts.
            samples.setdefault((series[ref], "h" if is_histogram else "f"), {}).update(
                (time, value) for time, value in zip(times, values)
                if not any(low <= time <= high for low, high in hiding))
        if number != count:
            raise Malformed(f"block {file} has {number} samples, not {count}")
    commits = Commits(series)
    commits.samples = samples
    read_log(f"{directory}/log", start, commits)
    return samples


def show(samples, out):
    def order(labels):
        return [(name.encode(), value.encode()) for name, value in labels]

    def words(values):
        return ",".join(f"{v:016x}" for v in values) or "-"

    for labels in sorted({labels for (labels, _), found in samples.items() if found}, key=order):
        print(json.dumps(labels, ensure_ascii=False, separators=(",", ":")), file=out)
        for time, (value, start) in sorted(samples.get((labels, "f"), {}).items()):
            print(f"f {time} {value:016x} {start}", file=out)
        for time, h in sorted(samples.get((labels, "h"), {}).items()):
            spans = [",".join(f"{o}:{n}" for o, n in side) or "-" for side in h[7:9]]
            print(f"h {time} {h[0]} {h[1]} {h[2]} {words(h[3:7])} {' '.join(spans)} {' '.join(map(words, h[9:12]))}", file=out)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    found = read_store(sys.argv[1])
    if "--quiet" not in sys.argv:
        show(found, sys.stdout)
    for line in damaged:
        print(line, file=sys.stderr)
    sys.exit(1 if damaged else 0)
