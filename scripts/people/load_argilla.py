"""Loads lists into Argilla as a user does, answers some records, and exports them in every form. See check_people.mjs.

    load_argilla.py URL KEY FOLDER NAME ANSWERS OUT

ANSWERS is JSON: a list of [word, status], for the first records. Writes into OUT, and prints what the server has as one line of JSON.
"""
import json
import os
import sys
import warnings

import argilla as rg
import httpx

warnings.filterwarnings('ignore')
url, key, folder, name, answers, out = sys.argv[1:]
client = rg.Argilla(api_url=url, api_key=key)
if client.workspaces('review') is None:
    rg.Workspace(name='review', client=client).create()
dataset = rg.Dataset.from_disk(folder, name=name, workspace='review', client=client)
http = httpx.Client(base_url=url, headers={'X-Argilla-Api-Key': key})
by_id = {record.id: record for record in dataset.records}
for written, (word, status) in zip(json.load(open(os.path.join(folder, 'records.json'))), json.loads(answers)):
    values = {'decision': {'value': word}, 'note': {'value': 'because'}}
    answer = {'values': values, 'status': status}
    http.post(f"/api/v1/records/{by_id[written['id']]._server_id}/responses", json=answer).raise_for_status()
os.makedirs(out)
dataset.records.to_json(os.path.join(out, 'records.json'))
answered = dataset.records(with_responses=True, with_suggestions=True)
with open(os.path.join(out, 'flat.json'), 'w') as file:
    json.dump(answered.to_list(flatten=True), file)
dataset.records(with_responses=True).to_datasets().to_parquet(os.path.join(out, 'records.parquet'))
# loaded again, a list is the same records, and answers stay
rg.Dataset.from_disk(folder, name=name, workspace='review', client=client)
os.makedirs(os.path.join(out, 'disk'))
dataset.to_disk(os.path.join(out, 'disk'))
print(json.dumps({
    'id': str(dataset.id),
    'guidelines': dataset.guidelines,
    'questions': [question.name for question in dataset.questions],
    'records': [{key: value for key, value in record.to_dict().items() if key in ('id', 'fields', 'metadata', 'suggestions')} for record in dataset.records(with_suggestions=True)],
}))
