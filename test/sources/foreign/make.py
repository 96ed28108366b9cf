"""Arrow files that Arrow JS cannot write: python make.py, with pyarrow 22 and polars 2.1."""
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc

ROWS = {
    'id': ['a', 'b', 'c'],
    'prompt': ['Name a prime.', 'Name a star.', 'Name a sea.'],
    'chosen': ['Seven.', 'Vega.', 'The Baltic.'],
    'rejected': ['Nine.', 'Mars.', 'Berlin.'],
}
table = pa.table(ROWS)


def put(name, table, codec=None, new=ipc.new_file):
    with pa.OSFile(name, 'wb') as sink:
        with new(sink, table.schema, options=ipc.IpcWriteOptions(compression=codec)) as writer:
            writer.write_table(table, max_chunksize=2)


# of every kind of buffer; texts of several blocks, which look back into each other
long = [' '.join(f'{row}-{word % 1000}' for word in range(40_000)) for row in range(3)]
kinds = table.append_column('long', pa.array(long))
kinds = kinds.append_column('kind', pa.array(['x', None, 'y']).dictionary_encode())
kinds = kinds.append_column('view', pa.array(['beyond the twelve bytes of a view', None, 'short'], pa.string_view()))
kinds = kinds.append_column('list', pa.array([[1, None], None, []]))
kinds = kinds.append_column('none', pa.nulls(3))
put('plain.arrow', kinds.drop_columns('long'))
put('lz4.arrow', kinds, 'lz4')
put('zstd.arrow', kinds, 'zstd')
put('lz4-stream.arrow', kinds, 'lz4', ipc.new_stream)
put('zstd-stream.arrow', kinds, 'zstd', ipc.new_stream)

tags = [['x'], [], ['y', 'z']]
put('list-view.arrow', table.append_column('tags', pa.array(tags, pa.list_view(pa.string()))))
put('list-view-stream.arrow', table.append_column('tags', pa.array(tags, pa.list_view(pa.string()))), new=ipc.new_stream)
put('large-list-view.arrow', table.append_column('tags', pa.array(tags, pa.large_list_view(pa.string()))))
put('run-end.arrow', table.append_column('tags', pc.run_end_encode(pa.array(['x', 'x', 'y']))))
pl.DataFrame(ROWS).with_columns(pl.Series('big', [1, 2, 3], dtype=pl.Int128)).write_ipc('int128.arrow')
