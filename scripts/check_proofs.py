#!/usr/bin/env python3
"""Checks the proofs of inject_errors again, with nothing of Sluice: Python's fractions, and the two sides as they were published.

    python3 scripts/check_proofs.py pairs.jsonl [...]

Reads JSON Lines with prompt, chosen and rejected (text, or messages, of which the last is read) and the columns <id>_proof, <id>_type, <id>_start, <id>_end and
<id>_answer_changed. For every row:
  arithmetic  every clause of the proof is recomputed: `a=b is true`, `a=b is false` (by one unit of the last place or more), `a=b is rounded` (by less),
              `a=b uses n before anything gives it` (n is an operand of a, and stands neither in the prompt nor in the rejected side before the equation)
  location    the sides are alike up to the error, and after it too unless the type says that more follows from it
  text        the true equation is read in the chosen side and the false one in the rejected side, after all but digits and signs is taken out
  code        Python of both sides parses (ast), the trees differ, and no statement but one does; of JavaScript only the place is checked
  constraint  words, letters, commas and phrases are counted again: the chosen side does what was asked and the rejected side does not. Sentences in another language are those without a
              letter of the right script (unicodedata), and of Latin ones those with words such as `the`, and none, of another language; where they have neither, they count as not read
  unproven    only the place
Prints one JSON object; exit status 1 if any row fails on arithmetic or location. Rows whose text this simple reader cannot find are counted, not failed.
"""
import ast
import json
import re
import textwrap
import sys
import unicodedata
from collections import Counter
from fractions import Fraction

NUMBER = re.compile(r'\d+\.?\d*|\.\d+')
SIGNS = str.maketrans({c: o for o, cs in {'-': '−–‒－﹣', '*': '×·⋅∙✕✖＊', '/': '÷∕⁄／', '+': '＋', '=': '＝', '%': '％', '(': '（', ')': '）'}.items() for c in cs})


def value(text):
    """The exact value of + - * / ( ) % over decimals: recursive descent, left to right."""
    tokens = re.findall(r'\d+\.?\d*|\.\d+|[-+*/()%]', text)
    if ''.join(tokens) != text:
        raise ValueError(f'not an expression: {text}')
    at = 0

    def peek():
        return tokens[at] if at < len(tokens) else ''

    def take():
        nonlocal at
        at += 1
        return tokens[at - 1]

    def total():
        result = product()
        while peek() in ('+', '-'):
            result = result + product() if take() == '+' else result - product()
        return result

    def product():
        result = atom()
        while peek() in ('*', '/'):
            result = result * atom() if take() == '*' else result / atom()
        return result

    def atom():
        token = take()
        if token == '-':
            return -atom()
        if token == '(':
            result = total()
            if take() != ')':
                raise ValueError(f'parenthesis: {text}')
        else:
            result = Fraction(token)
        if peek() == '%':
            take()
            result /= 100
        return result

    result = total()
    if at != len(tokens):
        raise ValueError(f'something is left over: {text}')
    return result


def judge(left, right):
    gap = abs(value(left) - value(right))
    if gap == 0:
        return 'true'
    if '/' in right:
        return 'false'
    places = len(right.rstrip('%').partition('.')[2]) + (2 if right.endswith('%') else 0)
    return 'rounded' if gap < Fraction(1, 10 ** places) else 'false'


def numbers(text):
    """(position, value) of every number, commas between groups of three being thousands separators."""
    for match in re.finditer(r'\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+', text):
        yield match.start(), Fraction(match.group().replace(',', ''))


def bare(text):
    """A text without words, currency, spaces and separators, and all signs in ASCII."""
    text = text.translate(SIGNS)
    text = re.sub(r'(?<=\d)\s*[xX]\s*(?=[$£€]?\d|\()', '*', text)
    text = re.sub(r' [xX] (?=[$£€]?[\d(])', '*', text)
    text = re.sub(r'(?<=\d),(?=\d{3})', '', text)
    text = re.sub(r'(?<=\d)\s*percent', '%', text)
    text = re.sub(r'/\s*[^\W\d_]+', '', text)
    text = re.sub(r'(?<!\d)\.(?=\d)', '0.', text)
    text = re.sub(r'\.(?!\d)', ' ', text)
    text = re.sub(r'[^-\d.+*/=()%\n<>]', ' ', text)
    return re.sub(r' *([-+*/=()%]) *', r'\1', text)


def holds(equation, text):
    plain = re.sub(r'\((-[\d.]+)\)', r'\1', equation)
    for one in (equation, plain):
        for match in re.finditer(re.escape(one), text):
            before, after = text[:match.start()][-1:], text[match.end():]
            if not re.match(r'[\d.]', before) and not re.match(r'\d|\.\d', after):
                return True
    return False


def last(side):
    return side if isinstance(side, str) else side[-1]['content'] if side else ''


def whole(side):
    return side if isinstance(side, str) else '\n'.join(message['content'] for message in side)


WORDS = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def phrases(text, phrase):
    return len(re.findall(r'(?<![^\W_])' + re.escape(phrase) + r'(?![^\W_])', text, re.IGNORECASE))


SCRIPTS = {name: scripts.split() for scripts, names in {
    'CJK': ['Chinese'], 'CJK HIRAGANA KATAKANA': ['Japanese'], 'HANGUL CJK': ['Korean'], 'CYRILLIC': ['Russian', 'Ukrainian', 'Bulgarian'], 'ARABIC': ['Arabic', 'Persian', 'Urdu'],
    'DEVANAGARI': ['Hindi', 'Marathi'], 'GREEK': ['Greek'], 'HEBREW': ['Hebrew'], 'THAI': ['Thai'], 'BENGALI': ['Bengali'], 'TAMIL': ['Tamil'], 'TELUGU': ['Telugu'], 'KANNADA': ['Kannada'],
    'MALAYALAM': ['Malayalam'], 'GUJARATI': ['Gujarati'], 'GURMUKHI': ['Punjabi'],
}.items() for name in names}
COMMON = {language: set(words.split()) for language, words in {
    'English': 'the and of is are with this that for to you it', 'French': 'le les des une est et pour dans que vous', 'German': 'der die und ist nicht ein eine mit zu den', 'Spanish': 'el los las una es y para con que por',
    'Italian': 'il gli della una è e per con che di', 'Portuguese': 'o os uma é e para com que não do', 'Dutch': 'de het een en is van niet met dat voor',
}.items()}


def elsewhere(language, text):
    """How many sentences are in another language, and how many of those that are long enough this cannot tell."""
    count, open_ = 0, 0
    for sentence in re.split(r'(?<=[.!?。！？।؟\n])', re.sub(r'```.*?(?:```|$)|`[^`\n]*`|https?://\S+', ' ', text, flags=re.DOTALL)):
        names = [unicodedata.name(c, '').split()[0].split('-')[0] for c in sentence if unicodedata.category(c)[0] in 'LM' and unicodedata.name(c, '')]
        if len(names) + 2 * sum(name in ('CJK', 'HIRAGANA', 'KATAKANA', 'HANGUL') for name in names) < 24:
            continue
        if not any(name in SCRIPTS.get(language, ['LATIN']) for name in names):
            count += 1
        elif language not in SCRIPTS:
            words = set(re.findall(r'[^\W\d_]+', sentence.lower()))
            own, other = len(words & COMMON.get(language, set())), max(len(words & common) for name, common in COMMON.items() if name != language)
            count += own == 0 and other > 1
            open_ += own == 0 and other <= 1
    return count, open_


def is_json(text):
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False


def kept(said, text):
    """Whether an answer does what a proof says was asked."""
    limit = re.fullmatch(r'(at most|at least) (\d+) words', said)
    if limit:
        count = len(WORDS.findall(text))
        return count <= int(limit[2]) if limit[1] == 'at most' else count >= int(limit[2])
    about = re.fullmatch(r'(with|without|begins with|ends with) "(.*)"', said)
    if about:
        how, phrase = about[1], about[2]
        if how in ('with', 'without'):
            return (phrases(text, phrase) > 0) == (how == 'with')
        return text.strip().lower().startswith(phrase.lower()) if how == 'begins with' else text.strip().lower().endswith(phrase.lower())
    language = re.fullmatch(r'no sentence but in (\w+)', said)
    if language:
        return elsewhere(language[1], text)[0] == 0
    return {'no capital letters': lambda: not any(c.isupper() for c in text), 'no lower-case letters': lambda: not any(c.islower() for c in text),
            'no commas': lambda: ',' not in text, 'valid JSON': lambda: is_json(text)}[said]()


def statements(text):
    """The Python of all fenced blocks, each simple statement, and each head of a compound one, as a dump of its tree."""
    out = []
    for block in re.findall(r'^```(?:python3?|py)[^\n]*\n(.*?)^```', text, re.MULTILINE | re.DOTALL | re.IGNORECASE):
        try:
            tree = ast.parse(textwrap.dedent(block))
        except SyntaxError:
            # another dialect, or not what was edited
            out.append(block)
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt):
                fields = [(name, value) for name, value in ast.iter_fields(node) if name not in ('body', 'orelse', 'finalbody', 'handlers')]
                out.append(type(node).__name__ + ' '.join(ast.dump(v) if isinstance(v, ast.AST) else str([ast.dump(x) if isinstance(x, ast.AST) else x for x in v] if isinstance(v, list) else v) for _, v in fields))
    return out


def check_other(row, prefix, chosen, rejected, seen):
    proof, start, end = row[prefix + 'proof'], row[prefix + 'start'], row[prefix + 'end']
    if not 0 <= start < end <= len(rejected):
        return f'span {start}-{end} of {len(rejected)}'
    asked = re.fullmatch(r'asked: (.+); \d+ in the chosen side, \d+ in the rejected side', proof)
    if asked:
        seen['constraints'] += 1
        language = re.fullmatch(r'no sentence but in (\w+)', asked[1])
        if language and kept(asked[1], rejected) and elsewhere(language[1], rejected)[1]:
            seen['languages_not_read'] += 1
            return None if kept(asked[1], chosen) else f'not so: {proof}'
        return None if kept(asked[1], chosen) and not kept(asked[1], rejected) else f'not so: {proof}'
    if chosen[:start] != rejected[:start] or not chosen.endswith(rejected[end:]):
        return 'the sides differ beside the error'
    if proof == 'unproven':
        seen['unproven'] += 1
        return None
    seen['code'] += 1
    became = re.fullmatch(r'(\w+): (".+") became (".+"), both parse, and the trees differ nowhere else(?:; the tests of its row pass before and fail after)?', proof)
    squeeze = lambda text: re.sub(r'\s+', ' ', text)
    if not became or json.loads(became[3]) != squeeze(rejected[start:end]) or json.loads(became[2]) != squeeze(chosen[start:len(chosen) - len(rejected) + end]):
        return f'not so: {proof}'
    if became[1] == 'python':
        before, after = statements(chosen), statements(rejected)
        if len(before) != len(after) or sum(a != b for a, b in zip(before, after)) != 1:
            return f'the trees: {proof}'
    return None


def check(row, prefix, seen):
    chosen, rejected, kind = last(row['chosen']), last(row['rejected']), row[prefix + 'type']
    start, end = row[prefix + 'start'], row[prefix + 'end']
    if chosen == rejected:
        return 'the sides are alike'
    if re.match(r'unproven$|asked: |python: |javascript: |typescript: ', row[prefix + 'proof']):
        return check_other(row, prefix, chosen, rejected, seen)
    clauses = row[prefix + 'proof'].split('; ')
    first = re.fullmatch(r'(.+)=([^=]+) is true', clauses[0])
    if not first or judge(first[1], first[2]) != 'true':
        return f'not true: {clauses[0]}'
    wrong = 0
    for clause in clauses[1:]:
        use = re.fullmatch(r'(.+)=([^=]+) uses (\S+) before anything gives it', clause)
        if use:
            used = value(use[3])
            if judge(use[1], use[2]) == 'false' or used not in [Fraction(n) for n in NUMBER.findall(use[1])] or used != value(first[2]):
                return f'not used: {clause}'
            if any(n == used for _, n in numbers(whole(row['prompt']))) or any(n == used for at, n in numbers(rejected) if at < start):
                return f'given before: {clause}'
            wrong += 1
            continue
        match = re.fullmatch(r'(.+)=([^=]+) is (true|false|rounded)', clause)
        if not match or judge(match[1], match[2]) != match[3]:
            return f'not so: {clause}'
        wrong += match[3] == 'false'
    if wrong != 1:
        return f'{wrong} errors are claimed'
    moved = kind in ('step_removed', 'steps_swapped')
    if not 0 <= start < end <= len(rejected):
        return f'span {start}-{end} of {len(rejected)}'
    if not moved and chosen[:start] != rejected[:start]:
        return 'the sides differ before the error'
    if not moved and kind != 'wrong_carry' and not chosen.endswith(rejected[end:]):
        return 'the sides differ after the error'
    seen['located'] += all(holds(clause.rpartition(' is ')[0].split(' uses ')[0], bare(side)) for clause, side in [(clauses[0], chosen)]
                           + [(clause.replace(' uses ', ' is uses '), rejected) for clause in clauses[1:]])
    if re.search(r'####\s*\S', chosen):
        answer = [list(numbers(side.rpartition('####')[2]))[:1] for side in (chosen, rejected)]
        if all(answer) and (answer[0][0][1] != answer[1][0][1]) != row[prefix + 'answer_changed']:
            return 'answer_changed is wrong'
    return None


def main(paths):
    result, failures = Counter(), []
    for path in paths:
        with open(path, encoding='utf-8') as file:
            for line in file:
                row = json.loads(line)
                prefix = next((key[:-5] for key in row if key.endswith('_proof') and row[key] is not None), None)
                if prefix is None:
                    result['without_proof'] += 1
                    continue
                result['rows'] += 1
                try:
                    fault = check(row, prefix, result)
                except (ValueError, ZeroDivisionError) as error:
                    fault = str(error)
                if fault:
                    failures.append({'id': row.get('id'), 'type': row[prefix + 'type'], 'fault': fault})
    print(json.dumps({**result, 'failed': len(failures), 'failures': failures[:20]}))
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
