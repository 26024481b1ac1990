import type { Transport } from "@connectrpc/connect";
import { CompressionService } from "@quartet/contracts/compression/v1/compression_service";
import { createClient } from "@quartet/rpc";
import { list, type Wire } from "../convert.ts";
import type { AnswerPorts } from "../domain/ports.ts";
import type { Hop } from "./hop.ts";

export type CompressionHop = Pick<AnswerPorts<Wire>, "compress">;

export function createCompressionHop(transport: Transport, hop: Hop): CompressionHop {
  const client = createClient(CompressionService, transport);
  return {
    async compress({ question, passages, maxCharCount, strategy }, call) {
      const request = { question, passages: list(passages), maxCharCount, strategy };
      const response = await hop.unary(call, (options) => client.compressPassages(request, options));
      return response.passages;
    },
  };
}
