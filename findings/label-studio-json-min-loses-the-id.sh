#!/usr/bin/env bash
# Label Studio's JSON-MIN export (label-studio-sdk 2.1.2, the converter of Label Studio 1.23) flattens a task's data beside its own number, under the same key.
# - A field `id` of the data, by which rows were to be found again, is replaced by the number of the task, without a word.
# - CSV of the same tasks keeps the data's `id` and leaves the task's number out: a column `id` means one or the other by the format.
set -euo pipefail
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
cd "$at"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check label-studio-sdk==2.1.2
cat > export.py <<'PY'
import csv, json
from label_studio_sdk.converter import Converter
config = '<View><Text name="text" value="$text"/><Choices name="choice" toName="text"><Choice value="keep"/><Choice value="drop"/></Choices></View>'
annotation = {
    'id': 3, 'completed_by': {'id': 1, 'email': 'someone@example.org'}, 'lead_time': 1, 'created_at': '2026-01-01T00:00:00Z', 'updated_at': '2026-01-01T00:00:00Z',
    'result': [{'from_name': 'choice', 'to_name': 'text', 'type': 'choices', 'value': {'choices': ['drop']}}],
}
with open('tasks.json', 'w') as file:
    json.dump([{'id': 7, 'data': {'id': 'row-a', 'text': 'Hello.'}, 'annotations': [annotation]}], file)
converter = Converter(config, project_dir='.')
converter.convert_to_json_min('tasks.json', 'min', is_dir=False)
converter.convert_to_csv('tasks.json', 'csv', is_dir=False, header=True, sep=',')
with open('min/result.json') as file:
    print('JSON-MIN', json.load(file)[0]['id'])
with open('csv/result.csv') as file:
    print('CSV', next(csv.DictReader(file))['id'])
PY
output=$(venv/bin/python export.py 2> /dev/null)
echo "$output"
[ "$output" = 'JSON-MIN 7
CSV row-a' ]
