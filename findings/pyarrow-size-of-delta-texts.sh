#!/usr/bin/env bash
# pyarrow 26.0.1. The footer's unencoded_byte_array_data_bytes, from which a reader may plan its memory (size statistics, Parquet 2.10), is too small by some bytes for texts encoded as DELTA_BYTE_ARRAY, with and
# without nulls. The values themselves are right, and in the other encodings the number is too. So a reader may not hold its texts against that number.
set -euo pipefail
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
cd "$at"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts hyparquet@1.31.5
cat > write.py <<'PY'
import random
import pyarrow as pa, pyarrow.parquet as pq
draw = random.Random(2)
texts = [''.join(draw.choice('abc ') for _ in range(draw.randrange(90))) for _ in range(3000)]
nulls = set(draw.sample(range(3000), 200))
columns = {'whole': texts, 'nulls': [None if i in nulls else text for i, text in enumerate(texts)]}
for name, column in columns.items():
    size = sum(len(text) for text in column if text is not None)
    for encoding in ('PLAIN', 'DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY'):
        file = f'{name}-{encoding}-{size}.parquet'
        pq.write_table(pa.table({'text': column}), file, use_dictionary=False, column_encoding={'text': encoding})
        assert pq.read_table(file)['text'].to_pylist() == column
PY
cat > read.mjs <<'JS'
import { readdirSync, readFileSync } from 'node:fs'
import { parquetMetadata } from 'hyparquet'
for (const file of readdirSync('.').filter(name => name.endsWith('.parquet')).sort()) {
  const [name, encoding, size] = file.replace('.parquet', '').split('-')
  const { row_groups: [{ columns: [{ meta_data: meta }] }] } = parquetMetadata(new Uint8Array(readFileSync(file)).buffer)
  console.log(name, encoding, Number(meta.size_statistics.unencoded_byte_array_data_bytes) - Number(size))
}
JS
venv/bin/python write.py
output=$(node read.mjs)
echo "$output"
[ "$output" = 'nulls DELTA_BYTE_ARRAY -13
nulls DELTA_LENGTH_BYTE_ARRAY 0
nulls PLAIN 0
whole DELTA_BYTE_ARRAY -11
whole DELTA_LENGTH_BYTE_ARRAY 0
whole PLAIN 0' ]
