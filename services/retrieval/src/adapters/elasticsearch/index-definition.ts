import { createHash, randomBytes } from "node:crypto";
import type { estypes } from "@elastic/elasticsearch";
import { stopWords, terms } from "@quartet/text";
import { b, k1 } from "../../domain/bm25.ts";

export interface IndexOptions {
  /** What the names of indexes, alias and template begin with. */
  readonly prefix: string;
  readonly shards: number;
  /** Copies of each shard. */
  readonly replicas: number;
}

export interface IndexNames {
  /** What searches name: an alias of the index they are answered from. */
  readonly alias: string;
  /** Of all indexes, served or not. */
  readonly pattern: string;
  readonly template: string;
}

export function indexNames(prefix: string): IndexNames {
  const alias = `${prefix.replace(/-+$/, "")}-passages`;
  return { alias, pattern: `${alias}-*`, template: alias };
}

/** A name never used before, which tells what the index is made for; see `definitionId`. */
export function newIndexName({ alias }: IndexNames): string {
  return `${alias}-${definitionId}-${Date.now().toString(36)}${randomBytes(3).toString("hex")}`;
}

/**
 * How long deletions are remembered, so that a copy of a document that was read before it was deleted is not taken after. Longer than
 * anything that was read waits to be written; see `maxPageAgeMs` of the rebuild.
 */
const rememberDeletions = "1h";

/** Particles, endings, affixes and punctuation carry no meaning of their own. Tags of Lucene 10, which knows no E and no J. */
const noriStopTags = (
  "EF EC EP ETM ETN IC JKS JKC JKG JKO JKB JKV JKQ JX JC MAG MAJ MM " + "SP SSC SSO SC SE XPN XSA XSN XSV UNA NA VSV"
).split(" ");

/**
 * `terms` is analysed before it is sent, by the function that the embedded index uses, so that both find the same passages with the same
 * scores: overlapping pairs of characters for Hangul, Han and Kana, stems without stop words for words of letters.
 * `content.nori` and `content.english` leave each other's scripts out, so that neither finds what only the other understands.
 */
const analysis = {
  tokenizer: { quartet_nori: { type: "nori_tokenizer", decompound_mode: "discard", discard_punctuation: true } },
  filter: {
    quartet_nori_stop: { type: "nori_part_of_speech", stoptags: noriStopTags },
    quartet_only_korean: { type: "pattern_replace", pattern: "^[^\\p{IsHangul}\\p{IsHan}]*$", replacement: "" },
    quartet_only_latin: { type: "pattern_replace", pattern: "^.*[^a-z0-9].*$", replacement: "" },
    quartet_not_empty: { type: "length", min: 1 },
    quartet_possessive: { type: "stemmer", language: "possessive_english" },
    quartet_stop: { type: "stop", stopwords: [...stopWords] },
    quartet_stem: { type: "stemmer", language: "porter2" },
  },
  analyzer: {
    quartet_nori: {
      type: "custom",
      tokenizer: "quartet_nori",
      filter: ["quartet_nori_stop", "lowercase", "quartet_only_korean", "quartet_not_empty"],
    },
    quartet_english: {
      type: "custom",
      tokenizer: "standard",
      filter: [
        "lowercase",
        "quartet_possessive",
        "asciifolding",
        "quartet_stop",
        "quartet_stem",
        "quartet_only_latin",
        "quartet_not_empty",
      ],
    },
  },
} satisfies estypes.IndicesIndexSettingsAnalysis;

/** Words alone, without positions: nothing asks for phrases. */
const counted = { type: "text", index_options: "freqs" } as const;
/** Looked up, never sorted or counted by. */
const lookedUp = { type: "keyword", doc_values: false } as const;

const mappings = {
  dynamic: "strict",
  // What is there to be searched by comes with each change and is never read back.
  _source: { excludes: ["terms", "content", "facts"] },
  properties: {
    tenant: lookedUp,
    collection: { type: "keyword" },
    document_id: { type: "keyword" },
    ordinal: { type: "integer" },
    facts: lookedUp,
    terms: { ...counted, analyzer: "whitespace" },
    content: {
      type: "text",
      index: false,
      fields: {
        nori: { ...counted, analyzer: "quartet_nori" },
        english: { ...counted, analyzer: "quartet_english" },
      },
    },
    stored: { type: "object", enabled: false },
  },
} satisfies estypes.MappingTypeMapping;

function settings({ shards, replicas }: IndexOptions): estypes.IndicesIndexSettings {
  return {
    number_of_shards: shards,
    number_of_replicas: replicas,
    // The projector refreshes when it has written; nothing else does.
    refresh_interval: -1,
    gc_deletes: rememberDeletions,
    similarity: { default: { type: "BM25", k1, b } },
    analysis,
  };
}

/** For every index of that prefix. One that is not there is never made by writing to it: it would look whole and be empty. */
export function indexTemplate(options: IndexOptions): estypes.IndicesPutIndexTemplateRequest {
  const { template, pattern } = indexNames(options.prefix);
  return {
    name: template,
    index_patterns: [pattern],
    allow_auto_create: false,
    priority: 500,
    template: { settings: settings(options), mappings },
    _meta: { description: "Quartet's keyword index of passages: a projection of the record in PostgreSQL" },
  };
}

/** A text on which the ways to make terms of it differ. */
const probe = "The cats' naïve U.S. 3.14 1,000 running 부가가치세법 제3조 東京タワー ﬁnal Ｂ２Ｂ 😀";

/** Changes with the fields, the analysis in Elasticsearch and the one before it: what another one wrote is found less well, or not at all. */
export const definitionId = createHash("sha256")
  .update(JSON.stringify([mappings, analysis, terms(probe)]))
  .digest("hex")
  .slice(0, 8);
