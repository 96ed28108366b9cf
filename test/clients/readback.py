"""Reads a published run as its users do and holds it against its manifest, its ledger and its source files.

    python readback.py OUT [--base FOLDER]

OUT is the output folder of a run (or the folder of one run); paths in the manifest that are relative are relative to FOLDER, the working directory unless given. Prints one
line for each check that fails and ends with `N passed, N failed`; the exit code is 1 if any failed.
"""
import argparse
import glob
import hashlib
import json
import os
import sys
import tempfile
from collections import Counter

os.environ.update(HF_HUB_OFFLINE='1', HF_DATASETS_OFFLINE='1', HF_DATASETS_DISABLE_PROGRESS_BARS='1')
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, concatenate_datasets, load_dataset, load_from_disk

SIDES = ('prompt', 'chosen', 'rejected')
# names that change what TRL trains when a column has them
RESERVED = {'images', 'image', 'tools', 'chat_template_kwargs', 'messages', 'completion', 'completions', 'label', 'labels', 'margin', 'prompt_ids', 'chosen_ids', 'rejected_ids',
            'prompt_input_ids', 'chosen_input_ids', 'rejected_input_ids', 'ref_chosen_logps', 'ref_rejected_logps'}
passed, failed = 0, 0


def check(name, ok, detail=''):
    """Counts a check; `detail` is text, or a function that makes it."""
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f'FAIL {name}: {detail() if callable(detail) else detail}')
    return bool(ok)


def first_difference(a, b):
    """Where two lists part, in words."""
    if len(a) != len(b):
        return f'{len(a)} against {len(b)} rows'
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return f'row {i}: {str(x)[:300]} against {str(y)[:300]}'
    return 'none'


def same(name, a, b):
    return check(name, a == b, lambda: first_difference(a, b))


def read_streams(folder):
    tables = [pa.ipc.open_stream(path).read_all() for path in sorted(glob.glob(os.path.join(glob.escape(folder), '*.arrow')))]
    return pa.concat_tables(tables, promote_options='default') if tables else None


# --- what TRL asks of a data set, by its rules written down again

def is_message(value):
    return isinstance(value, dict) and isinstance(value.get('role'), str) and isinstance(value.get('content'), str)


def is_conversational(value):
    """TRL looks at the first element of a list alone; here every element must be a message."""
    return isinstance(value, list) and len(value) > 0 and all(is_message(message) for message in value)


def check_trl(name, columns, is_checked):
    missing = [side for side in SIDES if side not in columns]
    if not check(f'{name}: explicit prompt, chosen and rejected', not missing, f'no column {missing}'):
        return
    check(f'{name}: no name that TRL reserves', not RESERVED & set(columns), f'{RESERVED & set(columns)}')
    kinds = Counter()
    for side in SIDES:
        for value in columns[side]:
            kinds['messages' if is_conversational(value) else 'text' if isinstance(value, str) else f'neither: {str(value)[:100]}'] += 1
    check(f'{name}: all sides conversational or all text', len(kinds) <= 1 and all(kind in ('messages', 'text') for kind in kinds), dict(kinds))
    if 'messages' in kinds:
        check(f'{name}: sides are of the assistant', all(row[0]['role'] == 'assistant' and row[-1]['role'] == 'assistant' for side in SIDES[1:] for row in columns[side]), 'another role')
    if is_checked:
        identical = sum(a == b for a, b in zip(columns['chosen'], columns['rejected']))
        check(f'{name}: no pair of equal sides', identical == 0, f'{identical} pairs')


# --- source rows as pairs, for the layouts that need no judgement

def said(value, role):
    """A prompt or a side as (role, content) tuples."""
    if isinstance(value, str):
        return [(role, value)]
    messages = value if isinstance(value, list) else [value]
    return [(message['role'], message['content']) for message in messages]


def from_json(value, role):
    try:
        messages = json.loads(value)
        if isinstance(messages, list) and all(is_message(message) for message in messages):
            return said(messages, role)
    except (TypeError, ValueError):
        pass
    return said(value, role)


def pair_of(layout, row):
    if layout in ('text', 'mixed'):
        return said(row['prompt'], 'user'), said(row['chosen'], 'assistant'), said(row['rejected'], 'assistant')
    if layout == 'json' and 'prompt' in row:
        return from_json(row['prompt'], 'user'), from_json(row['chosen'], 'assistant'), from_json(row['rejected'], 'assistant')
    if layout == 'messages':
        prompt, *sides = (said(row[side], None) for side in SIDES)
        return [prompt] + [side[len(prompt):] if side[:len(prompt)] == prompt else side for side in sides]
    if layout == 'implicit':
        chosen, rejected = said(row['chosen'], None), said(row['rejected'], None)
        shared = 0
        while shared < min(len(chosen), len(rejected)) and chosen[shared] == rejected[shared]:
            shared += 1
        return chosen[:shared], chosen[shared:], rejected[shared:]
    return None


def read_sources(manifest, base):
    """For each input: its label, its layout, and its rows as pyarrow reads them (None where it is no Parquet file)."""
    sources = []
    for source in manifest['inputs']:
        path = os.path.join(base, source['path'])
        with open(path, 'rb') as file:
            head = file.read(4)
            digest = hashlib.file_digest(file, 'sha256').hexdigest() if not file.seek(0) else ''
        check(f"{source['path']}: sha256 as in the manifest", digest == source['sha256'], digest)
        table = pq.ParquetFile(path).read() if head == b'PAR1' else None
        if table is not None:
            check(f"{source['path']}: rows as in the manifest", table.num_rows == source['rows'], f"{table.num_rows} against {source['rows']}")
            for name in SIDES + ('id',):
                at = table.schema.get_field_index(name)
                if at >= 0 and pa.types.is_binary(table.schema.field(at).type):
                    table = table.set_column(at, name, table[name].cast(pa.string()))
        sources.append((source['path'], source['layout'], table.to_pylist() if table is not None else None))
    return sources


# --- the run

def check_files(run, manifest):
    wrong = []
    for path, told in manifest['files'].items():
        full = os.path.join(run, path)
        if not os.path.exists(full):
            wrong.append(f'{path} is missing')
            continue
        with open(full, 'rb') as file:
            if told and (hashlib.file_digest(file, 'sha256').hexdigest() != told['sha256'] or os.path.getsize(full) != told['bytes']):
                wrong.append(f'{path} differs')
    check('files are what the manifest says', not wrong, wrong)
    there = {os.path.relpath(os.path.join(folder, name), run) for folder, _, names in os.walk(run) for name in names}
    extra = there - set(manifest['files']) - {'manifest.json', 'timings.json'}
    check('no file that the manifest does not know', not extra, extra)


def check_ledger(run, manifest):
    ledger = read_streams(os.path.join(run, 'ledger')).to_pylist()
    rows = manifest['rows']
    check('ledger: a row for each row read', len(ledger) == rows['read'], f"{len(ledger)} against {rows['read']}")
    check('manifest: kept + dropped + errored = read', rows['kept'] + rows['dropped'] + rows['errored'] == rows['read'], rows)
    outcomes = Counter(row['outcome'] for row in ledger)
    same('ledger: outcomes as in the manifest', {name: outcomes.get(name, 0) for name in ('kept', 'dropped', 'errored')}, {name: rows[name] for name in ('kept', 'dropped', 'errored')})
    if 'limit' not in manifest:
        expected = [(source['path'], row) for source in manifest['inputs'] for row in range(source['rows'])]
        same('ledger: each (file, row) once, in order', [(row['file'], row['row']) for row in ledger], expected)
    review = {stage['id'] for stage in manifest['graph']['stages'] if stage['with'].get('for') == 'review'}
    check('ledger: a row is kept if and only if it is in a sink to train on',
          all((row['outcome'] == 'kept') == (len(set(row['sinks']) - review) > 0) for row in ledger))
    check('ledger: a row that is not kept has a reason', all(row['reason'] for row in ledger if row['outcome'] != 'kept'))
    told = Counter((row['stage'], row['reason']) for row in ledger if row['outcome'] == 'dropped' and row['stage'])
    many = {f'{stage}.{reason}': (count, manifest['stages'][stage]['reasons'].get(reason, 0)) for (stage, reason), count in told.items()
            if count > manifest['stages'][stage]['reasons'].get(reason, 0)}
    check('ledger: no reason more often than the manifest counts it', not many, many)
    for stage, counts in manifest['stages'].items():
        check(f'{stage}: its reasons add up to its drops', sum(counts['reasons'].values()) == counts['dropped'], counts)
        # an audit hands on no row
        hands_on = counts['use'] != 'read_parquet' and not counts['use'].startswith('audit_')
        if counts['derived'] == 0 and hands_on and not counts['notes'] and stage not in manifest['sinks']:
            check(f'{stage}: in = out + dropped + errored', counts['in'] == counts['out'] + counts['dropped'] + counts['errored'], counts)
    return ledger


def check_dropped(run, manifest, ledger, base):
    by_key = {(os.path.join(base, row['file']), row['row']): row for row in ledger}
    counted = Counter()
    for folder in sorted(glob.glob(os.path.join(run, 'dropped', '*'))):
        name = os.path.basename(folder)
        rows = read_streams(folder).to_pylist()
        own = [by_key.get((os.path.join(base, row['source_file']), row['source_row'])) for row in rows]
        check(f'dropped/{name}: each row is in the ledger, by file and row', all(own), lambda: f"{rows[own.index(None)]['source_file']}:{rows[own.index(None)]['source_row']}")
        check(f'dropped/{name}: ids as in the ledger', all(not entry or entry['id'] == row['id'] for entry, row in zip(own, rows)))
        check(f'dropped/{name}: each row has a reason', all(row['dropped_reason'] for row in rows))
        for row in rows:
            counted[row['dropped_by']] += 1
    for stage, counts in manifest['stages'].items():
        expected = counts['dropped'] + counts['errored']
        check(f'dropped/{stage}: as many rows as the manifest says', counted[stage] == expected, f'{counted[stage]} against {expected}')


def load_sink(run, sink, told):
    """The rows of a sink by every loader that its form has; None where one of them fails."""
    folder = os.path.join(run, sink)
    if os.path.exists(os.path.join(folder, 'state.json')):
        with open(os.path.join(folder, 'state.json')) as file:
            shards = [os.path.join(folder, entry['filename']) for entry in json.load(file)['_data_files']]
        check(f'{sink}: state.json names every shard', sorted(shards) == sorted(glob.glob(os.path.join(glob.escape(folder), '*.arrow'))), shards)
        batches = [batch.num_rows for shard in shards for batch in pa.ipc.open_stream(shard)]
        check(f'{sink}: record batches of at most 1,000 rows', all(0 < n <= 1000 for n in batches), batches)
        rows = load_from_disk(folder).to_list()
        same(f'{sink}: Dataset.from_file gives the same', concatenate_datasets([Dataset.from_file(shard) for shard in shards]).to_list(), rows)
        if told['rows'] > 0:
            # by the dataset card of the run where that names it: lists for people are no configuration
            card = os.path.join(run, 'README.md')
            named = os.path.exists(card) and f'config_name: {sink}\n' in open(card, encoding='utf-8').read()
            how = {'path': run, 'name': sink} if named else {'path': 'arrow', 'data_files': shards}
            with tempfile.TemporaryDirectory() as cache:
                same(f'{sink}: load_dataset gives the same', load_dataset(**how, split='train', cache_dir=cache).to_list(), rows)
        return rows
    if os.path.exists(path := os.path.join(folder, 'data.parquet')):
        rows = pq.read_table(path).to_pylist()
        names = ', '.join(f'"{name}"' for name in ('id',) + SIDES)
        seen = duckdb.sql(f"select {names} from read_parquet('{path}')").fetchall()
        same(f'{sink}: DuckDB reads the same', [list(row) for row in seen], [[row[name] for name in ('id',) + SIDES] for row in rows])
        return rows
    if os.path.exists(path := os.path.join(folder, 'data.jsonl')):
        with open(path, encoding='utf-8') as file:
            rows = [json.loads(line) for line in file]
        check(f'{sink}: every line has the same keys', len({tuple(row) for row in rows}) <= 1)
        return rows
    return check(f'{sink}: has a form that is known here', False, os.listdir(folder)) or None


def check_sink(run, manifest, ledger, sources, sink, told):
    rows = load_sink(run, sink, told)
    if rows is None:
        return
    check(f'{sink}: rows as in the manifest', len(rows) == told['rows'], f"{len(rows)} against {told['rows']}")
    if rows:
        check(f'{sink}: columns as in the manifest', list(rows[0]) == told['columns'], list(rows[0]))
    if os.path.exists(os.path.join(run, sink, 'state.json')):
        check_trl(sink, {name: [row[name] for row in rows] for name in told['columns']},
                  any(stage['use'] == 'check_pairs' for stage in manifest['graph']['stages']))
    parents = [f"{stage['id']}_parent" for stage in manifest['graph']['stages'] if f"{stage['id']}_parent" in told['columns']]
    parent_of = [next((row[name] for name in parents if row[name] is not None), None) for row in rows]
    own = [row for row, parent in zip(rows, parent_of) if parent is None]
    ids, last, astray = {row['id'] for row in own}, None, []
    for row, parent in zip(rows, parent_of):
        if parent is None:
            last = row['id']
        elif parent in ids and parent != last:
            astray.append(f'{parent} after {last}')
    check(f'{sink}: a derived pair follows its parent', not astray, astray[:3])
    listed = [row for row in ledger if sink in row['sinks']]
    layouts = {path: (layout, table) for path, layout, table in sources}
    options = next(stage.get('with', {}) for stage in manifest['graph']['stages'] if stage['id'] == sink)
    if (by := options.get('order_by')) is not None:
        values = [row[by] for row in rows]
        check(f'{sink}: rows in the order of {by}', values == sorted(values, reverse=options.get('descending', False)), values[:5])
        places = {row['id']: i for i, row in reversed(list(enumerate(listed)))}
        own.sort(key=lambda row: places.get(row['id'], -1))
    if len(own) != len(listed):
        # one source row became several pairs: then the order of rows is what can be held against the ledger
        ids = [row['id'] for row in own]
        same(f'{sink}: rows in the order of the ledger', [id for i, id in enumerate(ids) if i == 0 or ids[i - 1] != id], [row['id'] for row in listed])
        return
    same(f'{sink}: ids in the order of the ledger', [row['id'] for row in own], [row['id'] for row in listed])
    wrong, compared = [], 0
    for row, entry in zip(own, listed):
        layout, table = layouts[entry['file']]
        pair = pair_of(layout, table[entry['row']]) if table is not None else None
        if pair is None:
            continue
        compared += 1
        got = [said(row[side], 'user' if side == 'prompt' else 'assistant') for side in SIDES]
        if got != [list(side) for side in pair]:
            wrong.append(f"{entry['file']}:{entry['row']}")
    if compared:
        check(f'{sink}: prompt, chosen and rejected equal the source row', not wrong, f'{len(wrong)} of {compared}: {wrong[:5]}')


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('out')
    arguments.add_argument('--base', default='.')
    told = arguments.parse_args()
    run = os.path.realpath(os.path.join(told.out, 'latest') if os.path.exists(os.path.join(told.out, 'latest')) else told.out)
    base = os.path.realpath(told.base)
    with open(os.path.join(run, 'manifest.json'), encoding='utf-8') as file:
        manifest = json.load(file)
    check_files(run, manifest)
    ledger = check_ledger(run, manifest)
    check_dropped(run, manifest, ledger, base)
    sources = read_sources(manifest, base)
    for sink, counts in manifest['sinks'].items():
        check_sink(run, manifest, ledger, sources, sink, counts)
    print(f'{passed} passed, {failed} failed')
    sys.exit(1 if failed else 0)


main()
