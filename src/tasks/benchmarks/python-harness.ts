/** @file The Python program that runs inside the sandbox, starts what a model wrote once a test, and compares what it gives. */

/**
 * Reads one JSON object from stdin: {program, tests, seconds, isolated}. A test is {kind: "stdin", input, output},
 * {kind: "call", function, input, output} (arguments and result as JSON, one argument a line) or {kind: "check", code}. Ends at the first
 * test that fails; its last line is JSON {passed, test, reason}.
 *
 * Every test has an interpreter of its own. A program cannot pretend to have passed by ending early: what follows it must say a word that
 * comes after the program has run. Standard output is compared line by line without outer spaces, and lines of numbers by value, as
 * LiveCodeBench does (`lcb_runner/evaluation/testing_util.py`).
 */
export const pythonHarness = `
import json, os, secrets, signal, subprocess, sys, time
from decimal import Decimal
job = json.load(sys.stdin)
alone = job["isolated"] and os.getpid() == 1
IMPORTS = """
import sys, os, re, math, random, string, heapq, bisect, copy, json, itertools, functools, collections, operator, datetime, time, io
from typing import *
from math import *
from string import *
from re import *
from datetime import *
from collections import *
from heapq import *
from bisect import *
from copy import *
from random import *
from statistics import *
from itertools import *
from functools import *
from operator import *
from io import *
sys.setrecursionlimit(50000)
"""
CALL = """
import sys as _sys, json as _json
_word = _sys.stdin.readline().strip()
_arguments = [_json.loads(line) for line in _sys.stdin.read().split(chr(10)) if line.strip()]
_function = getattr(Solution(), %r) if "Solution" in globals() else globals()[%r]
_result = _function(*_arguments)
_sys.stdout.write(chr(10) + _word + _json.dumps(_result))
"""
CHECK = """
import sys as _sys
_sys.stdout.write(chr(10) + _sys.stdin.readline().strip())
"""

def numbers(line):
    try:
        return [Decimal(word) for word in line.split()]
    except Exception:
        return None

def same_line(given, wanted):
    if given == wanted:
        return True
    left, right = numbers(given), numbers(wanted)
    return left is not None and left == right

def same_text(given, wanted):
    left = [line.strip() for line in given.strip().split(chr(10))]
    right = [line.strip() for line in wanted.strip().split(chr(10))]
    return len(left) == len(right) and all(map(same_line, left, right))

def run(test, word):
    kind = test["kind"]
    source = job["program"]
    given = test.get("input", "")
    if kind == "call":
        source = IMPORTS + source + CALL % (test["function"], test["function"])
        given = word + chr(10) + given
    elif kind == "check":
        source = source + chr(10) + test["code"] + CHECK
        given = word + chr(10)
    else:
        source = IMPORTS + source
    folder = "/tmp" if alone else os.getcwd()
    names = [os.path.join(folder, name) for name in ("program.py", "input", "output", "errors")]
    with open(names[0], "w") as file:
        file.write(source)
    with open(names[1], "w") as file:
        file.write(given)
    with open(names[1]) as stdin, open(names[2], "wb") as stdout, open(names[3], "wb") as stderr:
        process = subprocess.Popen([sys.executable, "-I", "-B", names[0]], stdin=stdin, stdout=stdout, stderr=stderr, cwd=folder, start_new_session=True)
        try:
            code = process.wait(timeout=job["seconds"])
        except subprocess.TimeoutExpired:
            code = None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass
            if alone:
                try:
                    os.kill(-1, signal.SIGKILL)
                except OSError:
                    pass
            process.wait()
            while alone:
                try:
                    os.waitpid(-1, 0)
                except OSError:
                    break
    if code is None:
        return "took more than %s s" % job["seconds"]
    with open(names[2], errors="replace") as file:
        said = file.read()
    if code != 0:
        with open(names[3], errors="replace") as file:
            last = [line for line in file.read()[-2000:].split(chr(10)) if line.strip()][-1:]
        return "ended with exit code %s: %s" % (code, last[0][:200] if last else "no message")
    if kind == "stdin":
        return None if same_text(said, test["output"]) else "gave %r" % said.strip()[:100]
    head, found, result = said.rpartition(chr(10) + word)
    if not found:
        return "ended early"
    if kind == "check":
        return None
    if json.loads(result) == json.loads(test["output"]):
        return None
    return "gave %r" % result[:100]

outcome = {"passed": True, "test": len(job["tests"]), "reason": "passed %d tests" % len(job["tests"])}
for index, test in enumerate(job["tests"]):
    try:
        failure = run(test, secrets.token_hex(16))
    except Exception as error:
        failure = "could not be run: %s" % error
    if failure is not None:
        outcome = {"passed": False, "test": index, "reason": "test %d of %d %s" % (index + 1, len(job["tests"]), failure)}
        break
print(chr(10) + json.dumps(outcome))
`;
