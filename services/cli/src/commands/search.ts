import { toJson } from "@bufbuild/protobuf";
import type { Degradation, Passage } from "@quartet/client";
import { SearchPassagesResponseSchema } from "@quartet/contracts/gateway/v1/search_service";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { excerpt } from "../domain/printable.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { type SearchFlags, toSearchOptions } from "../search-options.ts";
import { showSources } from "./show-sources.ts";

export interface SearchCommandOptions extends SearchFlags {
  readonly query: string;
  readonly limit: number;
}

const excerptLength = 240;

/** `quartet search QUERY` */
export async function search(
  { client, terminal, signal, json }: Context,
  options: SearchCommandOptions,
): Promise<ExitCode> {
  const request = { query: options.query, pageSize: options.limit, options: toSearchOptions(options) };
  const response = await client().search.searchPassages(request, { signal });
  if (json) {
    terminal.json(toJson(SearchPassagesResponseSchema, response, { alwaysEmitImplicit: true }));
  } else {
    response.passages.forEach((passage, index) => showPassage(terminal, passage, index + 1));
    if (response.passages.length === 0) terminal.note("No passage matches.");
    showSources(terminal, response.sources);
    showDegradations(terminal, response.degradations);
  }
  return response.passages.length === 0 ? exitCodes.nothingFound : exitCodes.ok;
}

export function showPassage(
  terminal: Terminal,
  { title, documentId, startOffset, endOffset, score, text, hits }: Passage,
  rank: number,
) {
  const name = excerpt(title || documentId, 100);
  const place = `${terminal.safe(documentId)}, characters ${startOffset}-${endOffset}, score ${score.toFixed(3)}`;
  terminal.line(`${rank}. ${terminal.bold(name)}  ${terminal.dim(place)}`);
  terminal.line(`   ${excerpt(text, excerptLength)}`);
  const path = hits.find((hit) => hit.path.length > 0)?.path;
  if (path !== undefined) terminal.line(`   ${terminal.dim(`found by ${excerpt(path.join(" - "), excerptLength)}`)}`);
}

/** What was left out of a result, each in its sentence. */
export function showDegradations(terminal: Terminal, degradations: readonly Degradation[]): void {
  for (const { hop, source, reason, message } of degradations) {
    terminal.note(`note: ${message || reason} (${[hop, source, reason].filter(Boolean).join(", ")})`);
  }
}
