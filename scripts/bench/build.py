"""Builds the input of the benchmark from real pairs: python build.py DATA FOLDER ROWS [BYTES | night]

Every set below DATA that has prompt, chosen and rejected, all rows shuffled together, its messages flattened to text (`role: content`, blank lines between). Rows without two sides are left out, and rows
that Sluice's checks fault for what the compared script has no rule for: a blank prompt, sides equal but for white space, pairs that an earlier one contradicts. All else is kept as it is.
When the sets end they are gone through again, each round with every fifth word (of text without spaces: character) exchanged for a word of the corpus, from another place each round, so
that no five words in a row stay together and no row is a near-duplicate of its original; the last word always is exchanged. 5 % of the rows are planted: half of them exact duplicates (upper case, or other white
space), half near-duplicates (one word of a row of at least 60 exchanged). All of it is shuffled and the same every time.

Writes pairs-snappy.parquet and pairs-zstd.parquet (row groups of 20,000) and prints what it did as JSON. With BYTES it writes big-ordinary.parquet and big-one-group.parquet instead:
pairs-snappy.parquet over and over to that size, in row groups of 20,000 and in a single one. With the word night in its place it cuts
pairs-snappy.parquet into night-first.parquet night-more.parquet, which has a 21st of the rows.
"""
import glob
import json
import os
import random
import re
import sys

import pyarrow as pa
import pyarrow.parquet as pq

data, folder, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
SIDES = ('prompt', 'chosen', 'rejected')


def write_big(size):
    path = os.path.join(folder, 'pairs-snappy.parquet')
    table = pq.read_table(path)
    # the copies share their memory
    big = pa.concat_tables([table] * -(-size // os.path.getsize(path)))
    for name, group in (('ordinary', 20_000), ('one-group', big.num_rows)):
        pq.write_table(big, os.path.join(folder, f'big-{name}.parquet'), compression='snappy', row_group_size=group)
    print(json.dumps({'rows': big.num_rows, 'bytes': os.path.getsize(os.path.join(folder, 'big-ordinary.parquet'))}))


def write_night():
    table = pq.read_table(os.path.join(folder, 'pairs-snappy.parquet'))
    first = rows * 20 // 21
    for name, part in (('first', table.slice(0, first)), ('more', table.slice(first))):
        pq.write_table(part, os.path.join(folder, f'night-{name}.parquet'), compression='snappy', row_group_size=20_000)
    print(json.dumps({'first': first, 'more': table.num_rows - first}))


def flatten(value):
    return value if isinstance(value, str) else '\n\n'.join(f"{message['role']}: {message['content']}" for message in value)


def fold(text):
    return ' '.join(text.lower().split())


def real_pairs():
    left, pairs, seen = {'one side is missing': 0, 'blank prompt': 0, 'equal but for white space': 0, 'contradicts an earlier pair': 0}, [], set()
    for path in sorted(glob.glob(os.path.join(data, '*', '*.parquet'))):
        if not set(SIDES) <= set(pq.read_schema(path).names) or 'parquet-dialects' in path:
            continue
        name = os.path.basename(os.path.dirname(path)) + '-' + os.path.basename(path)[:-len('.parquet')]
        for i, row in enumerate(pq.read_table(path, columns=list(SIDES)).to_pylist()):
            if any(row[side] is None for side in SIDES):
                left['one side is missing'] += 1
                continue
            prompt, chosen, rejected = (flatten(row[side]) for side in SIDES)
            key = (fold(prompt), fold(chosen), fold(rejected))
            if not prompt.strip():
                left['blank prompt'] += 1
            elif chosen != rejected and chosen.strip() == rejected.strip() != '':
                left['equal but for white space'] += 1
            elif (key[0], key[2], key[1]) in seen and key[1] != key[2]:
                left['contradicts an earlier pair'] += 1
            else:
                seen.add(key)
                pairs.append((f'{name}-{i}', prompt, chosen, rejected))
    return pairs, left


SPACE = re.compile(r'(\s+)')


def tokens(text):
    """Words at even places and what parts them at odd ones; characters where writing has no spaces."""
    parts = SPACE.split(text)
    if len(text) > 12 * len(parts):
        parts = [part for character in text for part in (character, '')][:-1]
    return parts


def exchange(text, places, corpus, at):
    parts = tokens(text)
    count = (len(parts) + 1) // 2
    for place in places(count):
        if parts[2 * place]:
            parts[2 * place] = corpus[(at + place * 977) % len(corpus)]
    return ''.join(parts)


def build():
    pairs, left = real_pairs()
    chance = random.Random(17)
    chance.shuffle(pairs)
    corpus = [word for _, _, chosen, _ in pairs[::7] for word in chosen.split()[:40] if len(word) < 20]
    planted = rows // 20
    out = []
    for n in range(rows - planted):
        name, *sides = pairs[n % len(pairs)]
        turn = n // len(pairs)
        if turn > 0:
            at = n * 7919 + turn * 104_729
            sides = [exchange(side, lambda count: [*range(turn % 5, count, 5), count - 1], corpus, at) for side in sides]
        out.append((f'{name}-{turn}', *sides))
    originals = chance.sample(range(len(out)), min(len(out), 3 * planted))
    exact, near = [], []
    for n in originals:
        name, prompt, chosen, rejected = out[n]
        if len(exact) < planted - planted // 2:
            changed = (prompt.upper(), chosen, rejected) if n % 2 else (prompt, chosen.replace(' ', '  '), f'{rejected}\n')
            # some letters do not come back from upper case; equal sides would become equal but for white space
            if fold(changed[0]) == fold(prompt) and chosen.strip() != rejected.strip():
                exact.append((f'{name}-exact', *changed))
        elif len(near) < planted // 2 and len(prompt.split()) + len(chosen.split()) + len(rejected.split()) >= 60 and len(rejected.split()) > 3:
            near.append((f'{name}-near', prompt, chosen, exchange(rejected, lambda count: [count // 2], corpus, n * 31)))
    out += exact + near
    chance.shuffle(out)
    table = pa.table({name: pa.array(column) for name, column in zip(('id',) + SIDES, zip(*out))})
    for codec in ('snappy', 'zstd'):
        pq.write_table(table, os.path.join(folder, f'pairs-{codec}.parquet'), compression=codec, row_group_size=20_000)
    print(json.dumps({'rows': len(out), 'real': len(pairs), 'left_out': left, 'rounds': -(-(rows - planted) // len(pairs)), 'exact': len(exact), 'near': len(near),
                      'text_bytes': sum(len(part.encode()) for row in out for part in row[1:])}))


os.makedirs(folder, exist_ok=True)
if len(sys.argv) <= 4:
    build()
elif sys.argv[4] == 'night':
    write_night()
else:
    write_big(int(sys.argv[4]))
