"""Whether two results kept the same rows in the same order: python same_rows.py FOLDER_OF_SHARDS FILE.arrow. Prints the difference; exit code 1 if there is one."""
import glob
import os
import sys

import pyarrow as pa

ours = [id for path in sorted(glob.glob(os.path.join(sys.argv[1], '*.arrow'))) for id in pa.ipc.open_stream(path).read_all()['id'].to_pylist()]
theirs = pa.ipc.open_file(sys.argv[2]).read_all()['id'].to_pylist()
if ours == theirs:
    print(f'{len(ours)} rows kept, the same in the same order')
    sys.exit(0)
more, fewer = set(ours) - set(theirs), set(theirs) - set(ours)
print(f'{len(more)} rows kept only here {sorted(more)[:5]}, {len(fewer)} only there {sorted(fewer)[:5]}' if more or fewer else 'the same rows in another order')
sys.exit(1)
