#!/usr/bin/env bash
# The chat templates that TRL 1.16.0 ships, rendered by transformers 5.24.0: what becomes of an assistant's message with a tool call is up to the template, mostly without an error.
# - Arguments as JSON text, as OpenAI's API gives them: qwen3 writes them as an object, qwen2_5, llama3_1 and llama3_2 encode them twice (a model learns to answer with a string), qwen3_5_think raises.
# - Text beside the call, and as an object: llama3_1 and llama3_2 leave the text out, so that sides that differ in it alone become the same.
# - llama3, phi3 and qwen2_5_vl leave the call out: a side that is a call alone is empty.
set -euo pipefail
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
cd "$at"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check transformers==5.24.0 jinja2==3.1.6
venv/bin/pip install --quiet --disable-pip-version-check --no-deps trl==1.16.0
cat > render.py <<'PY'
import os, sysconfig
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
folder = os.path.join(sysconfig.get_paths()['purelib'], 'trl', 'chat_templates')
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE(vocab={'a': 0}, merges=[])), eos_token='<e>', bos_token='<s>')
def rendered(content, arguments):
    call = {'type': 'function', 'function': {'name': 'look', 'arguments': arguments}}
    try:
        return tokenizer.apply_chat_template([{'role': 'user', 'content': 'Where?'}, {'role': 'assistant', 'content': content, 'tool_calls': [call]}], tokenize=False)
    except Exception as error:
        return type(error).__name__
for name in ('llama3', 'llama3_1', 'llama3_2', 'phi3', 'qwen2_5', 'qwen2_5_vl', 'qwen3', 'qwen3_5_think'):
    with open(os.path.join(folder, f'{name}.jinja')) as file:
        tokenizer.chat_template = file.read()
    called, text = rendered('BESIDE', {'at': 1}), rendered('', '{"at":1}')
    if 'look' not in called:
        print(name, 'leaves the call out')
        continue
    form = text if text.isidentifier() else 'encoded twice' if r'{\"at\":1}' in text else 'an object'
    print(name, 'text beside the call', 'kept' if 'BESIDE' in called else 'left out', '| arguments as text', form)
PY
output=$(TRANSFORMERS_VERBOSITY=error venv/bin/python render.py 2> /dev/null)
echo "$output"
[ "$output" = 'llama3 leaves the call out
llama3_1 text beside the call left out | arguments as text encoded twice
llama3_2 text beside the call left out | arguments as text encoded twice
phi3 leaves the call out
qwen2_5 text beside the call kept | arguments as text encoded twice
qwen2_5_vl leaves the call out
qwen3 text beside the call kept | arguments as text an object
qwen3_5_think text beside the call kept | arguments as text TypeError' ]
