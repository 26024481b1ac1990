import { uniqueName } from "./unique-name.ts";

/** An Elasticsearch server with nori that tests may fill. */
export interface TestElasticsearch {
  readonly url: string;
  /** A prefix for the names of indices, aliases and templates, of this suite alone; nothing is made for it. */
  createPrefix(): TestIndexPrefix;
}

export interface TestIndexPrefix extends AsyncDisposable {
  /** Such as `quartet-test-0f3c5a9b21d4-`. */
  readonly prefix: string;
  readonly url: string;
  /** Deletes every index and template whose name begins with the prefix. */
  drop(): Promise<void>;
}

/** No test waits longer for the server itself. */
const LIMIT_MS = 30_000;

export function createTestElasticsearch(url: string): TestElasticsearch {
  return {
    url,
    createPrefix() {
      const prefix = `${uniqueName("-")}-`;
      const drop = () => deleteAll(url, prefix);
      return { prefix, url, drop, [Symbol.asyncDispose]: drop };
    },
  };
}

async function deleteAll(url: string, prefix: string): Promise<void> {
  const listed = await call(url, "GET", `_cat/indices/${prefix}*?format=json&h=index&expand_wildcards=all`);
  const names = ((await listed.json()) as { readonly index: string }[]).map(({ index }) => index);
  // By name: a server in its default configuration refuses to delete indices by a pattern.
  if (names.length > 0) await call(url, "DELETE", names.join(","));
  for (const kind of ["_index_template", "_component_template"]) await call(url, "DELETE", `${kind}/${prefix}*`);
}

async function call(url: string, method: string, path: string): Promise<Response> {
  const response = await fetch(`${url.replace(/\/$/, "")}/${path}`, { method, signal: AbortSignal.timeout(LIMIT_MS) });
  if (response.ok || response.status === 404) return response;
  throw new Error(`Elasticsearch answered ${response.status} to ${method} ${path}: ${await response.text()}`);
}
