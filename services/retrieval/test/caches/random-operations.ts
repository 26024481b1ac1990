import type { SearchPassagesResponse } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { CacheUse } from "@quartet/contracts/type/v1/search";
import type { Replica, SearchGiven } from "./replica.ts";

export interface RandomOperationsOptions {
  readonly replicas: readonly [Replica, ...Replica[]];
  readonly operations: number;
  /** One operation in so many changes a document. */
  readonly changeEvery: number;
  readonly seed: number;
}

export interface RandomOperationsReport {
  readonly searches: number;
  readonly cached: number;
  readonly changes: number;
  /** Results that were held against all that there was to be found. */
  readonly compared: number;
  /** What was wrong; empty when nothing was. */
  readonly stale: readonly string[];
}

const documentCount = 40;
const collections = ["a", "b", "c"] as const;
const readers = 4;

const idOf = (number: number) => `doc-${number}`;
const collectionOf = (number: number) => collections[number % collections.length]!;
/** Each document has a word of its own, one that it shares with others, and its version. */
const textOf = (number: number, version: number) =>
  `subject${number}x topic${number % 8}x 휴가 규정 ${number}. version${version}x`;

/** What must be found: the last version that was acknowledged, or that there is none. */
interface Known {
  version: number;
  exists: boolean;
  /** Changes that have begun and are not acknowledged: until then either may be found. */
  changing: boolean;
}

/**
 * One who changes documents, and four who search meanwhile, each on whatever replica; all as chance has it, and the same for the same seed but for
 * the order of what happens at once. What is found is held against what was acknowledged before the search began: no older version, nothing
 * that was deleted. After each change, when keywords and vectors have caught up, every replica must find exactly what there is.
 */
export async function runRandomOperations(options: RandomOperationsOptions): Promise<RandomOperationsReport> {
  const { replicas, operations, changeEvery, seed } = options;
  const random = createRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const known = Array.from({ length: documentCount }, (): Known => ({ version: 0, exists: false, changing: false }));
  const stale: string[] = [];
  const counts = { searches: 0, cached: 0, changes: 0, compared: 0 };
  let left = operations;

  const put = async (number: number) => {
    const version = known[number]!.version + 1;
    const document = { id: idOf(number), text: textOf(number, version), collection: collectionOf(number), tags: ["t"] };
    await pick(replicas).put([document]);
    known[number] = { version, exists: true, changing: false };
  };
  const remove = async (number: number) => {
    await pick(replicas).delete([idOf(number)]);
    known[number] = { ...known[number]!, exists: false, changing: false };
  };
  const judge = (response: SearchPassagesResponse, before: readonly Known[], what: string) => {
    for (const { documentId, text } of response.passages) {
      const number = Number(documentId.slice("doc-".length));
      const version = Number(/version(\d+)x/.exec(text)?.[1]);
      const must = before[number]!;
      if (version < must.version) stale.push(`${what}: ${documentId} in version ${version}, not ${must.version}`);
      if (!must.exists && !must.changing) stale.push(`${what}: ${documentId}, which was deleted`);
    }
  };
  const asked = (): readonly [query: string, given: SearchGiven] => {
    const number = Math.floor(documentCount * random() ** 4);
    const query = random() < 0.5 ? `subject${number}x` : `topic${number % 8}x 휴가 규정`;
    const collection = random() < 0.5 ? collectionOf(number) : undefined;
    return [query, { ...(collection !== undefined && { collection }), ...(random() < 0.3 && { tags: ["t"] }) }];
  };
  const search = async () => {
    const [query, given] = asked();
    const before = known.map((each) => ({ ...each }));
    const response = await pick(replicas).search(query, given);
    counts.searches++;
    if (response.cached) counts.cached++;
    judge(response, before, query);
  };
  /** While nothing changes, every replica finds all that has the word that was asked for, from the caches and past them. */
  const compare = async () => {
    const [query, given] = asked();
    const expected = known.flatMap(({ exists, version }, number) => {
      const text = textOf(number, version);
      const isInScope = given.collection === undefined || given.collection === collectionOf(number);
      return exists && isInScope && hasWord(text, query) ? [text] : [];
    });
    for (const replica of replicas) {
      for (const cacheUse of [CacheUse.READ_WRITE, CacheUse.BYPASS]) {
        const response = await replica.search(query, { ...given, cacheUse });
        counts.compared++;
        const found = response.passages.map(({ text }) => text).filter((text) => hasWord(text, query));
        if (found.sort().join() === expected.sort().join()) continue;
        stale.push(`${query} ${JSON.stringify({ ...given, cacheUse })}: ${found.join()}, not ${expected.join()}`);
      }
    }
  };

  const write = async () => {
    while (left > 0) {
      // As many searches pass between two changes as there are to be.
      const next = left - changeEvery;
      while (left > Math.max(0, next)) await new Promise((resolve) => setTimeout(resolve, 1));
      if (left <= 0) return;
      left--;
      counts.changes++;
      const number = Math.floor(documentCount * random() ** 4);
      known[number]!.changing = true;
      if (known[number]!.exists && random() < 0.2) await remove(number);
      else await put(number);
      for (let round = 0; round < 3; round++) await search();
      await pick(replicas).settle();
      for (let round = 0; round < 2; round++) await compare();
      left -= 5;
    }
  };
  const read = async () => {
    while (left > 0) {
      left--;
      await search();
    }
  };

  for (let number = 0; number < documentCount; number++) await put(number);
  await replicas[0].settle();
  await Promise.all([write(), ...Array.from({ length: readers }, read)]);
  await replicas[0].settle();
  for (let round = 0; round < 40; round++) await compare();
  return { ...counts, stale };
}

/** Whether the text has the first word of the query, which five documents have at most. */
const hasWord = (text: string, query: string): boolean => text.split(" ").includes(query.split(" ")[0]!);

/** mulberry32: the same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
