/** The part of parquetjs-lite 0.8.7 that write_parquet uses. Its errors are strings, not Errors. */
declare module 'parquetjs-lite' {
  /**
   * A column. With `fields` a group; a group of type LIST holds `list: { repeated, fields: { element } }`, as the
   * format's three-level lists do.
   */
  export interface ParquetField {
    type?:
      | 'UTF8'
      | 'BYTE_ARRAY'
      | 'BOOLEAN'
      | 'INT_8'
      | 'INT_16'
      | 'INT32'
      | 'INT64'
      | 'UINT_8'
      | 'UINT_16'
      | 'UINT_64'
      | 'FLOAT'
      | 'DOUBLE'
      | 'DATE'
      | 'TIME_MILLIS'
      | 'TIMESTAMP_MILLIS'
      | 'TIMESTAMP_MICROS'
      | 'LIST'
    optional?: boolean
    repeated?: boolean
    compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY'
    /** false: no smallest and largest value, which of text would repeat whole texts in the footer. */
    statistics?: false
    fields?: Record<string, ParquetField>
  }

  export interface ParquetSchema {
    readonly fields: object
  }

  /** What the library asks of a stream. It waits for each write but the first, of the file's first bytes. */
  export interface ParquetStream {
    write(bytes: Uint8Array, done: () => void): void
    end(done: () => void): void
  }

  export interface ParquetWriter {
    /** `rowCount`: rows of the row groups that are written, as the footer says them. */
    readonly envelopeWriter: { readonly rowCount: number }
    /** Buffers a row; writes a row group when there are `rowGroupSize` rows. undefined and null are null. */
    appendRow(row: Record<string, unknown>): Promise<void>
    /** Writes what is buffered and the footer. */
    close(): Promise<void>
    setRowGroupSize(rows: number): void
    setMetadata(key: string, value: string): void
  }

  export const ParquetSchema: new (fields: Record<string, ParquetField>) => ParquetSchema
  export const ParquetWriter: {
    openFile(schema: ParquetSchema, path: string, options?: object): Promise<ParquetWriter>
    openStream(
      schema: ParquetSchema,
      stream: ParquetStream,
      options?: { rowGroupSize?: number; pageSize?: number; useDataPageV2?: boolean; pageIndex?: boolean },
    ): Promise<ParquetWriter>
  }

  const parquet: { ParquetSchema: typeof ParquetSchema; ParquetWriter: typeof ParquetWriter }
  export default parquet
}
