#!/usr/bin/env bash
# Argilla 2.8.0: records as dicts, which is what records.to_json and to_disk write, have the value and the user of each response and not its status.
# - A discarded answer and a draft look like a submitted one, and are read back as one of no status.
# - The flat form of the same records (to_list with flatten, and so to_datasets) has the status, in a column of its own.
set -euo pipefail
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
cd "$at"
python3 -m venv venv
# argilla 2.8.0 imports requests and does not ask for it
venv/bin/pip install --quiet --disable-pip-version-check argilla==2.8.0 requests==2.32.5
cat > export.py <<'PY'
import uuid
import argilla as rg
from argilla.records._io import GenericIO
said = [rg.Response('decision', 'drop', user_id=uuid.UUID(int=n), status=status) for n, status in enumerate(('submitted', 'discarded', 'draft'))]
record = rg.Record(id='row-a', fields={'prompt': 'Hello.'}, responses=said)
whole = record.to_dict()
print('dict', sorted({key for one in whole['responses']['decision'] for key in one}))
print('read back', [one.status for one in rg.Record.from_dict(whole).responses])
print('flat', GenericIO.to_list([record], flatten=True)[0]['decision.responses.status'])
PY
output=$(venv/bin/python export.py 2> /dev/null)
echo "$output"
[ "$output" = "dict ['user_id', 'value']
read back [None, None, None]
flat ['submitted', 'discarded', 'draft']" ]
