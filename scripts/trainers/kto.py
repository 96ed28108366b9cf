"""Loads pairs as TRL unpairs them, and the rows of write_unpaired: says what of both differs. python kto.py RUN FOLDER"""
import json, os, sys
from datasets import load_from_disk
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import KTOConfig, KTOTrainer

run, home = os.path.realpath(sys.argv[1]), sys.argv[2]
pairs, rows = load_from_disk(f'{run}/dpo'), load_from_disk(f'{run}/kto')
# a small tokenizer and model of its own: nothing is fetched
raw = Tokenizer(models.BPE())
raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
said = (row['chosen'][-1]['content'] for row in pairs)
raw.train_from_iterator(said, trainers.BpeTrainer(vocab_size=1000, special_tokens=['<eos>', '<u>', '<a>'], initial_alphabet=alphabet, show_progress=False))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token='<eos>', pad_token='<eos>')
tokenizer.chat_template = "{% for m in messages %}{{ '<u>' if m.role == 'user' else '<a>' }}{{ m.content }}{{ '<eos>' }}{% endfor %}{% if add_generation_prompt %}{{ '<a>' }}{% endif %}"
model = f'{home}/model'
GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_embd=8, n_layer=1, n_head=1, n_positions=4096)).save_pretrained(model)
tokenizer.save_pretrained(model)
BATCH = 8

def loaded(data):
    args = KTOConfig(output_dir=f'{home}/out', use_cpu=True, bf16=False, per_device_train_batch_size=BATCH, max_length=None, report_to=[])
    return KTOTrainer(model=model, args=args, train_dataset=data, processing_class=tokenizer).train_dataset

theirs, ours = loaded(pairs), loaded(rows)
out = {name: len(ours) == len(theirs) and all(a == b for a, b in zip(ours[name], theirs[name])) for name in ('prompt_ids', 'completion_ids', 'KL_completion_ids', 'label')}
# the completion that TRL pairs with a prompt for its KL estimate is the one before it in the batch, and of the first the last
def other(i):
    start = i - i % BATCH
    return i - 1 if i > start else min(start + BATCH, len(rows)) - 1
out['no KL completion is of its own pair'] = all(rows[other(i)]['id'] != rows[i]['id'] for i in range(len(rows)))
print(json.dumps({'rows': len(ours), 'tokens': sum(map(len, ours['prompt_ids'])) + sum(map(len, ours['completion_ids'])), 'checks': out}))
