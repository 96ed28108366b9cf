"""Holds written forms against the Parquet file that they were made of: python same_rows.py FILE.parquet FOLDER...

A folder is a data set of Arrow shards, or holds data.parquet or data.jsonl. Ends with `N passed, N failed`.
"""
import base64
import glob
import json
import os
import sys

os.environ.update(HF_HUB_OFFLINE='1', HF_DATASETS_OFFLINE='1', HF_DATASETS_DISABLE_PROGRESS_BARS='1')
import duckdb
import pyarrow.parquet as pq
from datasets import load_from_disk


def as_json(value):
    """What write_jsonl says it makes of a value."""
    if isinstance(value, dict):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, list):
        return [as_json(part) for part in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, 'hour'):
        return value.isoformat(timespec='milliseconds').replace('+00:00', 'Z')
    if hasattr(value, 'isoformat'):
        return value.isoformat()
    return value


passed, failed = 0, 0
source = pq.read_table(sys.argv[1]).to_pylist()
for folder in sys.argv[2:]:
    expected = source
    if os.path.exists(path := os.path.join(folder, 'data.parquet')):
        forms = [('pyarrow', pq.read_table(path).to_pylist())]
        relation = duckdb.sql(f"set timezone = 'UTC'; select * from read_parquet('{path}')")
        rows = [dict(zip(relation.columns, row)) for row in relation.fetchall()]
        # DuckDB takes the converted type of an instant for a local time
        forms.append(('DuckDB', [{name: value.replace(tzinfo=source[i][name].tzinfo) if hasattr(value, 'hour') else value for name, value in row.items()} for i, row in enumerate(rows)]))
    elif os.path.exists(path := os.path.join(folder, 'data.jsonl')):
        with open(path, encoding='utf-8') as file:
            forms = [('json', [json.loads(line) for line in file])]
        expected = as_json(source)
    else:
        forms = [('load_from_disk', load_from_disk(folder).to_list())]
    for name, rows in forms:
        wrong = [i for i, (a, b) in enumerate(zip(rows, expected)) if a != b]
        if len(rows) == len(expected) and not wrong:
            passed += 1
        else:
            failed += 1
            print(f'FAIL {folder} by {name}: {len(rows)} rows against {len(expected)}; row {wrong[:1]} differs: {str(rows[wrong[0]])[:400] if wrong else ""} against {str(expected[wrong[0]])[:400] if wrong else ""}')
print(f'{passed} passed, {failed} failed')
sys.exit(1 if failed else 0)
