"""Writes the Parquet files beside it and expected.json: every type the reader maps, with nulls, in several dialects. python make.py (pyarrow 26)."""
import datetime
import decimal
import json
import os
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

os.chdir(os.path.dirname(os.path.abspath(__file__)))
N = 120
EPOCH = datetime.date(1970, 1, 1)
D = decimal.Decimal


def some(salt, make):
    """A value for about four rows in five, null for the rest; which rows differs by column."""
    return [None if (i * 7 + salt * 13) % 23 < 5 else make(i) for i in range(N)]


columns = {
    'i8': (pa.int8(), lambda i: i * 2 - 128), 'u8': (pa.uint8(), lambda i: i * 2),
    'i16': (pa.int16(), lambda i: i * 547 - 32768), 'u16': (pa.uint16(), lambda i: i * 547),
    'i32': (pa.int32(), lambda i: i * 1000003 % 2**32 - 2**31), 'u32': (pa.uint32(), lambda i: i * 100000007 % 2**32),
    'i64': (pa.int64(), lambda i: -2**62 + i), 'u64': (pa.uint64(), lambda i: 2**64 - 1 - i),
    'f16': (pa.float16(), lambda i: i / 8 - 4), 'f32': (pa.float32(), lambda i: i / 4), 'f64': (pa.float64(), lambda i: i / 3),
    'bool': (pa.bool_(), lambda i: i % 3 == 0),
    'd9': (pa.decimal128(9, 2), lambda i: D(i - 60) / 100), 'd38': (pa.decimal128(38, 2), lambda i: D(i - 60) * 10**20),
    'd60': (pa.decimal256(60, 2), lambda i: D(i - 60) * 10**20),
    'date': (pa.date32(), lambda i: EPOCH + datetime.timedelta(i * 100 - 3000)),
    'tms': (pa.timestamp('ms'), lambda i: i * 12345678), 'tus': (pa.timestamp('us', 'Europe/Paris'), lambda i: i * 12345678),
    'tns': (pa.timestamp('ns', 'UTC'), lambda i: -i * 12345678),
    'time32': (pa.time32('ms'), lambda i: i * 1000), 'time64': (pa.time64('us'), lambda i: i * 1000),
    'null': (pa.null(), lambda i: None),
    'bin': (pa.binary(), lambda i: bytes([i, 0, 255])), 'fix': (pa.binary(3), lambda i: bytes([i, 7, 1])),
    'uuid': (pa.uuid(), lambda i: uuid.UUID(int=i * 2**90).bytes), 'json': (pa.json_(), lambda i: '{"a":%d}' % i),
    'text': (pa.string(), lambda i: 'é' * (i % 30) + str(i)),
    'list': (pa.large_list(pa.list_(pa.large_string())), lambda i: [None if j == 2 else ['ab' * k for k in range(j)] for j in range(i % 4)]),
    'map': (pa.map_(pa.string(), pa.int32()), lambda i: [('k%d' % j, None if j == 1 else j) for j in range(i % 4)]),
    'struct': (pa.struct([('a', pa.int32()), ('b', pa.struct([('c', pa.list_(pa.struct([('d', pa.string())]))), ('e', pa.string())]))]),
               lambda i: {'a': i, 'b': {'c': [{'d': str(i)}, None], 'e': None if i % 2 else 'e'}}),
    'fixed_list': (pa.list_(pa.int16(), 3), lambda i: [i, None, i + 1]),
}
table = pa.table({name: pa.array(some(salt, make), kind) for salt, (name, (kind, make)) in enumerate(columns.items())})
table = table.append_column('dictionary', pa.array(some(99, lambda i: 'k%d' % (i % 5))).dictionary_encode())


def expected(name, column):
    """JSON as the test's reader of Arrow data gives it: wide integers as text, bytes as numbers, decimals unscaled, times as integers."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        column = column.cast(pa.int64())
    if pa.types.is_time32(kind):
        column = column.cast(pa.int32())
    wide = {'i64', 'u64', 'tms', 'tus', 'tns', 'time64'}

    def one(v):
        if v is None: return None
        if name in wide or name == 'uuid': return str(v)
        if isinstance(v, D): return str(int(v.scaleb(2)))
        if isinstance(v, datetime.date): return (v - EPOCH).days
        if isinstance(v, bytes): return list(v)
        if name == 'map': return [{'key': k, 'value': x} for k, x in v]
        return float(v) if name == 'f16' else v
    return [one(v) for v in column.to_pylist()]


with open('expected.json', 'w') as file:
    json.dump({name: expected(name, table[name]) for name in table.column_names}, file, separators=(',', ':'))
common = dict(row_group_size=70, data_page_size=200, write_batch_size=10)
pq.write_table(table, 'v1-snappy.parquet', compression='snappy', **common)
pq.write_table(table, 'v2-zstd-index-crc.parquet', compression='zstd', data_page_version='2.0', write_page_index=True, write_page_checksum=True, **common)
pq.write_table(table, 'lz4-plain.parquet', compression='lz4', use_dictionary=False, store_schema=False, **common)
naive = table.set_column(table.schema.get_field_index('tns'), 'tns', table['tns'].cast(pa.timestamp('ns')))
pq.write_table(naive.drop(['tms', 'tus']), 'int96-gzip-crc.parquet', compression='gzip', use_deprecated_int96_timestamps=True,
               use_compliant_nested_type=False, write_page_checksum=True, **common)
encodings = {field.name: 'DELTA_BINARY_PACKED' for field in table.schema if pa.types.is_integer(field.type)}
encodings |= dict.fromkeys(['f16', 'f32', 'f64', 'fix'], 'BYTE_STREAM_SPLIT') | dict.fromkeys(['text', 'bin', 'd38'], 'DELTA_BYTE_ARRAY')
encodings |= dict.fromkeys(['json', 'dictionary'], 'DELTA_LENGTH_BYTE_ARRAY') | {'bool': 'RLE'}
pq.write_table(table, 'v2-brotli-encodings.parquet', compression='brotli', use_dictionary=False, column_encoding=encodings, data_page_version='2.0', **common)
