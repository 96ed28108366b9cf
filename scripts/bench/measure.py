"""Runs a command and writes what it took: python measure.py FILE COMMAND... FILE gets seconds, cpu_seconds, peak_mib and exit as JSON; the command's output passes through."""
import json
import resource
import subprocess
import sys
import time

start = time.monotonic()
code = subprocess.run(sys.argv[2:]).returncode
seconds = time.monotonic() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], 'w') as file:
    json.dump({'seconds': seconds, 'cpu_seconds': usage.ru_utime + usage.ru_stime, 'peak_mib': usage.ru_maxrss / (1024 if sys.platform == 'linux' else 1024 * 1024), 'exit': code}, file)
sys.exit(code)
