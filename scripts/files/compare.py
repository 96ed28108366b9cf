"""Holds what was read against what the files hold: python compare.py FOLDER. See check_files.mjs.

The runs have said in cases.json how many rows they `dropped`. Prints JSON: for each case the first difference, or null. Of a case without FOLDER/<n>.read.jsonl nothing was read.
"""
import json
import os
import sys

from values import difference

home = sys.argv[1]
with open(os.path.join(home, 'cases.json')) as file:
    cases = json.load(file)['cases']
found = []
for n, case in enumerate(cases):
    read = os.path.join(home, f'{n}.read.jsonl')
    if not os.path.exists(read):
        found.append(None)
        continue
    with open(os.path.join(home, f'{n}.wanted.json')) as file:
        wanted = json.load(file)
    with open(read, encoding='utf8') as file:
        rows = [json.loads(line) for line in file.read().split('\n') if line]
    if os.path.isdir(case['path']):
        wanted.sort(key=lambda row: row['id'])
        rows.sort(key=lambda row: row['id'])
    # rows that are refused by their reason are none that was read
    ids = {row['id'] for row in rows}
    if case.get('dropped') and len(rows) + case['dropped'] == len(wanted):
        wanted = [row for row in wanted if row['id'] in ids]
    found.append(difference(wanted, rows, case['format'] == 'JSON Lines'))
print(json.dumps(found))
