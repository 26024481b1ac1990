import type { DocumentCount, DocumentFacet } from "@quartet/contracts/type/v1/document";
import type { Context } from "../context.ts";
import { bar } from "../domain/figures.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { documentFilter } from "../search-options.ts";

export interface CountOptions {
  readonly collection?: string;
  readonly tag: readonly string[];
  readonly prefix: string;
  /** The most values to show. */
  readonly limit: number;
}

const pageSize = 1000;
const barWidth = 20;

/** `quartet documents tags` and `quartet documents taxonomy`: how many documents there are of each. */
export async function countDocuments(
  { client, terminal, signal, json }: Context,
  facet: DocumentFacet,
  { limit, prefix, ...options }: CountOptions,
): Promise<ExitCode> {
  const counts: DocumentCount[] = [];
  const filter = documentFilter(options);
  let pageToken = "";
  do {
    const request = {
      facet,
      prefix,
      pageToken,
      pageSize: Math.min(pageSize, limit - counts.length),
      ...(filter && { filter }),
    };
    const page = await client().documents.countDocuments(request, { signal });
    counts.push(...page.counts);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && counts.length < limit);
  const rows = counts.map(({ value, documentCount }) => ({ value, documents: Number(documentCount) }));
  if (json) terminal.json({ counts: rows, more: pageToken !== "" });
  const most = Math.max(...rows.map(({ documents }) => documents));
  const width = String(most).length;
  if (!json)
    for (const { value, documents } of rows) {
      const drawn = bar(documents / most, barWidth).padEnd(barWidth);
      terminal.line(`${String(documents).padStart(width)}  ${terminal.dim(drawn)}  ${terminal.safe(value)}`);
    }
  if (counts.length === 0) terminal.note("No document has any.");
  else if (pageToken !== "") terminal.note(`The first ${counts.length}; more with --limit.`);
  return counts.length === 0 ? exitCodes.nothingFound : exitCodes.ok;
}
