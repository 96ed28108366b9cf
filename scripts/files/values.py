"""Values of files in the form that write_jsonl gives them, and whether two of them are the same. See check_files.mjs."""
import base64
import datetime
import json
import math
import uuid

import pyarrow as pa
import pyarrow.types as t

PAIR = ['id', 'prompt', 'chosen', 'rejected']
DIGITS = {'s': 0, 'ms': 3, 'us': 6, 'ns': 9}


def clock(value, unit):
    seconds, rest = divmod(value, 10 ** DIGITS[unit])
    whole = f'{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}'
    return f'{whole}.{rest:0{DIGITS[unit]}}' if DIGITS[unit] else whole


def instant(value, kind):
    days, rest = divmod(value, 86400 * 10 ** DIGITS[kind.unit])
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
    return f'{day.isoformat()}T{clock(rest, kind.unit)}{"Z" if kind.tz else ""}'


def form(value):
    """Of a scalar of pyarrow, as docs/stages/write_jsonl.md says it."""
    kind = value.type
    if not value.is_valid or t.is_null(kind):
        return None
    if isinstance(kind, pa.BaseExtensionType):
        inner = value.value
        return str(uuid.UUID(bytes=inner.as_py())) if kind.extension_name == 'arrow.uuid' else form(inner)
    if t.is_dictionary(kind) or t.is_run_end_encoded(kind):
        return value.as_py()
    if t.is_floating(kind):
        number = value.as_py()
        return number if math.isfinite(number) else None
    if t.is_decimal(kind):
        return format(value.as_py(), 'f')
    if t.is_timestamp(kind):
        return instant(value.value, kind)
    if t.is_time(kind):
        return clock(value.value, kind.unit)
    if t.is_date(kind):
        return value.as_py().isoformat()
    if t.is_duration(kind):
        return value.value
    if t.is_struct(kind):
        return {name: form(part) for name, part in value.items()}
    if t.is_nested(kind):
        return [form(part) for part in value.values]
    if isinstance(value.as_py(), bytes):
        return base64.b64encode(value.as_py()).decode()
    return value.as_py()


def said(value):
    """What is text or messages to people: bytes are text, and a field that is null is none."""
    kind = value.type
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_binary_view(kind) or t.is_fixed_size_binary(kind):
        return value.as_py().decode() if value.is_valid else None
    if t.is_struct(kind) and value.is_valid:
        return {name: said(part) for name, part in value.items() if part.is_valid}
    if t.is_nested(kind) and value.is_valid:
        return [said(part) for part in value.values]
    return form(value)


def rows_of(table):
    """Rows of a table of pyarrow; ids are text."""
    columns = {}
    for name in table.column_names:
        values = [value for chunk in table[name].chunks for value in chunk]
        columns[name] = [(said if name in PAIR else form)(value) for value in values]
    if 'id' in columns:
        columns['id'] = [str(value) for value in columns['id']]
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def same(wanted, got, is_json=False):
    """Equal by kind too. `is_json`: lists and objects beside the pair, and of no one kind, are JSON text."""
    if is_json and isinstance(got, str) and not isinstance(wanted, str):
        return same(wanted, json.loads(got))
    if isinstance(wanted, float) and not math.isfinite(wanted):
        wanted = None
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, (int, float)) and isinstance(got, (int, float)):
        return wanted == got
    if type(wanted) is not type(got):
        return False
    if isinstance(wanted, dict):
        return wanted.keys() == got.keys() and all(same(wanted[key], got[key]) for key in wanted)
    if isinstance(wanted, list):
        return len(wanted) == len(got) and all(map(same, wanted, got))
    return wanted == got


def difference(wanted, got, is_json):
    """The first place where rows differ, else None. `source_other` holds what the first rows of JSON Lines lacked."""
    if len(wanted) != len(got):
        return f'{len(wanted)} rows are {len(got)}'
    for i, (want, row) in enumerate(zip(wanted, got)):
        if is_json:
            other = row.pop('source_other', None)
            row = {**row, **(json.loads(other) if other else {})}
            want = {**dict.fromkeys(row), **want}
        for name in want.keys() | row.keys():
            if name not in row or name not in want:
                return f'row {i}: column {name} is in {"the file" if name in want else "what was read"} alone'
            if not same(want[name], row[name], is_json and name not in PAIR):
                return f'row {i}, {name}: wanted {json.dumps(want[name])[:300]}, got {json.dumps(row[name])[:300]}'
    return None
