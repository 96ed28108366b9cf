#!/usr/bin/env bash
# pyarrow 26.0.1. A table with the timestamp 9999-12-31 (the usual "no end" of Spark tables) that pyarrow itself writes
# as INT96, which is also Spark's default, is read back by pyarrow as 1816-03-29, without a warning: INT96 is read as
# nanoseconds in 64 bits, which hold 1677 to 2262. The bytes are right: coerce_int96_timestamp_unit='us' gives
# 9999-12-31, and so does DuckDB 1.4.2. So rows that are filtered or split by such a column go the wrong way.
set -euo pipefail
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
cd "$at"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1 duckdb==1.4.2
cat > try.py <<'PY'
import datetime
import duckdb, pyarrow as pa, pyarrow.parquet as pq
ends = [datetime.datetime(9999, 12, 31), datetime.datetime(2026, 11, 28)]
table = pa.table({'until': pa.array(ends, pa.timestamp('us'))})
pq.write_table(table, 'x.parquet', use_deprecated_int96_timestamps=True)
text = lambda column: ' '.join(str(value)[:10] for value in column.cast(pa.timestamp('ns'), safe=False).cast(pa.string()).to_pylist())
print('pyarrow', text(pq.read_table('x.parquet')['until']))
micros = pq.read_table('x.parquet', coerce_int96_timestamp_unit='us')['until'].to_pylist()
print('pyarrow, in microseconds', *(str(value)[:10] for value in micros))
print('duckdb', *(str(value)[:10] for value, in duckdb.sql("select until from 'x.parquet'").fetchall()))
PY
output=$(venv/bin/python try.py)
echo "$output"
[ "$output" = 'pyarrow 1816-03-29 2026-11-28
pyarrow, in microseconds 9999-12-31 2026-11-28
duckdb 9999-12-31 2026-11-28' ]
