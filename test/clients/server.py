"""Runs scripts, each in a process of its own that has the clients imported already: to import them takes longer than most checks.

    python server.py

A line on stdin is one job as JSON, the script and its arguments; a line on stdout is how it ended: {"exitCode", "stdout", "stderr"}.
"""
import json
import os
import runpy
import sys
import tempfile
import traceback

os.environ.update(HF_HUB_OFFLINE='1', HF_DATASETS_OFFLINE='1', HF_DATASETS_DISABLE_PROGRESS_BARS='1')
import datasets  # noqa: F401
import duckdb  # noqa: F401
import pyarrow.parquet  # noqa: F401


def work(argv, out, err):
    """What the process of a job does; its exit code."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.argv = argv
    sys.path[0] = os.path.dirname(argv[0])
    code = 0
    try:
        runpy.run_path(argv[0], run_name='__main__')
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


for line in sys.stdin:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os._exit(work(json.loads(line), out, err))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode('utf-8', 'replace'))
    print(json.dumps({'exitCode': code, 'stdout': texts[0], 'stderr': texts[1]}), flush=True)
