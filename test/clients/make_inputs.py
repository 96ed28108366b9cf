"""Writes generated inputs for the client checks: python make_inputs.py FOLDER. Text, messages and other layouts, in every codec, with columns of many types beside the pair."""
import datetime
import decimal
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 2300  # more than two record batches
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
message = pa.struct([('role', pa.string()), ('content', pa.string())])
words = 'river stone lantern copper window garden winter paper signal mountain thread orange quiet marble engine harbour'.split()


def sentence(seed, length):
    return ' '.join(words[(seed * 7 + i * i * (seed % 11 + 1) + i) % len(words)] + ('' if i % 5 else f' {seed + i}') for i in range(length))


def side(row, which):
    """Leading spaces, line breaks, wide characters and an emoji are part of the text."""
    return f"{' ' * (row % 3)}{sentence(row * 2 + which, 9 + row % 23)}{['', chr(10), ' äöü', ' 漢字', ' 🙂'][row % 5]}{'!' * which}"


def pair(row):
    prompt, chosen, rejected = f'Question {row}: {sentence(row, 6)}?', side(row, 0), side(row, 1)
    if row % 97 == 5:
        rejected = chosen
    if row % 101 == 7:
        chosen = ' '
    return prompt, chosen, rejected


def says(role, content):
    return [{'role': role, 'content': content}]


pairs = [pair(row) for row in range(ROWS)]
turns = [says('system', 'Be kind.') * (row % 2) + says('user', 'Hello') + says('assistant', 'Hello, how can I help?') + says('user', prompt) if row % 3 else says('user', prompt)
         for row, (prompt, _, _) in enumerate(pairs)]
more = {
    'id': pa.array([f'row-{row}' for row in range(ROWS)]),
    'votes': pa.array([None if row % 9 == 0 else row - 5 for row in range(ROWS)], pa.int64()),
    'score': pa.array([None if row % 7 == 0 else row / 3 for row in range(ROWS)], pa.float64()),
    'good': pa.array([row % 2 == 0 for row in range(ROWS)]),
    'tags': pa.array([None if row % 4 == 0 else ['a', None][:row % 3] for row in range(ROWS)], pa.list_(pa.string())),
    'at': pa.array([datetime.datetime(1969, 12, 31, 12, 0, tzinfo=datetime.timezone.utc) + datetime.timedelta(minutes=row) for row in range(ROWS)], pa.timestamp('ms', 'UTC')),
    'day': pa.array([datetime.date(1969, 12, 1) + datetime.timedelta(days=row) for row in range(ROWS)]),
    'raw': pa.array([bytes([row % 256, 255]) for row in range(ROWS)]),
    'label': pa.array([row % 5 for row in range(ROWS)], pa.int8()),
}
text = pa.table({**more, 'prompt': [p for p, _, _ in pairs], 'chosen': [c for _, c, _ in pairs], 'rejected': [r for _, _, r in pairs]})
messages = pa.table({**more, 'prompt': pa.array(turns, pa.list_(message)), 'chosen': pa.array([says('assistant', c) for _, c, _ in pairs], pa.list_(message)),
                     'rejected': pa.array([says('assistant', r) for _, _, r in pairs], pa.list_(message))})
implicit = pa.table({'id': more['id'], 'chosen': pa.array([t + says('assistant', c) for t, (_, c, _) in zip(turns, pairs)], pa.list_(message)),
                     'rejected': pa.array([t + says('assistant', r) for t, (_, _, r) in zip(turns, pairs)], pa.list_(message))})
without_id = pa.table({'prompt': pa.array(turns, pa.list_(message)), 'chosen': text['chosen'], 'rejected': text['rejected']})

for codec in ('none', 'snappy', 'zstd', 'gzip', 'brotli', 'lz4'):
    pq.write_table(text, os.path.join(folder, f'text-{codec}.parquet'), compression=codec, row_group_size=700)
    pq.write_table(messages, os.path.join(folder, f'messages-{codec}.parquet'), compression=codec, row_group_size=900, data_page_version='2.0' if codec in ('zstd', 'gzip') else '1.0')
pq.write_table(implicit, os.path.join(folder, 'implicit.parquet'))
pq.write_table(without_id, os.path.join(folder, 'mixed-without-id.parquet'))
pq.write_table(text.slice(0, 0), os.path.join(folder, 'empty.parquet'))
# what only JSON text holds in Parquet by parquetjs-lite
hard = pa.table({'id': ['a', 'b'], 'prompt': ['p', 'q'], 'chosen': ['yes', 'no'], 'rejected': ['never', 'always'], 'big': pa.array([2**53 + 1, None], pa.int64()),
                 'price': pa.array([decimal.Decimal('12.50'), decimal.Decimal('-0.01')], pa.decimal128(9, 2))})
pq.write_table(hard, os.path.join(folder, 'hard-types.parquet'))
