import type { PoolFigures } from "@quartet/rpc";
import type { KeywordIndex } from "../../domain/keyword-index.ts";
import type { Projection, ProjectionWriter } from "../../domain/projection.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { indexNames } from "./index-definition.ts";
import { createKeywordIndex } from "./keyword-index.ts";
import { createProjection } from "./projection.ts";
import { createProjectionWriter } from "./projection-writer.ts";

export interface ElasticsearchOptions extends ConnectionOptions {
  /** What the names of indexes, alias and template begin with. */
  readonly indexPrefix: string;
  /** Primary shards of an index. Default: 1. */
  readonly shards?: number;
  /** Copies of each shard. Default: 1. */
  readonly replicas?: number;
  /** After this long a search gives what it has found so far, and says so. Default: 1,500. */
  readonly searchTimeoutMs?: number;
}

export interface ElasticsearchStore {
  readonly keywords: KeywordIndex;
  readonly projection: Projection;
  readonly writer: ProjectionWriter;
  /** Resolves when the server answers and takes the credentials. */
  ping(signal: AbortSignal): Promise<void>;
  poolFigures(): PoolFigures;
  close(): Promise<void>;
}

/** The adapters on one connection. Nothing is asked before the first call. */
export function createElasticsearch(options: ElasticsearchOptions): ElasticsearchStore {
  const { indexPrefix: prefix, shards = 1, replicas = 1, searchTimeoutMs = 1_500 } = options;
  const connection = connect(options);
  const names = indexNames(prefix);
  return {
    keywords: createKeywordIndex({ connection, names, searchTimeoutMs, shards }),
    projection: createProjection({ connection, names }),
    writer: createProjectionWriter(connection, { prefix, shards, replicas }),
    async ping(signal) {
      await connection.call((client, callOptions) => client.info({}, callOptions), { signal });
    },
    poolFigures: connection.figures,
    close: connection.close,
  };
}
