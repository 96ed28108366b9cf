"""Holds shards and lines against the JSON Lines that they were made of: python same_lines.py FILE.jsonl FOLDER...

Ends with `N passed, N failed`.
"""
import json
import os
import sys

os.environ.update(HF_HUB_OFFLINE='1', HF_DATASETS_OFFLINE='1', HF_DATASETS_DISABLE_PROGRESS_BARS='1')
from datasets import load_from_disk


def lines(path):
    with open(path, encoding='utf-8') as file:
        return [json.loads(line) for line in file]


passed, failed = 0, 0
expected = lines(sys.argv[1])
for folder in sys.argv[2:]:
    is_arrow = os.path.exists(os.path.join(folder, 'state.json'))
    rows = load_from_disk(folder).to_list() if is_arrow else lines(os.path.join(folder, 'data.jsonl'))
    wrong = [i for i, (a, b) in enumerate(zip(rows, expected)) if a != b]
    if len(rows) == len(expected) and not wrong:
        passed += 1
    else:
        failed += 1
        print(f'FAIL {folder}: {len(rows)} rows against {len(expected)}; {wrong[:1]}: {[(rows[i], expected[i]) for i in wrong[:1]]}')
print(f'{passed} passed, {failed} failed')
sys.exit(1 if failed else 0)
