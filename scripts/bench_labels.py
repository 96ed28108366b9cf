"""cleanlab beside scripts/bench_labels.mjs: python bench_labels.py FOLDER COLUMNS

Reads the rows that Sluice trained on from FOLDER (CSR of words beside style and scores; folds by prompt; a seeded orientation, as cleanlab needs two classes), and writes
P(label is right) out of fold and cleanlab's issues. Regularisation is chosen by out-of-fold log-likelihood over the same folds, so it is tuned as Sluice's heads are. Needs cleanlab==2.9.0 scikit-learn==1.7.2.
"""
import json
import os
import sys
import warnings

for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
    os.environ.setdefault(name, '1')
warnings.filterwarnings('ignore')

import cleanlab  # noqa: E402
import numpy as np  # noqa: E402
import scipy.sparse as sp  # noqa: E402
import sklearn  # noqa: E402
from cleanlab.count import estimate_joint  # noqa: E402
from cleanlab.filter import find_label_issues  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

STRENGTHS = [2.0 ** power for power in range(-6, 9)]


def main(folder, columns):
    read = lambda name, kind: np.fromfile(os.path.join(folder, name + '.bin'), kind)
    indptr, folds, labels = read('indptr', np.uint32), read('folds', np.uint8), read('orientation', np.uint8).astype(int)
    rows = sp.csr_matrix((read('values', np.float32).astype(np.float64), read('indices', np.uint32).astype(np.int32), indptr.astype(np.int32)), shape=(len(indptr) - 1, columns))
    rows = rows.multiply((2 * labels - 1)[:, None]).tocsr()
    # columns that no row has cost time and nothing else
    rows = rows[:, np.unique(rows.indices)]
    best, risen = (np.inf, None, None), 0
    for strength in STRENGTHS:
        right = np.full(len(labels), 0.5)
        for fold in np.unique(folds):
            held = folds == fold
            if held.all():
                continue
            head = LogisticRegression(C=strength, fit_intercept=False, max_iter=500, solver='lbfgs').fit(rows[~held], labels[~held])
            right[held] = head.predict_proba(rows[held])[np.arange(held.sum()), labels[held]]
        loss = -np.mean(np.log(np.maximum(right, 1e-12)))
        risen = 0 if loss < best[0] else risen + 1
        if risen == 0:
            best = (loss, strength, right)
        if risen == 2:
            break
    right = best[2]
    both = np.where(labels[:, None] == np.arange(2)[None, :], right[:, None], 1 - right[:, None])
    issues = find_label_issues(labels, both, n_jobs=1)
    joint = estimate_joint(labels, both)
    right.astype(np.float64).tofile(os.path.join(folder, 'probability.bin'))
    issues.astype(np.uint8).tofile(os.path.join(folder, 'issues.bin'))
    print(json.dumps({'C': best[1], 'noise_rate': float(joint[0, 1] + joint[1, 0]), 'versions': {'cleanlab': cleanlab.__version__, 'scikit-learn': sklearn.__version__}}))


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]))
