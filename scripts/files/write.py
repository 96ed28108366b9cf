"""Writes preference pairs by many writers in many ways, with what they hold: python write.py FOLDER. See check_files.mjs.

FOLDER/cases.json lists them; FOLDER/<n>.wanted.json has the rows of the nth as pyarrow, or Python, reads them.
"""
import base64
import datetime
import decimal
import gzip
import json
import os
import sys
import uuid
import warnings
from importlib.metadata import version

import arro3.core
import arro3.io
import datasets
import duckdb
import fastparquet
import orjson
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import zstandard

from values import rows_of

warnings.filterwarnings('ignore')
datasets.disable_progress_bars()
home = sys.argv[1]

# texts that formats have to escape or that readers like to take for something else
TEXTS = [
    'Name a prime.', 'She said "no", then\nleft.\r\nEnd', '日本語 😀 é', 'a\tb; c, d | e', "it's \\n back\\slash", 'NULL', 'nan',
    '  two spaces  ', '{"a": 1}', '=1+1', '# no comment', '"', 'null', '0123', 'x' * 5000, '<b>&amp;</b> \u2028 \x7f',
]
N = 60
text = lambda i, side: f'{TEXTS[i % len(TEXTS)]}{side}{i}' if i % 2 else f'{i} {side} {TEXTS[i % len(TEXTS)]}'
ROWS = {
    'id': [f'row-{i}' for i in range(N)],
    'prompt': [text(i, 'asked') for i in range(N)],
    'chosen': [text(i + 1, 'good') for i in range(N)],
    'rejected': [text(i + 2, 'bad') for i in range(N)],
    'weight': [i / 7 for i in range(N)],
    'count': [2**62 + i for i in range(N)],
    'flag': [[True, False, None][i % 3] for i in range(N)],
    'kind': [['easy', 'hard', None][i % 3] for i in range(N)],
    'note': [[None, f'note {i}'][i % 2] for i in range(N)],
}
table = pa.table(ROWS)
say = lambda role, words, **more: {'role': role, 'content': words, **more}
CHATS = {
    'id': ROWS['id'],
    'prompt': [[say('system', 'Be brief.'), say('user', words)] for words in ROWS['prompt']],
    'chosen': [[say('assistant', words)] for words in ROWS['chosen']],
    'rejected': [[say('assistant', words)] for words in ROWS['rejected']],
    'weight': ROWS['weight'],
}
chats = pa.table(CHATS)
NAMED = {**CHATS, 'chosen': [[say('assistant', words, name='ann' if i % 2 else None)] for i, words in enumerate(ROWS['chosen'])]}
named = pa.table(NAMED)
frame, lazy = pd.DataFrame(ROWS), pl.DataFrame(ROWS)
duck = duckdb.connect()
duck.register('pairs', table)
duck.register('chats', chats)

cases = []


def put(form, feature, writer, ending, write, wanted=None, rows=None, check=None, **options):
    """One file, or folder. What it holds is `rows`, or what `wanted` reads of it; `check` that it has the feature."""
    path = os.path.join(home, f'{len(cases)}{ending}')
    case = {'format': form, 'feature': feature, 'writer': writer, 'path': path, 'with': options}
    cases.append(case)
    try:
        write(path)
        found = rows if rows is not None else wanted(path)
        assert check is None or check(path), 'the file does not have the feature'
        assert found is None or len(found) == 0 or {'prompt', 'chosen', 'rejected'} & found[0].keys()
        with open(os.path.join(home, f'{len(cases) - 1}.wanted.json'), 'w') as file:
            json.dump(found, file)
    except Exception as error:
        case['failed'] = f'{type(error).__name__}: {error}'[:500]


# Parquet
def parquet(feature, writer, write, ending='.parquet', wanted=None, **more):
    put('Parquet', feature, writer, ending, write, wanted or (lambda path: rows_of(pq.read_table(path))), **more)


def has(codec=None, encoding=None, groups=None):
    def check(path):
        meta = pq.ParquetFile(path).metadata
        chunks = [meta.row_group(0).column(i) for i in range(meta.num_columns)]
        return (
            (codec is None or any(chunk.compression == codec for chunk in chunks))
            and (encoding is None or any(encoding in chunk.encodings for chunk in chunks))
            and (groups is None or meta.num_row_groups >= groups)
        )
    return check


def rust(path, what=table, **options):
    arro3.io.write_parquet(arro3.core.Table.from_arrow(what), path, **options)


def by_datasets(what, path, **options):
    datasets.Dataset.from_dict(what).to_parquet(path, **options)


copy = lambda what, path, options='': duck.execute(f"copy {what} to '{path}' (format parquet{options})")

parquet('as written by default', 'pyarrow', lambda path: pq.write_table(table, path))
parquet('as written by default', 'pandas', frame.to_parquet)
parquet('as written by default', 'polars', lazy.write_parquet)
parquet('as written by default', 'DuckDB', lambda path: copy('pairs', path))
parquet('as written by default', 'fastparquet', lambda path: fastparquet.write(path, frame))
parquet('as written by default', 'datasets', lambda path: by_datasets(ROWS, path))
parquet('as written by default', 'arrow-rs', rust)

for codec in ['none', 'snappy', 'gzip', 'zstd', 'lz4', 'brotli']:
    feature = 'no compression' if codec == 'none' else codec
    stored = 'UNCOMPRESSED' if codec == 'none' else codec.upper()
    check = has(stored)
    parquet(feature, 'pyarrow', lambda path: pq.write_table(table, path, compression=codec), check=check)
    parquet(feature, 'pandas', lambda path: frame.to_parquet(path, compression=None if codec == 'none' else codec), check=check)
    mine = {'none': 'uncompressed'}.get(codec, codec)
    parquet(feature, 'polars', lambda path: lazy.write_parquet(path, compression=mine), check=check)
    raw = {'lz4': 'lz4_raw', 'none': 'uncompressed'}.get(codec, codec)
    parquet(feature, 'DuckDB', lambda path: copy('pairs', path, f', compression {raw}'), check=check)
    upper = {'none': 'UNCOMPRESSED', 'lz4': 'LZ4_RAW'}.get(codec, codec.upper())
    parquet(feature, 'fastparquet', lambda path: fastparquet.write(path, frame, compression=upper), check=check)
    level = {'gzip': 'gzip(6)', 'zstd': 'zstd(3)', 'brotli': 'brotli(3)', 'lz4': 'lz4_raw', 'none': 'uncompressed'}
    parquet(feature, 'arrow-rs', lambda path: rust(path, compression=level.get(codec, codec)), check=check)

PLAIN = {'use_dictionary': False}
parquet('data pages of version 2', 'pyarrow', lambda path: pq.write_table(table, path, data_page_version='2.0'))
parquet('data pages of version 2', 'arrow-rs', lambda path: rust(path, writer_version='parquet_2_0'))
parquet('data pages of version 2', 'DuckDB', lambda path: copy('pairs', path, ', parquet_version v2'))
parquet('no dictionary', 'pyarrow', lambda path: pq.write_table(table, path, **PLAIN))
parquet('no dictionary', 'arrow-rs', lambda path: rust(path, dictionary_enabled=False))
parquet('no dictionary', 'DuckDB', lambda path: copy('pairs', path, ', dictionary_size_limit 1'))
texts = ['prompt', 'chosen', 'rejected', 'note']
for feature, encoding, columns in [
    ('DELTA_BINARY_PACKED', 'DELTA_BINARY_PACKED', ['count']),
    ('DELTA_LENGTH_BYTE_ARRAY', 'DELTA_LENGTH_BYTE_ARRAY', texts),
    ('DELTA_BYTE_ARRAY', 'DELTA_BYTE_ARRAY', texts),
    ('BYTE_STREAM_SPLIT', 'BYTE_STREAM_SPLIT', ['weight', 'count']),
]:
    chosen = dict.fromkeys(columns, encoding)
    check = has(encoding=encoding)
    parquet(feature, 'pyarrow', lambda path: pq.write_table(table, path, column_encoding=chosen, **PLAIN), check=check)
    low = {name: encoding.lower() for name in columns}
    parquet(feature, 'arrow-rs', lambda path: rust(path, column_encoding=low, dictionary_enabled=False), check=check)
parquet('many row groups', 'pyarrow', lambda path: pq.write_table(table, path, row_group_size=7), check=has(groups=9))
parquet('many row groups', 'pandas', lambda path: frame.to_parquet(path, row_group_size=7), check=has(groups=9))
parquet('many row groups', 'polars', lambda path: lazy.write_parquet(path, row_group_size=7), check=has(groups=9))
parquet('many row groups', 'fastparquet', lambda path: fastparquet.write(path, frame, row_group_offsets=7), check=has(groups=9))
parquet('many row groups', 'datasets', lambda path: by_datasets(ROWS, path, batch_size=7), check=has(groups=9))
parquet('many row groups', 'arrow-rs', lambda path: rust(path, max_row_group_size=7), check=has(groups=9))
PAGES = {'data_page_size': 100, 'write_batch_size': 4}
parquet('many pages, page index, checksums', 'pyarrow', lambda path: pq.write_table(table, path, write_page_index=True, write_page_checksum=True, **PAGES))
parquet('many pages, page index, checksums', 'polars', lambda path: lazy.write_parquet(path, data_page_size=100))
parquet('many pages, page index, checksums', 'arrow-rs', lambda path: rust(path, data_page_size_limit=100, write_batch_size=4))
parquet('Bloom filters', 'arrow-rs', lambda path: rust(path, bloom_filter_enabled=True))

parquet('conversations as lists of messages', 'pyarrow', lambda path: pq.write_table(chats, path))
parquet('conversations as lists of messages', 'pandas', pd.DataFrame(CHATS).to_parquet)
parquet('conversations as lists of messages', 'polars', pl.DataFrame(CHATS).write_parquet)
parquet('conversations as lists of messages', 'DuckDB', lambda path: copy('chats', path))
parquet('conversations as lists of messages', 'datasets', lambda path: by_datasets(CHATS, path))
parquet('conversations as lists of messages', 'arrow-rs', lambda path: rust(path, chats))
parquet('conversations as lists of messages', 'fastparquet', lambda path: fastparquet.write(path, pd.DataFrame(CHATS), object_encoding={name: 'json' if name in ['prompt', 'chosen', 'rejected'] else 'infer' for name in CHATS}), rows=rows_of(chats))
parquet('messages with further fields', 'pyarrow', lambda path: pq.write_table(named, path))
parquet('messages with further fields', 'pandas', pd.DataFrame(NAMED).to_parquet)
parquet('messages with further fields', 'polars', pl.DataFrame(NAMED).write_parquet)
parquet('messages with further fields', 'datasets', lambda path: by_datasets(NAMED, path))
as_json = chats.select(['id', 'weight'])
for side in ['prompt', 'chosen', 'rejected']:
    as_json = as_json.append_column(side, pa.array([json.dumps(messages) for messages in CHATS[side]]))
parquet('conversations as JSON text', 'pyarrow', lambda path: pq.write_table(as_json, path), rows=rows_of(chats))
parquet('conversations as JSON text', 'polars', pl.from_arrow(as_json).write_parquet, rows=rows_of(chats))


def cast(kind, names=('prompt', 'chosen', 'rejected', 'note'), what=table):
    for name in names:
        what = what.set_column(what.column_names.index(name), name, what[name].cast(kind))
    return what


parquet('large text', 'pyarrow', lambda path: pq.write_table(cast(pa.large_string()), path))
parquet('large text', 'arrow-rs', lambda path: rust(path, cast(pa.large_string())))
parquet('text views', 'pyarrow', lambda path: pq.write_table(cast(pa.string_view()), path))
coded = table.set_column(7, 'kind', table['kind'].dictionary_encode()).set_column(1, 'prompt', table['prompt'].dictionary_encode())
categories = frame.astype({'kind': 'category', 'prompt': 'category'})
parquet('dictionary (categorical) text', 'pyarrow', lambda path: pq.write_table(coded, path))
parquet('dictionary (categorical) text', 'pandas', categories.to_parquet)
parquet('dictionary (categorical) text', 'polars', lazy.with_columns(pl.col('kind', 'prompt').cast(pl.Categorical)).write_parquet)
parquet('dictionary (categorical) text', 'fastparquet', lambda path: fastparquet.write(path, categories), rows=rows_of(table))
parquet('dictionary (categorical) text', 'arrow-rs', lambda path: rust(path, coded))
parquet('text as bytes without annotation', 'pyarrow', lambda path: pq.write_table(cast(pa.binary(), ['id', 'prompt', 'chosen', 'rejected']), path, store_schema=False))
parquet('text as bytes without annotation', 'polars', lazy.with_columns(pl.col('id', 'prompt', 'chosen', 'rejected').cast(pl.Binary)).write_parquet)
parquet('text as bytes without annotation', 'DuckDB', lambda path: copy('(select encode(prompt) prompt, encode(chosen) chosen, encode(rejected) rejected, id from pairs)', path))
parquet('text as bytes without annotation', 'fastparquet', lambda path: fastparquet.write(path, frame.assign(**{name: [words.encode() for words in ROWS[name]] for name in ['prompt', 'chosen', 'rejected']}), object_encoding={name: 'bytes' if name in ['prompt', 'chosen', 'rejected'] else 'infer' for name in ROWS}))

# columns beside the pair
pairs = table.select(['id', 'prompt', 'chosen', 'rejected'])
every = lambda values: [values[i % len(values)] for i in range(N)]
when = datetime.datetime(2024, 2, 29, 23, 59, 59, 123456)
D = decimal.Decimal
BESIDE = {
    'unsigned integers up to 64 bits': {
        f'u{bits}': pa.array(every([0, 2**bits - 1, None]), getattr(pa, f'uint{bits}')()) for bits in [8, 16, 32, 64]
    },
    'small integers': {f'i{bits}': pa.array(every([-(2 ** (bits - 1)), 5, None]), getattr(pa, f'int{bits}')()) for bits in [8, 16, 32]},
    'float16, float32, NaN, infinities': {
        'half': pa.array(every([0.5, 65504.0, None]), pa.float16()),
        'single': pa.array(every([0.1, float('nan'), 3e38]), pa.float32()),
        'double': pa.array(every([0.1, float('inf'), -0.0])),
    },
    'decimals up to 38 digits': {
        'd5': pa.array(every([D('1.25'), D('-0.01'), None]), pa.decimal128(5, 2)),
        'd18': pa.array(every([D('123456789012.123456'), None]), pa.decimal128(18, 6)),
        'd38': pa.array(every([D('-' + '9' * 35 + '.123'), D(0)]), pa.decimal128(38, 3)),
    },
    'decimals up to 76 digits': {'d76': pa.array(every([D('9' * 70 + '.5'), D('-1.5'), None]), pa.decimal256(76, 5))},
    'dates and times': {
        'day': pa.array(every([when.date(), datetime.date(1900, 1, 1), None])),
        'ms': pa.array(every([when.time().replace(microsecond=123000), None]), pa.time32('ms')),
        'us': pa.array(every([when.time(), None]), pa.time64('us')),
    },
    'timestamps with and without a zone': {
        'ms': pa.array(every([when.replace(microsecond=0), None]), pa.timestamp('ms')),
        'us': pa.array(every([when, datetime.datetime(1899, 1, 1)]), pa.timestamp('us')),
        'ns': pa.array(every([10**18 + 1, -1, None]), pa.timestamp('ns')),
        'zone': pa.array(every([10**15 + 1, None]), pa.timestamp('us', 'Europe/Berlin')),
    },
    'durations': {'took': pa.array(every([1, None, -5]), pa.duration('us'))},
    'bytes': {
        'raw': pa.array(every([b'\x00\xff', b'', None])),
        'four': pa.array(every([b'abcd', None]), pa.binary(4)),
    },
    'UUIDs': {'key': pa.array(every([uuid.UUID(int=5).bytes, None]), pa.uuid())},
    'lists, structs and maps': {
        'tags': pa.array(every([['x', None], [], None, ['y']])),
        'grid': pa.array(every([[[1], [2, 3]], [[]], None])),
        'about': pa.array(every([{'a': 1, 'b': {'c': ['z']}}, {'a': None, 'b': {'c': None}}, None])),
        'named': pa.array(every([[('k', 1)], [], None]), pa.map_(pa.string(), pa.int64())),
    },
    'fixed-size lists': {'point': pa.array(every([[1.5, 2.5], [0.0, -1.0]]), pa.list_(pa.float64(), 2))},
    'a column of nulls': {'none': pa.nulls(N)},
}
HARD_FOR = {
    'polars': ['UUIDs', 'decimals up to 76 digits'],
    'DuckDB': ['float16, float32, NaN, infinities', 'decimals up to 76 digits', 'durations', 'fixed-size lists', 'a column of nulls'],
}


def beside(columns):
    what = pairs
    for name, values in columns.items():
        what = what.append_column(name, values)
    return what


for feature, columns in BESIDE.items():
    what = beside(columns)
    parquet(feature, 'pyarrow', lambda path: pq.write_table(what, path))
    parquet(feature, 'arrow-rs', lambda path: rust(path, what))
    if feature not in HARD_FOR['polars']:
        parquet(feature, 'polars', lambda path: pl.from_arrow(what).write_parquet(path))
    if feature not in HARD_FOR['DuckDB']:
        duck.register('beside', what)
        parquet(feature, 'DuckDB', lambda path: copy('beside', path))
    if feature not in ['UUIDs', 'lists, structs and maps', 'fixed-size lists']:
        parquet(feature, 'pandas', lambda path: what.to_pandas(types_mapper=pd.ArrowDtype).to_parquet(path))
    if feature not in ['float16, float32, NaN, infinities', 'UUIDs', 'bytes', 'lists, structs and maps']:
        parquet(feature, 'datasets', lambda path: datasets.Dataset(datasets.table.InMemoryTable(what)).to_parquet(path))
# Parquet knows them as bytes
wide = base64.b64encode((2**100).to_bytes(16, 'little')).decode()
parquet('integers of 128 bits (read as their bytes)', 'polars', pl.from_arrow(pairs).with_columns(big=pl.lit(2**100, pl.Int128)).write_parquet, rows=[{**row, 'big': wide} for row in rows_of(pairs)])
parquet('decimals as integers', 'pyarrow', lambda path: pq.write_table(beside(BESIDE['decimals up to 38 digits']), path, store_decimal_as_integer=True))
old = beside({'at': pa.array(every([when, None]), pa.timestamp('us'))})
parquet('INT96 timestamps', 'pyarrow', lambda path: pq.write_table(old, path, use_deprecated_int96_timestamps=True))
parquet('INT96 timestamps', 'fastparquet', lambda path: fastparquet.write(path, old.to_pandas(), times='int96'))
parquet('no Arrow schema kept', 'pyarrow', lambda path: pq.write_table(beside(BESIDE['dates and times']), path, store_schema=False))
numbered = pairs.set_column(0, 'id', pa.array([10**18 + i for i in range(N)]))
parquet('ids that are numbers', 'pyarrow', lambda path: pq.write_table(numbered, path))
parquet('ids that are numbers', 'polars', pl.from_arrow(numbered).write_parquet)
keyed = pairs.set_column(0, 'id', pa.array([uuid.UUID(int=i).bytes for i in range(N)], pa.uuid()))
parquet('ids that are UUIDs', 'pyarrow', lambda path: pq.write_table(keyed, path))
duck.register('numbers', pa.table({'n': list(range(N))}))
parquet('ids that are UUIDs', 'DuckDB', lambda path: copy("(select ('00000000-0000-0000-0000-0000000000' || printf('%02d', n))::uuid id, 'asked ' || n prompt, 'good' chosen, 'bad' rejected from numbers)", path))

hive = table.set_column(7, 'kind', pa.array(every(['easy', 'hard'])))
hive_rows = sorted(rows_of(hive), key=lambda row: row['id'])
parquet('hive folders', 'pyarrow', lambda path: pq.write_to_dataset(hive, path, partition_cols=['kind']), ending='', rows=hive_rows)
parquet('hive folders', 'pandas', lambda path: hive.to_pandas().to_parquet(path, partition_cols=['kind']), ending='', rows=hive_rows)
parquet('hive folders', 'polars', lambda path: pl.from_arrow(hive).write_parquet(pl.PartitionBy(path, key='kind'), mkdir=True), ending='', rows=hive_rows)
duck.register('hive', hive)
parquet('hive folders', 'DuckDB', lambda path: copy('hive', path, ', partition_by (kind)'), ending='', rows=hive_rows)
parquet('hive folders', 'fastparquet', lambda path: fastparquet.write(path, hive.to_pandas(), file_scheme='hive', partition_on=['kind']), ending='', rows=hive_rows)


def several(path):
    os.mkdir(path)
    pq.write_table(table[:20], f'{path}/a.parquet')
    pq.write_table(table[:0], f'{path}/b.parquet')
    pq.write_table(table[20:], f'{path}/c.parquet', compression='zstd')


parquet('a folder, one file of it without rows', 'pyarrow', several, ending='')
parquet('a folder, one file of it without rows', 'DuckDB', lambda path: copy('(from pairs)', path, ', per_thread_output'), ending='')
parquet('a file without rows', 'pyarrow', lambda path: pq.write_table(table[:0], path))
parquet('a file without rows', 'polars', lazy[:0].write_parquet)
parquet('a file without rows', 'DuckDB', lambda path: copy('(from pairs limit 0)', path))


class Kms(pe.KmsClient):
    wrap_key = lambda self, key, master: base64.b64encode(key)
    unwrap_key = lambda self, key, master: base64.b64decode(key)


def encrypted(path):
    config = pe.EncryptionConfiguration(footer_key='f', column_keys={'c': ['note']})
    properties = pe.CryptoFactory(lambda _: Kms()).file_encryption_properties(pe.KmsConnectionConfig(), config)
    pq.write_table(table, path, encryption_properties=properties)


parquet('encrypted', 'pyarrow', encrypted, rows=[])


# Arrow IPC
def arrow(feature, writer, write, ending='.arrow', wanted=None, **more):
    def read(path):
        with open(path, 'rb') as file:
            isFile = file.read(6) == b'ARROW1'
        with pa.OSFile(path) as source:
            return rows_of((ipc.open_file if isFile else ipc.open_stream)(source).read_all())
    put('Arrow', feature, writer, ending, write, wanted or read, **more)


def put_ipc(path, what=table, new=ipc.new_file, step=17, **options):
    with pa.OSFile(path, 'wb') as sink, new(sink, what.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(what, max_chunksize=step)


ARRO = {'file': arro3.io.write_ipc, 'stream': arro3.io.write_ipc_stream}
arrow('file', 'pyarrow', put_ipc)
arrow('file', 'polars', lambda path: lazy.write_ipc(path))
arrow('file', 'arrow-rs', lambda path: ARRO['file'](table, path, compression=None))
arrow('stream', 'pyarrow', lambda path: put_ipc(path, new=ipc.new_stream))
arrow('stream', 'polars', lambda path: lazy.write_ipc_stream(path))
arrow('stream', 'arrow-rs', lambda path: ARRO['stream'](table, path, compression=None))
arrow('feather, as written by default', 'pyarrow', lambda path: pa.feather.write_feather(table, path), ending='.feather')
arrow('feather, as written by default', 'pandas', frame.to_feather, ending='.feather')
arrow('feather of version 1', 'pyarrow', lambda path: pa.feather.write_feather(table, path, version=1), ending='.feather', rows=[])
for codec in ['lz4', 'zstd']:
    rusty = {'lz4': 'LZ4', 'zstd': 'ZSTD'}[codec]
    for kind, new in [('file', ipc.new_file), ('stream', ipc.new_stream)]:
        feature = f'{kind}, {codec}'
        arrow(feature, 'pyarrow', lambda path: put_ipc(path, new=new, compression=codec))
        mine = lazy.write_ipc if kind == 'file' else lazy.write_ipc_stream
        arrow(feature, 'polars', lambda path: mine(path, compression=codec))
        if kind == 'file':
            arrow(feature, 'pandas', lambda path: frame.to_feather(path, compression=codec))
        arrow(feature, 'arrow-rs', lambda path: ARRO[kind](table, path, compression=rusty))
arrow('conversations as lists of messages', 'pyarrow', lambda path: put_ipc(path, chats))
arrow('conversations as lists of messages', 'polars', lambda path: pl.DataFrame(CHATS).write_ipc(path))
arrow('conversations as lists of messages', 'pandas', pd.DataFrame(CHATS).to_feather)
arrow('conversations as lists of messages', 'arrow-rs', lambda path: ARRO['file'](chats, path, compression=None))


def saved(path, what):
    datasets.Dataset.from_dict(what).save_to_disk(path, num_shards=2)


def read_saved(path):
    return rows_of(datasets.load_from_disk(path).data.table)


arrow('save_to_disk', 'datasets', lambda path: saved(path, ROWS), ending='', wanted=read_saved)
arrow('save_to_disk, conversations', 'datasets', lambda path: saved(path, CHATS), ending='', wanted=read_saved)
arrow('dictionary (categorical) text', 'pyarrow', lambda path: put_ipc(path, coded.unify_dictionaries()))
arrow('dictionary (categorical) text', 'pandas', categories.to_feather)
arrow('dictionary (categorical) text', 'polars', lambda path: lazy.with_columns(pl.col('kind', 'prompt').cast(pl.Categorical)).write_ipc(path))
arrow('dictionary (categorical) text', 'arrow-rs', lambda path: ARRO['file'](coded, path, compression=None))
words = lambda names: pa.DictionaryArray.from_arrays(pa.array(every(list(range(len(names)))), pa.int32()), names)
pieces = [['a', 'b'], ['a', 'b', 'c'], ['z']]
parts = [pairs.append_column('kind', words(names)) for names in pieces]
for feature, used, options in [
    ('dictionaries that grow (delta)', parts[:2], {'emit_dictionary_deltas': True}),
    ('dictionaries that are replaced', parts, {}),
]:
    def grown(path, used=used, options=options):
        with pa.OSFile(path, 'wb') as sink:
            with ipc.new_stream(sink, used[0].schema, options=ipc.IpcWriteOptions(**options)) as writer:
                for part in used:
                    writer.write_table(part)
    arrow(feature, 'pyarrow', grown)
arrow('large text, lists and bytes', 'pyarrow', lambda path: put_ipc(path, cast(pa.large_string()).append_column('tags', pa.array(every([['x'], None]), pa.large_list(pa.large_binary())))))
arrow('large text, lists and bytes', 'polars', lambda path: pl.from_arrow(beside({'tags': pa.array(every([['x'], None]))})).write_ipc(path, compat_level=pl.CompatLevel.oldest()))
arrow('text and byte views', 'pyarrow', lambda path: put_ipc(path, cast(pa.string_view()).append_column('raw', pa.array(every([b'\xff' * 20, b'', None]), pa.binary_view()))))
arrow('text and byte views', 'polars', lambda path: lazy.write_ipc(path, compat_level=pl.CompatLevel.newest()))
for feature, columns in BESIDE.items():
    what = beside(columns)
    arrow(feature, 'pyarrow', lambda path: put_ipc(path, what))
    arrow(feature, 'arrow-rs', lambda path: ARRO['file'](what, path, compression=None))
    if feature not in HARD_FOR['polars']:
        arrow(feature, 'polars', lambda path: pl.from_arrow(what).write_ipc(path))
    if feature not in ['UUIDs', 'lists, structs and maps', 'fixed-size lists']:
        arrow(feature, 'pandas', lambda path: what.to_pandas(types_mapper=pd.ArrowDtype).to_feather(path))
for feature, columns in {
    'decimals of 32 and 64 bits': {
        'd32': pa.array(every([D('1.25'), D('-9999.99'), None]), pa.decimal32(6, 2)),
        'd64': pa.array(every([D('123456789012.12'), None]), pa.decimal64(16, 2)),
    },
    'list views': {'tags': pa.array(every([['x'], [], None]), pa.list_view(pa.string()))},
    'run-end encoding': {'tags': pc.run_end_encode(pa.array(sorted(every(['x', 'y']))))},
    'intervals': {'every': pa.array(every([(1, 2, 3), None]), pa.month_day_nano_interval())},
    'unions': {
        'any': pa.UnionArray.from_dense(
            pa.array(every([0, 1]), pa.int8()), pa.array([i // 2 for i in range(N)], pa.int32()), [pa.array(['x'] * N), pa.array([1] * N)]
        )
    },
}.items():
    what = beside(columns)
    arrow(feature, 'pyarrow', lambda path: put_ipc(path, what), rows=None if feature.startswith('decimals') else [])
arrow('integers of 128 bits', 'polars', lambda path: pl.from_arrow(pairs).with_columns(big=pl.lit(2**100, pl.Int128)).write_ipc(path), rows=[])
arrow('ids that are numbers', 'pyarrow', lambda path: put_ipc(path, numbered))
arrow('ids that are UUIDs', 'pyarrow', lambda path: put_ipc(path, keyed))
arrow('a file without rows', 'pyarrow', lambda path: put_ipc(path, table[:0]))
arrow('a file without rows', 'polars', lambda path: lazy[:0].write_ipc(path))


# JSON Lines
def lines(feature, writer, write, ending='.jsonl', **more):
    put('JSON Lines', feature, writer, ending, write, read_lines if 'rows' not in more else None, **more)


def read_lines(path):
    with open(path, 'rb') as file:
        data = file.read()
    data = gzip.decompress(data) if path.endswith('gz') else data
    data = zstandard.ZstdDecompressor().decompressobj().decompress(data) if path.endswith('zst') else data
    return [json.loads(line) for line in data.decode('utf-8-sig').split('\n') if line.strip()]


rows = table.to_pylist()
talks = chats.to_pylist()
bytes_to = lambda data: lambda path: open(path, 'wb').write(data)
dumped = lambda what=rows, **options: ''.join(json.dumps(row, **options) + '\n' for row in what)
DEFAULT = 'as written by default'
copy_json = lambda what, path, options='': duck.execute(f"copy {what} to '{path}' (format json{options})")
lines(DEFAULT, 'json', bytes_to(dumped().encode()))
lines(DEFAULT, 'orjson', bytes_to(b''.join(orjson.dumps(row) + b'\n' for row in rows)))
lines(DEFAULT, 'pandas', lambda path: frame.to_json(path, orient='records', lines=True))
lines(DEFAULT, 'polars', lazy.write_ndjson)
lines(DEFAULT, 'DuckDB', lambda path: copy_json('pairs', path))
lines(DEFAULT, 'datasets', lambda path: datasets.Dataset.from_dict(ROWS).to_json(path))
TALKS = 'conversations as lists of messages'
lines(TALKS, 'json', bytes_to(dumped(talks).encode()))
lines(TALKS, 'orjson', bytes_to(b''.join(orjson.dumps(row) + b'\n' for row in talks)))
lines(TALKS, 'pandas', lambda path: pd.DataFrame(CHATS).to_json(path, orient='records', lines=True))
lines(TALKS, 'polars', pl.DataFrame(CHATS).write_ndjson)
lines(TALKS, 'DuckDB', lambda path: copy_json('chats', path))
lines(TALKS, 'datasets', lambda path: datasets.Dataset.from_dict(CHATS).to_json(path))
lines('gzip', 'json', bytes_to(gzip.compress(dumped().encode())), ending='.jsonl.gz')
lines('gzip', 'pandas', lambda path: frame.to_json(path, orient='records', lines=True), ending='.jsonl.gz')
lines('gzip', 'polars', lambda path: lazy.write_ndjson(path, compression='gzip'), ending='.jsonl.gz')
lines('gzip', 'DuckDB', lambda path: copy_json('pairs', path, ', compression gzip'), ending='.jsonl.gz')
lines('gzip', 'datasets', lambda path: datasets.Dataset.from_dict(ROWS).to_json(path, compression='gzip'), ending='.jsonl.gz')
pack = zstandard.ZstdCompressor().compress
lines('zstd', 'json', bytes_to(pack(dumped().encode())), ending='.jsonl.zst')
lines('zstd', 'pandas', lambda path: frame.to_json(path, orient='records', lines=True), ending='.jsonl.zst')
lines('zstd', 'polars', lambda path: lazy.write_ndjson(path, compression='zstd'), ending='.jsonl.zst')
lines('zstd', 'DuckDB', lambda path: copy_json('pairs', path, ', compression zstd'), ending='.jsonl.zst')
lines('several gzip or zstd members', 'json', bytes_to(gzip.compress(dumped(rows[:20]).encode()) + gzip.compress(dumped(rows[20:]).encode())), ending='.jsonl.gz')
lines('text not escaped', 'json', bytes_to(dumped(ensure_ascii=False).encode()))
lines('byte order mark', 'json', bytes_to(dumped().encode('utf-8-sig')))
lines('CRLF', 'json', bytes_to(dumped().replace('\n', '\r\n').encode()))
lines('no line end at the end', 'json', bytes_to(dumped().rstrip().encode()))
lines('NaN and infinities', 'json', bytes_to(dumped([{**row, 'weight': [float('nan'), float('inf'), 0.5][i % 3]} for i, row in enumerate(rows)]).encode()))
lines('lists and objects beside the pair', 'json', bytes_to(dumped([{**row, 'about': {'a': [i, None], 'b': {}}, 'tags': ['x'] * (i % 3)} for i, row in enumerate(rows)]).encode()))
nested = pairs.append_column('tags', pa.array(every([['x'], [], None])))
lines('lists and objects beside the pair', 'polars', pl.from_arrow(nested).write_ndjson)
mixed = [{**row, 'any': [1, 'x', None, [2], 0.5][i % 5]} for i, row in enumerate(rows)]
lines('values of several kinds in a column (JSON text)', 'json', bytes_to(dumped(mixed).encode()), rows=[{**row, 'any': row['any'] if row['any'] is None else json.dumps(row['any'])} for row in mixed])
lines('integers beyond 64 bits', 'json', bytes_to(dumped([{**row, 'big': 2**70 + i} for i, row in enumerate(rows)]).encode()))
late = [{**row, 'id': f'{k}-{row["id"]}', **({'late': k, 'late_list': [k]} if k > 20 else {})} for k in range(25) for row in rows]
lines('a column that begins after 1,000 rows', 'json', bytes_to(dumped(late).encode()))
lines('blank lines', 'json', bytes_to(dumped().replace('\n', '\n\n').encode()))
lines('objects over several lines', 'json', bytes_to(dumped(indent=2).encode()), rows=rows)
lines('a JSON array', 'json', bytes_to(json.dumps(rows).encode()), rows=rows)
lines('a JSON array', 'pandas', lambda path: frame.to_json(path, orient='records'), rows=rows)
lines('a JSON array', 'DuckDB', lambda path: copy_json('pairs', path, ', array true'), rows=rows)
lines('columns of lists (one object)', 'pandas', frame.to_json, rows=rows)
lines('UTF-16', 'json', bytes_to(dumped(ensure_ascii=False).encode('utf-16')), rows=rows)
lines('not UTF-8 (Latin-1)', 'json', bytes_to(dumped([{**row, 'chosen': f'é {i}'} for i, row in enumerate(rows)], ensure_ascii=False).encode('latin-1', 'replace')), rows=rows)
lines('a key twice in an object', 'json', bytes_to(dumped().replace('"note"', '"kind"').encode()), rows=rows)
lines('ends in .json', 'json', bytes_to(dumped().encode()), ending='.json')
lines('ends in .json', 'datasets', lambda path: datasets.Dataset.from_dict(ROWS).to_json(path), ending='.json')
lines('ends in .json, by use: read_jsonl', 'json', bytes_to(dumped().encode()), ending='.json', use='read_jsonl')


# CSV
def csv(feature, writer, write, ending='.csv', separator=',', encoding='utf8', **more):
    def read(path):
        return rows_of(
            pyarrow.csv.read_csv(
                path,
                parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
                read_options=pyarrow.csv.ReadOptions(block_size=1 << 24),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(ROWS, pa.string()), null_values=[''], strings_can_be_null=True, quoted_strings_can_be_null=False
                ),
            )
        )
    put('CSV', feature, writer, ending, write, None if 'rows' in more else read, **more)


import csv as python_csv
import io


def dump(dialect='excel', **options):
    out = io.StringIO()
    writer = python_csv.writer(out, dialect, **options)
    writer.writerow(ROWS)
    writer.writerows([['' if value is None else value for value in values] for values in zip(*ROWS.values())])
    return out.getvalue()


# as a reader of CSV sees it: all is text
texts_of = lambda what: [{name: None if value is None else str(value) for name, value in row.items()} for row in what.astype(object).where(what.notna(), None).to_dict('records')]
copy_csv = lambda path, options='': duck.execute(f"copy pairs to '{path}' (format csv{options})")
csv(DEFAULT, 'csv', bytes_to(dump().encode()))
csv(DEFAULT, 'pandas', lambda path: frame.to_csv(path, index=False))
csv(DEFAULT, 'polars', lazy.write_csv)
csv(DEFAULT, 'DuckDB', copy_csv)
csv(DEFAULT, 'pyarrow', lambda path: pyarrow.csv.write_csv(table, path))
csv(DEFAULT, 'datasets', lambda path: datasets.Dataset.from_dict(ROWS).to_csv(path))
csv('all in quotes', 'csv', bytes_to(dump(quoting=python_csv.QUOTE_ALL).encode()))
csv('all in quotes', 'pandas', lambda path: frame.to_csv(path, index=False, quoting=python_csv.QUOTE_ALL))
csv('all in quotes', 'polars', lambda path: lazy.write_csv(path, quote_style='always'))
csv('all in quotes', 'DuckDB', lambda path: copy_csv(path, ', force_quote *'))
csv('with an index column', 'pandas', frame.to_csv, rows=[{**row, 'Unnamed: 0': str(i)} for i, row in enumerate(texts_of(frame))])
csv('LF or CRLF', 'csv', bytes_to(dump(lineterminator='\n').encode()))
csv('LF or CRLF', 'pandas', lambda path: frame.to_csv(path, index=False, lineterminator='\r\n'))
csv('LF or CRLF', 'polars', lambda path: lazy.write_csv(path, line_terminator='\r\n'))
csv('byte order mark', 'csv', bytes_to(dump().encode('utf-8-sig')))
csv('byte order mark', 'pandas', lambda path: frame.to_csv(path, index=False, encoding='utf-8-sig'))
csv('byte order mark', 'polars', lambda path: lazy.write_csv(path, include_bom=True))
csv('tabs (.tsv)', 'csv', bytes_to(dump('excel-tab').encode()), ending='.tsv', separator='\t')
csv('tabs (.tsv)', 'pandas', lambda path: frame.to_csv(path, index=False, sep='\t'), ending='.tsv', separator='\t')
csv('tabs (.tsv)', 'polars', lambda path: lazy.write_csv(path, separator='\t'), ending='.tsv', separator='\t')
csv('tabs (.tsv)', 'DuckDB', lambda path: copy_csv(path, ", delim '\t'"), ending='.tsv', separator='\t')
csv('semicolons, with delimiter: ;', 'csv', bytes_to(dump(delimiter=';').encode()), separator=';', delimiter=';')
csv('semicolons, with delimiter: ;', 'pandas', lambda path: frame.to_csv(path, index=False, sep=';'), separator=';', delimiter=';')
csv('semicolons, with delimiter: ;', 'polars', lambda path: lazy.write_csv(path, separator=';'), separator=';', delimiter=';')
csv('semicolons, with delimiter: ;', 'DuckDB', lambda path: copy_csv(path, ", delim ';'"), separator=';', delimiter=';')
csv('semicolons, nothing said', 'csv', bytes_to(dump(delimiter=';').encode()), rows=rows)
csv('quotes escaped by a backslash', 'csv', bytes_to(dump(doublequote=False, escapechar='\\').encode()), rows=rows)
csv('no header', 'pandas', lambda path: frame.to_csv(path, index=False, header=False), rows=rows)
csv('gzip', 'pandas', lambda path: frame.to_csv(path, index=False), ending='.csv.gz', rows=rows)
csv('gzip', 'DuckDB', lambda path: copy_csv(path, ', compression gzip'), ending='.csv.gz', rows=rows)
csv('UTF-16', 'pandas', lambda path: frame.to_csv(path, index=False, encoding='utf-16'), rows=rows)
csv('not UTF-8 (Latin-1)', 'csv', bytes_to(dump().encode('latin-1', 'replace')), rows=[{name: words and words.encode('latin-1', 'replace').decode('latin-1') for name, words in row.items()} for row in texts_of(frame)])

packages = ['pyarrow', 'pandas', 'polars', 'duckdb', 'fastparquet', 'datasets', 'arro3-io', 'orjson']
with open(os.path.join(home, 'cases.json'), 'w') as file:
    json.dump({'versions': {name: version(name) for name in packages}, 'cases': cases}, file)
