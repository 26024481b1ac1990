import { toJson } from "@bufbuild/protobuf";
import type { Degradation } from "@quartet/client";
import { PassageSchema } from "@quartet/contracts/type/v1/passage";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { type SearchFlags, toSearchOptions } from "../search-options.ts";
import { showDegradations, showPassage } from "./search.ts";

export interface SearchAllOptions extends SearchFlags {
  readonly query: string;
  /** The most passages in all. */
  readonly limit: number;
}

const pageSize = 100;

/**
 * `quartet search QUERY --all`: every passage that the search finds, best first, as it comes; with --json one passage a line. No more is held than a
 * page, so it goes at the pace of whoever reads.
 */
export async function searchAll(
  { client, terminal, signal, json }: Context,
  options: SearchAllOptions,
): Promise<ExitCode> {
  const search = { query: options.query, pageSize, options: toSearchOptions(options) };
  const request = { search, maxPassageCount: options.limit };
  const bar = terminal.progress("Searching");
  // Each page says again what is missing from it.
  const missing = new Map<string, Degradation>();
  let count = 0;
  let isMore = false;
  try {
    for await (const { page, last } of client().search.streamSearchPassages(request, { signal })) {
      for (const passage of page!.passages) {
        count += 1;
        if (json) terminal.jsonLine(toJson(PassageSchema, passage, { alwaysEmitImplicit: true }));
        else showPassage(terminal, passage, count);
      }
      for (const each of page!.degradations) missing.set([each.hop, each.source, each.reason].join(" "), each);
      isMore = last && page!.nextPageToken !== "";
      bar.update(last ? 1 : count / options.limit, `${count} passages`);
      await terminal.drained();
    }
  } finally {
    bar.end();
  }
  if (count === 0) terminal.note("No passage matches.");
  if (isMore) terminal.note(`There are more than these ${count}: raise --limit to see them.`);
  if (json) for (const { message, reason } of missing.values()) terminal.problem(`Incomplete: ${message || reason}`);
  else showDegradations(terminal, [...missing.values()]);
  return count === 0 ? exitCodes.nothingFound : exitCodes.ok;
}
