/** Bounds of one put: the contract's count, and room below the default message size of 4 MiB. */
export const maxBatchDocuments = 100;
export const maxBatchBytes = 3 * 1024 * 1024;

/**
 * Groups items in order, so that no group is over either bound; an item larger than the bound stands alone.
 *
 * @param sizeOf the bytes one item takes in a message
 */
export async function* inBatches<T>(items: AsyncIterable<T>, sizeOf: (item: T) => number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let byteCount = 0;
  for await (const item of items) {
    const size = sizeOf(item);
    if (batch.length > 0 && (batch.length === maxBatchDocuments || byteCount + size > maxBatchBytes)) {
      yield batch;
      batch = [];
      byteCount = 0;
    }
    batch.push(item);
    byteCount += size;
  }
  if (batch.length > 0) yield batch;
}
