import { IndexMissingError, type ProjectionWriter } from "../../domain/projection.ts";
import type { CallOptions } from "../../domain/record-store.ts";
import type { Connection } from "./connection.ts";
import { protocolError } from "./errors.ts";
import { definitionId, indexNames, type IndexOptions, indexTemplate, newIndexName } from "./index-definition.ts";
import { writeChanges } from "./write-changes.ts";

/** Searches may have to be refreshed over much that was written. */
const refreshTimeoutMs = 120_000;

/** Writes the indexes of one prefix. */
export function createProjectionWriter(connection: Connection, indexOptions: IndexOptions): ProjectionWriter {
  const names = indexNames(indexOptions.prefix);

  /** Of the alias; searches are answered from one index, and from more only for as long as an operator made it so. */
  const served = async ({ signal }: CallOptions): Promise<readonly string[]> => {
    const answer = await connection.call(
      (client, options) =>
        client.indices.getAlias({ name: names.alias, ignore_unavailable: true }, { ...options, ignore: [404] }),
      { signal },
    );
    return Object.entries(answer)
      .filter(([, value]) => Object.hasOwn((value as { readonly aliases?: object }).aliases ?? {}, names.alias))
      .map(([index]) => index);
  };

  return {
    async create({ signal }) {
      const index = newIndexName(names);
      await connection.call(
        (client, options) => client.indices.putIndexTemplate(indexTemplate(indexOptions), options),
        {
          signal,
        },
      );
      await connection.call((client, options) => client.indices.create({ index }, options), { signal });
      return index;
    },

    write: (indexes, changes, { signal }) => writeChanges(indexes, changes, { connection, signal }),

    async refresh(indexes, { signal }) {
      const { _shards: shards } = await connection.call(
        (client, options) => client.indices.refresh({ index: [...indexes] }, options),
        { signal, timeoutMs: refreshTimeoutMs },
      );
      if (shards === undefined || shards.failed > 0) throw protocolError("not all shards were refreshed");
    },

    async indexes({ signal }) {
      const answer = await connection.call(
        (client, options) => client.indices.get({ index: names.pattern, features: ["aliases"] }, options),
        { signal },
      );
      return Object.keys(answer);
    },

    async documentCount(index, { signal }) {
      // Every document that has passages has a first one.
      const firstPassages = { bool: { filter: [{ term: { ordinal: 0 } }] } };
      const { count, _shards: shards } = await connection.call(
        (client, options) => client.count({ index, query: firstPassages }, options),
        { signal },
      );
      if (shards.failed > 0) throw protocolError("not all shards counted");
      return count;
    },

    serving: async (callOptions) => (await served(callOptions))[0],

    isCurrent: (index) => index.startsWith(`${names.alias}-${definitionId}-`),

    async serve(index, callOptions) {
      const { signal } = callOptions;
      const others = (await served(callOptions)).filter((other) => other !== index);
      const actions = [
        { add: { index, alias: names.alias } },
        ...others.map((other) => ({ remove: { index: other, alias: names.alias } })),
      ];
      await connection.call((client, options) => client.indices.updateAliases({ actions }, options), { signal });
    },

    async drop(index, callOptions) {
      const { signal } = callOptions;
      if ((await served(callOptions)).includes(index)) throw new Error("searches are answered from this index");
      try {
        await connection.call((client, options) => client.indices.delete({ index }, options), { signal });
      } catch (error) {
        if (!(error instanceof IndexMissingError)) throw error;
      }
    },
  };
}
