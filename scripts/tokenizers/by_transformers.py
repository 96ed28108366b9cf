"""Tokenizes pairs as TRL's DPOTrainer does, by transformers: python by_transformers.py FOLDER reads cases.json there."""
import json, sys
from datetime import datetime
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

home = sys.argv[1]
class Day(datetime):
    """The day that Sluice gives to templates."""
    now = classmethod(lambda of: of(2024, 7, 26))

chat_template_utils.datetime = Day
given = json.load(open(f'{home}/cases.json'))

def common(a, b):
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return n

def tokenizer_of(case):
    config = json.load(open(f"{case['folder']}/tokenizer_config.json"))
    text = lambda token: token['content'] if isinstance(token, dict) else token
    special = {name: text(token) for name, token in config.items() if name.endswith('_token') and isinstance(text(token), str)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{case['folder']}/tokenizer.json", **special)
    tokenizer.chat_template = open(case['template']).read() if 'template' in case else config.get('chat_template')
    return tokenizer

def pair(tokenizer, row, chat):
    said = lambda side: [{'role': 'assistant', 'content': row[side]}]
    if chat:
        write = lambda messages, **more: tokenizer(tokenizer.apply_chat_template(messages, tokenize=False, **more), add_special_tokens=False)['input_ids']
        prompt = write(row['prompt'], add_generation_prompt=True)
        sides = [write(row['prompt'] + said(side)) for side in ('chosen', 'rejected')]
    else:
        text = ''.join(message['content'] for message in row['prompt'])
        prompt, *sides = [tokenizer(text + row.get(side, ''))['input_ids'] for side in ('none', 'chosen', 'rejected')]
    end = min(common(prompt, side) for side in sides)
    return {'prompt': prompt[:end], 'chosen': sides[0][end:], 'rejected': sides[1][end:]}

out = []
for case in given['cases']:
    tokenizer, rows = tokenizer_of(case), []
    for row in given['rows']:
        try:
            rows.append(pair(tokenizer, row, case.get('own') or 'template' in case))
        except Exception as error:
            rows.append(f'{type(error).__name__}: {error}')
    out.append(rows)
json.dump(out, open(f'{home}/theirs.json', 'w'))
