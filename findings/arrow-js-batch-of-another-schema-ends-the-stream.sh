#!/usr/bin/env bash
# apache-arrow 21.2.0 (npm). A RecordBatchStreamWriter that is handed a batch whose columns differ from the first one's writes the end of its stream instead, without an error. The rows are lost; the file
# is whole, and readers find nothing wrong with it. Only a further batch, of the right columns too, throws, and of a queue that is closed.
# The guess was an error at once. A name is enough to differ: a column named '' is read back as one named 'null', so a table that went through a file once is "another" one the second time.
set -euo pipefail
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
cd "$at"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts apache-arrow@21.2.0
cat > write.mjs <<'JS'
import { RecordBatchStreamWriter, tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow'

const batchOf = columns => tableFromArrays(columns).batches[0]
const writer = new RecordBatchStreamWriter()
writer.write(batchOf({ a: Int32Array.of(1, 2) }))
writer.write(batchOf({ b: Int32Array.of(3, 4) }))
writer.finish()
console.log('rows written 4, rows read', tableFromIPC(writer.toUint8Array(true)).numRows)

const name = tableFromIPC(tableToIPC(tableFromArrays({ '': Int32Array.of(7) }))).schema.fields[0].name
console.log('a column named', JSON.stringify(''), 'is read back as', JSON.stringify(name))
JS
output=$(node write.mjs)
echo "$output"
[ "$output" = $'rows written 4, rows read 2\na column named "" is read back as "null"' ]
