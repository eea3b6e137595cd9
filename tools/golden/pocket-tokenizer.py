"""Golden values of the pocket tokenizer: ids and texts of the Rust `tokenizers` library through transformers' AutoTokenizer.

node -e 'import("./src/tasks/pocket/write-pocket-tokenizer.ts").then((m) => m.writePocketTokenizer("/tmp/pocket-tokenizer"))'
python tools/golden/pocket-tokenizer.py /tmp/pocket-tokenizer > test/golden/pocket-tokenizer.json
"""

import json
import sys

import tokenizers
import transformers

TEXTS = [
    "Ann has 7 cards. She finds 12 cards. How many cards does Ann have now?",
    "total: 7+12=19\n#### 19",
    "A pump fills 3 liters a minute for 9 minutes.",
    "Let b = a * 3.",
    "120/12=10\n199-75=124\n",
    "Words it never saw: quantization, Zürich, naïve, 日本語, Ελλάδα, 😀!",
    "it's IT'S they'LL  two  spaces \t tab\n\n  \n end ",
    "#### #### ## .?:=+-*/",
    "1234567890 12,345.678",
    "",
]

tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
messages = [{"role": "user", "content": TEXTS[0]}]
json.dump(
    {
        "source": f"tools/golden/pocket-tokenizer.py, transformers {transformers.__version__} {type(tokenizer).__name__}, "
        f"tokenizers {tokenizers.__version__} (Rust), no seed: "
        "python tools/golden/pocket-tokenizer.py /tmp/pocket-tokenizer > test/golden/pocket-tokenizer.json",
        "vocabularySize": len(tokenizer),
        "eosTokenId": tokenizer.eos_token_id,
        "padTokenId": tokenizer.pad_token_id,
        "prompt": tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False),
        "cases": [
            {"text": text, "ids": ids, "decoded": tokenizer.decode(ids)}
            for text in TEXTS
            for ids in [tokenizer.encode(text, add_special_tokens=False)]
        ],
    },
    sys.stdout,
    ensure_ascii=False,
)
