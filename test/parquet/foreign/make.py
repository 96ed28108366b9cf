"""Files that only these write here: python make.py, with pyarrow 22 and arro3-io 0.9.1."""
import base64

import arro3.core
import arro3.io
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

ROWS = {
    'id': ['a', 'b', 'c'],
    'prompt': ['Name a prime.', 'Name a star.', 'Name a sea.'],
    'chosen': ['Seven.', 'Vega.', 'The Baltic.'],
    'rejected': ['Nine.', 'Mars.', 'Berlin.'],
}
table = pa.table(ROWS)


class Kms(pe.KmsClient):
    def wrap_key(self, key, master):
        return base64.b64encode(key)

    def unwrap_key(self, key, master):
        return base64.b64decode(key)


# only the column score is encrypted, the footer is not
properties = pe.CryptoFactory(lambda config: Kms()).file_encryption_properties(
    pe.KmsConnectionConfig(),
    pe.EncryptionConfiguration(footer_key='f', column_keys={'c': ['score']}, plaintext_footer=True),
)
scored = table.append_column('score', pa.array([1.0, 2.0, 3.0]))
pq.write_table(scored, 'encrypted-column.parquet', encryption_properties=properties)

# durations, and time zones below the top
zone = pa.timestamp('us', tz='Europe/Berlin')
hinted = table.append_column('took', pa.array([1, None, 3], pa.duration('us')))
hinted = hinted.append_column('took_s', pa.array([1, 2, 3], pa.duration('s')))
hinted = hinted.append_column('when', pa.array([{'at': i} for i in range(3)], pa.struct([('at', zone)])))
hinted = hinted.append_column('times', pa.array([[0], [], [1]], pa.list_(zone)))
hinted = hinted.append_column('named', pa.array([[('x', 0)], [], None], pa.map_(pa.string(), zone)))
pq.write_table(hinted, 'hints.parquet')

# bytes without an annotation, as Impala and ClickHouse write text
message = pa.struct([('from', pa.binary()), ('value', pa.binary()), ('raw', pa.binary())])
said = [[{'from': b'human', 'value': b'Name a prime.', 'raw': b'r'}], [{'from': b'human', 'value': 'é'.encode()}]]
spoken = pa.table({
    'id': [b'a', b'b'],
    'conversations': pa.array(said, pa.list_(message)),
    'chosen': [b'Seven.', b'e'],
    'rejected': [b'Nine.', b'f'],
})
pq.write_table(spoken, 'messages-of-bytes.parquet', store_schema=False)

# UUIDs that the format knows as bytes, the Arrow schema alone as UUIDs
keys = pa.array([bytes(range(16)), bytes(16), bytes([255] * 16)], pa.uuid())
keyed = table.set_column(0, 'id', keys).append_column('key', pa.array([None, bytes(range(16)), bytes(16)], pa.uuid()))
keyed = keyed.append_column('raw', pa.array([bytes(range(16))] * 3, pa.binary(16)))
arro3.io.write_parquet(arro3.core.Table.from_arrow(keyed), 'uuids-of-arrow.parquet')
