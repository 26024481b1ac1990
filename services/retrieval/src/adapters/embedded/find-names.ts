import { mentionedRows } from "../../domain/graph-mentions.ts";
import { passageContent } from "../../domain/passage-content.ts";
import type { DocumentEntry } from "./catalogue.ts";
import type { Database } from "./database.ts";
import type { EmbeddedState } from "./state.ts";
import type { TenantGraph } from "./tenant-graph.ts";

/** The rows of the names that a text mentions. */
export function namesIn({ names, maxNameWords }: TenantGraph, content: string): readonly number[] {
  return names.size === 0 ? [] : mentionedRows(content, maxNameWords, names);
}

/** Notes within a transaction which names a new passage mentions. */
export function noteMentions(database: Database, passage: number, names: readonly number[]): void {
  for (const name of names) database.run("INSERT INTO graph_found (name, passage) VALUES (?, ?)", name, passage);
}

/** As `noteMentions`, in place of what was noted before; gives whether that differs. */
function replaceMentions(database: Database, passage: number, names: readonly number[]): boolean {
  const sql = "SELECT name FROM graph_found WHERE passage = ?";
  const before = new Set(database.all<{ name: number }>(sql, passage).map(({ name }) => name));
  const added = names.filter((name) => !before.delete(name));
  for (const name of before) database.run("DELETE FROM graph_found WHERE name = ? AND passage = ?", name, passage);
  noteMentions(database, passage, added);
  return added.length + before.size > 0;
}

/** Begins to look the documents of a tenant through, where that is not under way. */
export function lookThrough(state: EmbeddedState, graph: TenantGraph): void {
  if (!graph.isScanning) state.inBackground(scanDocuments(state, graph));
}

/** Looked through in one go; other calls wait some 10 ms. */
const passagesPerStep = 32;

interface Scanned {
  readonly document: DocumentEntry;
  readonly passages: readonly { readonly id: number; readonly names: readonly number[] }[];
}

/**
 * Looks the documents of a tenant through, step by step, until none is behind its names. What is changed meanwhile is left alone: whoever puts a
 * document looks it through, and begins this anew where names changed before it was written; whoever changes names makes all documents stand behind.
 * Throws nothing: where the disk fails, the next change of the graph, or opening the store, goes on from there.
 */
function* scanDocuments(state: EmbeddedState, graph: TenantGraph): Generator<void, void, void> {
  graph.isScanning = true;
  try {
    // The first step is taken at once, before the caller has its answer.
    yield;
    for (let behind = nextBehind(state, graph); behind.length > 0; behind = nextBehind(state, graph)) {
      const { namesSeq } = graph;
      let scanned: Scanned[] = [];
      let count = 0;
      for (const document of behind) {
        const passages: { id: number; names: readonly number[] }[] = [];
        for (const { id } of document.passages) {
          passages.push({ id, names: namesIn(graph, contentOf(state.database, document, id)) });
          count += 1;
          if (count % passagesPerStep !== 0) continue;
          yield;
          if (isGone(state, graph, document)) break;
        }
        scanned.push({ document, passages });
        if (count < passagesPerStep) continue;
        noteScanned(state, graph, namesSeq, scanned);
        scanned = [];
        count = 0;
      }
      noteScanned(state, graph, namesSeq, scanned);
      yield;
    }
  } catch {
    // See above.
  } finally {
    graph.isScanning = false;
  }
}

function nextBehind({ database, tenants }: EmbeddedState, { tenant, namesSeq }: TenantGraph): DocumentEntry[] {
  const sql = `SELECT document_id AS id FROM document WHERE tenant = ? AND names_seq < ? ORDER BY names_seq LIMIT ${passagesPerStep}`;
  const documents = tenants.get(tenant)?.documents;
  return database.all<{ id: string }>(sql, tenant, namesSeq).flatMap(({ id }) => documents?.get(id) ?? []);
}

/** A document that changes gets another entry. */
function isGone({ tenants }: EmbeddedState, { tenant }: TenantGraph, document: DocumentEntry): boolean {
  return tenants.get(tenant)?.documents.get(document.id) !== document;
}

function contentOf(database: Database, { title }: DocumentEntry, passage: number): string {
  const sql = "SELECT headings, text FROM passage_text WHERE passage = ?";
  const row = database.get<{ headings: string; text: string }>(sql, passage);
  if (row === undefined) return "";
  return passageContent({ title, headings: JSON.parse(row.headings) as string[], text: row.text });
}

function noteScanned(state: EmbeddedState, graph: TenantGraph, namesSeq: number, scanned: readonly Scanned[]): void {
  const current = scanned.filter(({ document }) => !isGone(state, graph, document));
  if (current.length === 0) return;
  const { database } = state;
  const version = graph.version + 1;
  const hasChanged = database.transaction(() => {
    let changes = 0;
    for (const { document, passages } of current) {
      for (const { id, names } of passages) if (replaceMentions(database, id, names)) changes += 1;
      database.run("UPDATE document SET names_seq = ? WHERE id = ?", namesSeq, document.rowId);
    }
    if (changes > 0) database.run("UPDATE graph SET version = ? WHERE tenant = ?", version, graph.tenant);
    return changes > 0;
  });
  if (hasChanged) graph.version = version;
}
