"""Small real logs of lm-evaluation-harness and Inspect, of two made-up models on six sums, and what these programs say of them.

Run: python3 -m venv /tmp/venv && /tmp/venv/bin/pip install lm_eval==0.4.13 inspect_ai==0.3.285 && \
     HF_HUB_OFFLINE=1 /tmp/venv/bin/python -P tools/golden/foreign-logs.py test/golden/logs
(-P: statistics.py beside this file would stand in for Python's own.)
"""

import json
import pathlib
import sys
import tempfile

import inspect_ai
import lm_eval
import tiktoken
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, accuracy, match, scorer
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager


class Words:
    """Tokens are counted by words here: the real encodings would be downloaded."""

    def encode(self, text, **_settings):
        return text.split()


tiktoken.get_encoding = tiktoken.encoding_for_model = lambda _name: Words()

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
questions = [f"What is {number} + {number}?" for number in range(6)]
# Whether model and epoch answer right, by problem.
right = {("full", 1): "111110", ("full", 2): "111111", ("low", 1): "101010", ("low", 2): "100110"}


def text_of(number: int, model: str, epoch: int) -> str:
    value = 2 * number if right[(model, epoch)][number] == "1" else 2 * number + 1
    return f"{number} and {number} make {value}.\n#### {value}"


@scorer(metrics=[accuracy()])
def careful():
    """Scores like `match`, but cannot decide on the third problem, which Inspect writes as NaN."""

    async def score(state, target):
        if "2 + 2" in state.input_text:
            return Score.unscored(answer="?")
        inner = await match(numeric=True)(state, target)
        return Score(value=inner.value, answer=inner.answer)

    return score


def inspect_log(model: str, epochs: int, file: str) -> dict:
    asked = {}

    def answer(messages, _tools, _choice, _config):
        number = int(messages[-1].text.split()[2])
        asked[number] = asked.get(number, 0) + 1
        output = ModelOutput.from_content("mockllm/" + model, text_of(number, model, asked[number]))
        output.choices[0].stop_reason = "max_tokens" if number == 3 else "stop"
        output.usage = ModelUsage(input_tokens=5, output_tokens=7 + number, total_tokens=12 + number)
        return output

    samples = [
        Sample(id=f"p{n}", input=q, target=str(2 * n), metadata={"subject": "odd" if n % 2 else "even", "level": n // 2})
        for n, q in enumerate(questions)
    ]
    with tempfile.TemporaryDirectory() as directory:
        [log] = eval(
            Task(dataset=samples, scorer=[match(numeric=True), careful()], name="sums"),
            model=get_model("mockllm/" + model, custom_outputs=answer),
            log_dir=directory,
            epochs=epochs,
            max_samples=1,
            display="none",
        )
        log.eval.revision = log.eval.task_file = log.eval.task_registry_name = None
        log.eval.task_attribs, log.eval.packages = {}, {"inspect_ai": inspect_ai.__version__}
        for sample in log.samples:
            sample.events, sample.timelines = [], None
    write_eval_log(log, str(out / file))
    log = read_eval_log(str(out / file))
    scores = {one.name: one.metrics["accuracy"].value for one in log.results.scores}
    return {"file": file, "model": model, "epochs": epochs, "accuracy": scores}


class MadeUp(LM):
    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def loglikelihood(self, requests):
        raise NotImplementedError

    def loglikelihood_rolling(self, requests):
        raise NotImplementedError

    def generate_until(self, requests):
        return [text_of(int(one.args[0].split()[2]), self.name, 1) for one in requests]


def harness_log(model: str, directory: str) -> dict:
    results = lm_eval.simple_evaluate(
        model=MadeUp(model), tasks=["sums"], task_manager=TaskManager(include_path=directory), log_samples=True
    )
    samples = results.pop("samples")
    tracker = EvaluationTracker(output_path=directory)
    general = tracker.general_config_tracker
    general.model_name = general.model_name_sanitized = general.model_source = model
    tracker.save_results_aggregated(results=results, samples=samples)
    tracker.save_results_samples(task_name="sums", samples=samples["sums"])
    [written] = pathlib.Path(directory).glob(f"{model}/samples_*.jsonl")
    target = out / model / "samples_sums_2026-11-22T00-00-00.000000.jsonl"
    target.parent.mkdir(exist_ok=True)
    target.write_text(written.read_text())
    keys = ["exact_match,strict-match", "exact_match,flexible-extract"]
    scores = {key: results["results"]["sums"][key] for key in keys}
    return {"file": f"{model}/{target.name}", "model": model, "accuracy": scores}


task = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: DIRECTORY/sums.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n\\n"], do_sample: false}
filter_list:
  - {name: strict-match, filter: [{function: regex, regex_pattern: "#### (\\\\-?[0-9]+)"}, {function: take_first}]}
  - {name: flexible-extract, filter: [{function: regex, regex_pattern: "^(-?[0-9]+)"}, {function: take_first}]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""

with tempfile.TemporaryDirectory() as directory:
    rows = [json.dumps({"question": q, "answer": str(2 * n), "level": n // 2}) for n, q in enumerate(questions)]
    pathlib.Path(directory, "sums.jsonl").write_text("\n".join(rows))
    pathlib.Path(directory, "sums.yaml").write_text(task.replace("DIRECTORY", directory))
    harness = [harness_log(model, directory) for model in ("full", "low")]

inspect = [
    inspect_log("full", 1, "full.json"),
    inspect_log("low", 1, "low.eval"),
    inspect_log("full", 2, "full-twice.eval"),
    inspect_log("low", 2, "low-twice.json"),
]
source = {
    "program": f"lm-evaluation-harness {lm_eval.__version__}, inspect_ai {inspect_ai.__version__}",
    "seed": "none: the models are made up",
    "command": "python -P tools/golden/foreign-logs.py test/golden/logs",
}
(out / "said.json").write_text(json.dumps({"source": source, "harness": harness, "inspect": inspect}, indent=2) + "\n")
