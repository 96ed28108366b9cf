/** What a reader of Parquet needs of a file, wherever it lies. */

/**
 * Bytes that can be read by range: a file here; anything that answers byte ranges (http, an object store) can be one.
 */
export interface ByteSource {
  readonly byteLength: number
  /** the bytes [start, end), all of them, or it rejects */
  slice(start: number, end: number): Promise<ArrayBuffer>
  close(): Promise<void>
}
