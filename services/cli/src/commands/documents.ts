import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Document, DocumentView } from "@quartet/client";
import { DocumentSchema } from "@quartet/contracts/type/v1/document";
import type { Terminal } from "../adapters/terminal.ts";
import type { Context } from "../context.ts";
import { excerpt } from "../domain/printable.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { documentFilter } from "../search-options.ts";

export interface ListOptions {
  readonly collection?: string;
  readonly tag: readonly string[];
  /** The most documents to show. */
  readonly limit: number;
}

const pageSize = 1000;
const deleteBatch = 1000;

/** `quartet documents list` */
export async function listDocuments(context: Context, options: ListOptions): Promise<ExitCode> {
  const { terminal, signal, json } = context;
  const documents: Document[] = [];
  const filter = documentFilter(options);
  let pageToken = "";
  do {
    const request = {
      pageToken,
      pageSize: Math.min(pageSize, options.limit - documents.length),
      ...(filter && { filter }),
    };
    const page = await context.client().documents.listDocuments(request, { signal });
    documents.push(...page.documents);
    if (!json) for (const document of page.documents) terminal.line(row(terminal, document));
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && documents.length < options.limit);
  if (json) terminal.json({ documents: documents.map(jsonOf), more: pageToken !== "" });
  else if (documents.length === 0) terminal.note("No documents. Put some with `quartet index PATH`.");
  else if (pageToken !== "") terminal.note(`The first ${documents.length}; more with --limit.`);
  return documents.length === 0 ? exitCodes.nothingFound : exitCodes.ok;
}

/** `quartet documents get ID` */
export async function getDocument(context: Context, documentId: string): Promise<ExitCode> {
  const { terminal, signal, json } = context;
  const request = { documentId, view: DocumentView.FULL };
  const { document } = await context.client().documents.getDocument(request, { signal });
  if (!document) throw new Error("The server sent no document.");
  if (json) {
    terminal.json(jsonOf(document));
    return exitCodes.ok;
  }
  for (const [name, value] of facts(document)) terminal.line(`${terminal.dim(`${name}:`)} ${terminal.safe(value)}`);
  terminal.line();
  terminal.line(terminal.safe(document.text));
  return exitCodes.ok;
}

/** `quartet documents delete ID...` */
export async function deleteDocuments(context: Context, documentIds: readonly string[]): Promise<ExitCode> {
  const { terminal, signal, json } = context;
  const unique = [...new Set(documentIds)];
  let deleted = 0;
  for (let start = 0; start < unique.length; start += deleteBatch) {
    const request = { documentIds: unique.slice(start, start + deleteBatch) };
    deleted += (await context.client().documents.deleteDocuments(request, { signal })).deletedCount;
  }
  if (json) terminal.json({ deleted, unknown: unique.length - deleted });
  else
    terminal.line(`${deleted} deleted${deleted < unique.length ? `, ${unique.length - deleted} did not exist` : ""}`);
  return deleted === 0 ? exitCodes.nothingFound : exitCodes.ok;
}

const jsonOf = (document: Document) => toJson(DocumentSchema, document, { alwaysEmitImplicit: true });

function row(terminal: Terminal, { id, title, passageCount, vectorCount, collection }: Document): string {
  const counts = `${collection}, ${passageCount} passages${vectorCount < passageCount ? `, ${vectorCount} with vectors` : ""}`;
  return `${terminal.bold(terminal.safe(id))}  ${excerpt(title, 80)}  ${terminal.dim(counts)}`;
}

function facts(document: Document): [string, string][] {
  const { id, title, collection, tags, uri, language, version, passageCount, vectorCount, updateTime } = document;
  const all: [string, string][] = [
    ["id", id],
    ["title", title],
    ["collection", collection],
    ["tags", tags.join(", ")],
    ["uri", uri],
    ["language", language],
    ["version", String(version)],
    ["passages", `${passageCount}, ${vectorCount} with vectors`],
    ["updated", updateTime ? timestampDate(updateTime).toISOString() : ""],
  ];
  return all.filter(([, value]) => value !== "");
}
