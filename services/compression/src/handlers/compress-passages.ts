import type { CompressionService } from "@quartet/contracts/compression/v1/compression_service";
import type { Handler } from "@quartet/rpc";
import { checkOffsets, fromPassage, fromStrategy, toResponse } from "../convert.ts";
import { compress } from "../domain/compress.ts";

/** Keeps what matters to the question within the budget. */
export function createCompressPassages(): Handler<typeof CompressionService.method.compressPassages> {
  return ({ passages, question, maxCharCount, maxPassageCount, strategy }) => {
    checkOffsets(passages);
    const compressed = compress(question, passages.map(fromPassage), {
      strategy: fromStrategy(strategy),
      maxCharCount: maxCharCount || undefined,
      maxPassageCount: maxPassageCount || undefined,
    });
    return toResponse(passages, compressed);
  };
}
