# The table beside it, by deltalake 1.6.6: rows that were deleted and changed, partitions, a checkpoint, a log that begins behind version 0.
import deltalake as dl, pyarrow as pa, shutil, os, glob
def rows(a,b,lang): return pa.table({'id':[f'r{i}' for i in range(a,b)],'prompt':[f'Question {i}?' for i in range(a,b)],'chosen':[f'Good {i}.' for i in range(a,b)],'rejected':[f'Bad {i}.' for i in range(a,b)],'lang':[lang]*(b-a)})
shutil.rmtree('table',ignore_errors=True)
dl.write_deltalake('table',rows(0,3,'en'),partition_by=['lang'])
dl.write_deltalake('table',rows(3,6,'d e'),mode='append')
t=dl.DeltaTable('table'); t.delete("id = 'r1'"); t.update(updates={'chosen':"'Better 4.'"},predicate="id = 'r4'")
t.create_checkpoint()
for f in sorted(glob.glob('table/_delta_log/*.json'))[:3]: os.remove(f)
dl.write_deltalake('table',rows(6,8,None).set_column(4,'lang',pa.array([None,None],pa.string())),mode='append')
dl.DeltaTable('table').delete("id = 'r0'")
print(dl.DeltaTable('table').to_pyarrow_table().to_pylist())
