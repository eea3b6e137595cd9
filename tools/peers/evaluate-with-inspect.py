"""Evaluates a served model with Inspect's OpenAI-compatible provider, as its users do: a dataset, generate(), a pattern scorer.

Arguments: a JSON Lines file {"id", "input", "target"}, the URL of the server (ending with /v1), the model's name, the log directory.
Prints one JSON object: {"accuracy", "completions": {id: text}}.
"""

import json
import os
import sys

problems, url, model, logs = sys.argv[1:]
os.environ["BITMEND_BASE_URL"] = url
os.environ.setdefault("BITMEND_API_KEY", "none")

from inspect_ai import Task, eval  # noqa: E402
from inspect_ai.dataset import json_dataset  # noqa: E402
from inspect_ai.model import GenerateConfig  # noqa: E402
from inspect_ai.scorer import pattern  # noqa: E402
from inspect_ai.solver import generate  # noqa: E402

task = Task(
    dataset=json_dataset(problems),
    solver=generate(),
    scorer=pattern(r"#### (-?[0-9./,]+)"),
    config=GenerateConfig(temperature=0, max_tokens=128, max_connections=16),
)
[log] = eval(task, model=f"openai-api/bitmend/{model}", log_dir=logs, display="none")
if log.status != "success":
    raise SystemExit(str(log.error))
print(
    json.dumps(
        {
            "accuracy": log.results.scores[0].metrics["accuracy"].value,
            "completions": {str(s.id): s.output.completion for s in log.samples},
        }
    )
)
