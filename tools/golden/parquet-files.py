"""Parquet files in the shapes of the hub's data sets, as pyarrow writes them, and the rows that pyarrow reads from them again.

The problems are made up. Settings follow the hub's own files: dictionaries, statistics, Snappy; one file for each other compression.

Run: python3 -m venv /tmp/venv && /tmp/venv/bin/pip install pyarrow==26.0.1 && /tmp/venv/bin/python tools/golden/parquet-files.py test/golden/parquet
"""

import json
import pathlib
import sys

import pyarrow
import pyarrow.parquet

text, whole, texts = pyarrow.string(), pyarrow.int64(), pyarrow.list_(pyarrow.string())

GSM8K = {
    "schema": pyarrow.schema([("question", text), ("answer", text)]),
    "rows": [
        {
            "question": "Ana has 3 bags of 4 shells. She finds 1,000 more. How many shells has she?",
            "answer": "3 * 4 = <<3*4=12>>12 shells.\n12 + 1,000 = <<12+1000=1012>>1,012.\n#### 1,012",
        },
        {"question": "Bücher kosten 5 €. Was kosten zwei? ", "answer": "2 * 5 = <<2*5=10>>10\n#### 10"},
    ],
}
MMLU = {
    "schema": pyarrow.schema([("question", text), ("subject", text), ("choices", texts), ("answer", whole)]),
    "rows": [
        {"question": "Which is even?", "subject": "abstract_algebra", "choices": ["1", "2", "3", "5"], "answer": 1},
        {"question": "Which is odd?", "subject": "abstract_algebra", "choices": ["2", "4", "6", "7"], "answer": 3},
        {"question": "Who floats?", "subject": "anatomy", "choices": ["stone", "", "wood", "iron, \"wet\""], "answer": 2},
    ],
}
MMLU_PRO = {
    "schema": pyarrow.schema(
        [("question_id", whole), ("question", text), ("options", texts), ("answer", text), ("answer_index", whole)]
        + [("cot_content", text), ("category", text)]
    ),
    "rows": [
        {
            "question_id": 2**40 + index,
            "question": f"What is {index} + {index}?",
            "options": [str(2 * index + shift) for shift in range(10 - index % 3)],
            "answer": "A" if index % 3 else None,
            "answer_index": 0,
            "cot_content": "A: Let's think step by step. It doubles. The answer is (A)." if index % 2 else "",
            "category": "math",
        }
        for index in range(12)
    ],
}
FILES = [
    ("gsm8k", GSM8K, {"compression": "snappy"}),
    ("mmlu", MMLU, {"compression": "snappy"}),
    ("mmlu-zstd", MMLU, {"compression": "zstd"}),
    ("mmlu-gzip", MMLU, {"compression": "gzip"}),
    ("mmlu-brotli", MMLU, {"compression": "brotli"}),
    ("mmlu-plain", MMLU, {"compression": "none", "use_dictionary": False}),
    ("mmlu-pages-v2", MMLU, {"compression": "snappy", "data_page_version": "2.0"}),
    ("mmlu-pro", MMLU_PRO, {"compression": "snappy", "row_group_size": 8}),
]

directory = pathlib.Path(sys.argv[1])
rows = {}
for name, table, settings in FILES:
    path = directory / f"{name}.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table["rows"], table["schema"]), path, store_schema=False, **settings)
    rows[name] = pyarrow.parquet.read_table(path).to_pylist()
golden = {"source": f"pyarrow {pyarrow.__version__}, tools/golden/parquet-files.py", "rows": rows}
(directory / "parquet.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
