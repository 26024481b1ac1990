import type { Transport } from "@connectrpc/connect";
import type { Telemetry } from "@quartet/service";
import { type CompressionHop, createCompressionHop } from "./compression.ts";
import { createEmbeddingHop, type EmbeddingHop } from "./embedding.ts";
import { createGenerationHop, type GenerationHop } from "./generation.ts";
import { createHop, type Hop, type StreamClocks } from "./hop.ts";
import { createHopEvents } from "./hop-events.ts";
import { createRelayHop, type RelayHop } from "./relay.ts";
import {
  createIndexHop,
  createRecordHop,
  createSearchHop,
  type IndexHop,
  type RecordHop,
  type SearchHop,
} from "./retrieval.ts";

/** How each inner service is reached: grpc-js in a cluster, in memory in standalone. */
export interface Transports {
  readonly embedding: Transport;
  readonly retrieval: Transport;
  readonly compression: Transport;
  readonly generation: Transport;
}

export interface Hops {
  readonly embedding: EmbeddingHop;
  readonly search: SearchHop;
  readonly record: RecordHop;
  readonly index: IndexHop;
  readonly compression: CompressionHop;
  readonly generation: GenerationHop;
  readonly relay: RelayHop;
  /** Ends the breakers' timers. */
  close(): void;
}

export interface HopsOptions extends Telemetry {
  readonly transports: Transports;
  /** Calls at once to each service. */
  readonly maxInFlight: number;
  readonly generationClocks: StreamClocks;
}

/** Time that a healthy service surely needs less than; a shorter grant that ran out is no sign of a fault. */
const FAIR_MS = { embedding: 500, retrieval: 500, compression: 500, generation: 5_000, relay: 5_000 };

/** One policy for each service, though retrieval is seen as three: searching must not go on calling a process that the record finds dead. */
export function createHops({ transports, maxInFlight, generationClocks, log, metrics }: HopsOptions): Hops {
  const opened: Hop[] = [];
  const open = (name: keyof typeof FAIR_MS): Hop => {
    const hop = createHop({ name, maxInFlight, fairMs: FAIR_MS[name], ...createHopEvents(name, { log, metrics }) });
    opened.push(hop);
    return hop;
  };
  const retrieval = open("retrieval");
  return {
    embedding: createEmbeddingHop(transports.embedding, open("embedding")),
    search: createSearchHop(transports.retrieval, retrieval),
    record: createRecordHop(transports.retrieval, retrieval),
    index: createIndexHop(transports.retrieval, retrieval),
    compression: createCompressionHop(transports.compression, open("compression")),
    generation: createGenerationHop(transports.generation, open("generation"), generationClocks),
    relay: createRelayHop(transports.generation, open("relay"), generationClocks),
    close: () => {
      for (const hop of opened) hop.close();
    },
  };
}
