import { DocumentFacet } from "@quartet/contracts/type/v1/document";
import { Command, InvalidArgumentError, Option } from "commander";
import { advise } from "./commands/advise.ts";
import { ask, strategies } from "./commands/ask.ts";
import { showBudget } from "./commands/budget.ts";
import { cacheLevels, type CacheLevelName, cacheStats, clearCache, warmCache } from "./commands/cache.ts";
import { doctor } from "./commands/doctor.ts";
import { countDocuments, type CountOptions } from "./commands/document-counts.ts";
import { deleteDocuments, getDocument, listDocuments } from "./commands/documents.ts";
import { evaluate } from "./commands/evaluate.ts";
import { fakeProvider } from "./commands/fake-provider.ts";
import { deleteEntities, importGraphs, type ImportGraphFlags } from "./commands/graph.ts";
import { indexPaths } from "./commands/index-paths.ts";
import { showKeys } from "./commands/keys.ts";
import { addModel, listModels, removeModel } from "./commands/models.ts";
import { reindex, type ReindexFlags } from "./commands/reindex.ts";
import { search } from "./commands/search.ts";
import { searchAll } from "./commands/search-all.ts";
import { start } from "./commands/start.ts";
import { showStatus } from "./commands/status.ts";
import { createToken, listTokens, revokeToken, roleNames, switchTenant } from "./commands/tokens.ts";
import { type FakeProviderFlags, faults, isFaultName, type FaultName } from "./adapters/fake-provider.ts";
import type { Context } from "./context.ts";
import { parseSection, type SectionSpec } from "./domain/section-spec.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { strategyNames } from "./evaluation/compression.ts";
import { parts } from "./evaluation/parts.ts";
import { rerankers, storeKinds } from "./evaluation/prepare.ts";
import { fusions, type SearchFlags } from "./search-options.ts";

/** Runs one command with a context made of the flags every command takes. */
export type Run = (
  flags: { readonly server?: string; readonly token?: string; readonly json?: boolean; readonly timeout: number },
  command: (context: Context) => Promise<ExitCode>,
) => Promise<void>;

const exitCodeHelp = `
Exit codes: 0 done; 1 something failed; 2 wrong usage; 3 no server answers; 4 nothing found (no passage, document or answer);
130 interrupted. Results go to stdout, everything else to stderr. Colour follows the terminal and NO_COLOR.`;

/** The command line: names, arguments and help. */
export function createProgram(run: Run, { stdout, stderr }: Pick<NodeJS.Process, "stdout" | "stderr">): Command {
  const program = new Command("quartet")
    .description("Answers questions from your own documents, with citations.")
    .option("--server <url>", "the gateway (default: QUARTET_SERVER, else QUARTET_PORT or 8080 here)")
    .option("--token <token>", "an access token (default: QUARTET_TOKEN, which other users of this machine do not see)")
    .option("--json", "print JSON")
    .option("--timeout <seconds>", "how long one call may take", wholeNumber(1, 3600), 30)
    .addHelpText("after", exitCodeHelp)
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .exitOverride()
    .showHelpAfterError("(see quartet --help)");

  /** Hands a command its own options, its arguments and the context. */
  const action =
    <O>(command: (context: Context, options: O, args: string[]) => Promise<ExitCode>) =>
    (...all: unknown[]) => {
      const self = all.at(-1) as Command;
      return run(program.opts(), (context) => command(context, self.opts<O & object>(), self.args));
    };

  addStart(program, action);
  addIndex(program, action);
  addAsk(program, action);
  addSearch(program, action);
  addDocuments(program, action);
  addGraph(program, action);
  addEval(program, action);
  addTokens(program, action);
  addModels(program, action);
  addCache(program, action);
  addBudget(program, action);
  addFakeProvider(program, action);
  program
    .command("status")
    .description("shows the processes, pools, queues and caches of a running platform")
    .action(action((context) => showStatus(context)));
  program
    .command("keys")
    .description("shows how each key of the model provider fares, by its label, and what to do about it")
    .action(action((context) => showKeys(context)));
  program
    .command("advise")
    .description(
      "shows indexes and other words that make the slowest statements of the database faster; changes nothing",
    )
    .option("--statements <count>", "how many of the slowest to look at", wholeNumber(1, 50), 10)
    .option("--plans", "show plans as a whole", false)
    .option("--wait-limit <seconds>", "how long it may take", wholeNumber(5, 3600), 240)
    .action(action<{ statements: number; plans: boolean; waitLimit: number }>(advise));
  program
    .command("reindex")
    .description("builds the keyword index anew from the record and swaps it in; Ctrl-C leaves the old one")
    .option("--retry-refused", "try texts again that the embedder refused, and nothing else", false)
    .option("--collection <name>", "with --retry-refused, only those of one collection")
    .action(action<ReindexFlags>(reindex));
  program
    .command("doctor")
    .description("checks this machine, the data folder, keys and the server, and says what to do")
    .action(action((context) => doctor(context)));
  return program;
}

type Action = <O>(
  command: (context: Context, options: O, args: string[]) => Promise<ExitCode>,
) => (...all: unknown[]) => Promise<void>;

function addStart(program: Command, action: Action): void {
  program
    .command("start")
    .description("runs the whole of Quartet in one process, until Ctrl-C")
    .option("--port <port>", "where to listen (default: QUARTET_PORT, else 8080; 0 takes a free one)")
    .option("--data-dir <folder>", "where to keep data (default: QUARTET_DATA_DIR, else .quartet)")
    .action(action<{ port?: string; dataDir?: string }>(start));
}

function addIndex(program: Command, action: Action): void {
  program
    .command("index")
    .description("puts files and folders of .txt, .md and .jsonl ({id, title, text, tags, metadata} per line)")
    .argument("<path...>", "files and folders; a document's ID is its path from the working directory")
    .option("--collection <name>", "the collection", "default")
    .option("--tag <tag>", "a tag for every document; may be repeated", collect, [])
    .option("--wait", "wait until everything can be found by its vectors too", false)
    .option("--wait-limit <seconds>", "wait at most this long", wholeNumber(1, 86_400), 600)
    .action(
      action<{ collection: string; tag: string[]; wait: boolean; waitLimit: number }>((context, options, paths) => {
        const { collection, tag: tags, wait, waitLimit } = options;
        return indexPaths(context, { paths, collection, tags, wait, waitLimitMs: waitLimit * 1000 });
      }),
    );
}

function addAsk(program: Command, action: Action): void {
  const command = program
    .command("ask")
    .description("asks a question, and shows the answer as it is written, with its sources")
    .argument("<question...>")
    .option(
      "--passages <count>",
      "how many passages to search for, up to 100 (default: the server's)",
      wholeNumber(1, 100),
    )
    .option("--max-context-chars <count>", "the most characters of passages to answer from", wholeNumber(1, 200_000))
    .addOption(new Option("--compression <strategy>", "how passages are cut").choices(Object.keys(strategies)))
    .option(
      "--section <name[=instruction]>",
      "a part of the answer to write by itself, such as summary, symbols, recommendations or risks='Which risks are named?'; up to 8, written at once",
      section,
      [],
    )
    .option(
      "--max-tokens <count>",
      "the most tokens to write, in each section where there are any",
      wholeNumber(1, 16_384),
    )
    .option("--temperature <number>", "how freely the model writes, from 0 to 2", decimal(0, 2));
  type Flags = SearchFlags & {
    passages?: number;
    maxContextChars?: number;
    compression?: keyof typeof strategies;
    section: SectionSpec[];
    maxTokens?: number;
    temperature?: number;
  };
  withSearchFlags(command).action(
    action<Flags>((context, { passages = 0, maxContextChars = 0, maxTokens = 0, section: sections, ...flags }, words) =>
      ask(context, { ...flags, question: words.join(" "), passages, maxContextChars, maxTokens, sections }),
    ),
  );
}

function addSearch(program: Command, action: Action): void {
  const command = program
    .command("search")
    .description("finds passages")
    .argument("<query...>")
    .option("--all", "all that is found, as it comes; with --json one passage a line", false)
    .option(
      "--limit <count>",
      "the most passages to show, up to 100, with --all up to 100000 (default: 10, with --all 10000)",
      wholeNumber(1, 100_000),
    );
  type Flags = SearchFlags & { all: boolean; limit?: number };
  withSearchFlags(command).action(
    action<Flags>(async (context, { all, limit, ...flags }, words) => {
      const query = words.join(" ");
      if (all) return searchAll(context, { ...flags, query, limit: limit ?? 10_000 });
      if (limit !== undefined && limit > 100) {
        context.terminal.problem("--limit must be a whole number from 1 to 100 where --all is not given.");
        return exitCodes.usage;
      }
      return search(context, { ...flags, query, limit: limit ?? 10 });
    }),
  );
}

function addDocuments(program: Command, action: Action): void {
  const documents = program.command("documents").description("lists, counts, shows and deletes documents");
  documents
    .command("list")
    .description("lists documents by ID")
    .option("--collection <name>", "only those of one collection")
    .option("--tag <tag>", "only those with this tag; may be repeated", collect, [])
    .option("--limit <count>", "the most documents to show", wholeNumber(1, 1_000_000), 100)
    .action(action<{ collection?: string; tag: string[]; limit: number }>(listDocuments));
  const facets = { tags: DocumentFacet.TAG, taxonomy: DocumentFacet.TAXONOMY_PATH } as const;
  for (const [name, facet] of Object.entries(facets)) {
    documents
      .command(name)
      .description(`counts documents by ${facet === DocumentFacet.TAG ? "tag" : "taxonomy path"}, most first`)
      .option("--collection <name>", "only those of one collection")
      .option("--tag <tag>", "only those with this tag; may be repeated", collect, [])
      .option("--prefix <text>", "only what begins so", "")
      .option("--limit <count>", "the most to show", wholeNumber(1, 1_000_000), 50)
      .action(action<CountOptions>((context, options) => countDocuments(context, facet, options)));
  }
  documents
    .command("get")
    .description("shows a document with its text")
    .argument("<id>")
    .action(action((context, _, [id = ""]) => getDocument(context, id)));
  documents
    .command("delete")
    .description("deletes documents with all that hangs on them")
    .argument("<id...>")
    .action(action((context, _, ids) => deleteDocuments(context, ids)));
}

function addGraph(program: Command, action: Action): void {
  const graph = program.command("graph").description("imports entities and relations, and deletes entities");
  graph
    .command("import")
    .description(
      "merges files into the graph: .jsonl with an entity, relation or mention per line, or .json with lists of them",
    )
    .argument("<file...>")
    .option("--wait", "wait until all documents have been looked through for the names", false)
    .option("--wait-limit <seconds>", "wait at most this long", wholeNumber(1, 86_400), 600)
    .addHelpText("after", graphHelp)
    .action(action<ImportGraphFlags>((context, flags, files) => importGraphs(context, flags, files)));
  graph
    .command("delete")
    .description("deletes entities with their names, relations and mentions")
    .argument("<id...>")
    .action(action((context, _, ids) => deleteEntities(context, ids)));
}

const graphHelp = `
Lines of a .jsonl file, in any order:
  {"id": "bok", "name": "한국은행", "kind": "bank", "aliases": ["Bank of Korea"]}
  {"source": "rhee", "target": "bok", "kind": "총재이다", "weight": 0.9}
  {"entity": "bok", "document": "docs/rates.md", "start": 0, "end": 4}
A .json file is {"entities": [...], "relations": [...], "mentions": [...]}. Importing again changes nothing.`;

function addTokens(program: Command, action: Action): void {
  const tokens = program.command("tokens").description("creates, lists and revokes access tokens");
  const tenant = "do it at the database of DATABASE_URL, as its operator";
  tokens
    .command("create")
    .description("creates an access token and prints it, this once")
    .option("--tenant <name>", `for this tenant rather than the caller's: ${tenant}`)
    .option("--label <text>", "what it is for", "")
    .addOption(
      new Option("--role <role>", "what it may do; may be repeated (default: read)")
        .choices(roleNames)
        .argParser(oneOf(roleNames)),
    )
    .option("--days <count>", "how long it is valid (default: for ever)", wholeNumber(1, 99_999))
    .action(action(createToken));
  tokens
    .command("list")
    .description("lists the caller's tenant's access tokens, newest first")
    .action(action((context) => listTokens(context)));
  tokens
    .command("revoke")
    .description("revokes an access token of the caller's tenant, everywhere within 10 s")
    .argument("<id>")
    .action(action((context, _, [id = ""]) => revokeToken(context, id)));
  for (const name of ["disable", "enable"] as const) {
    tokens
      .command(name)
      .description(`${name === "enable" ? "lets a tenant in again" : "lets a whole tenant in no more"}: ${tenant}`)
      .requiredOption("--tenant <name>")
      .action(action<{ tenant: string }>((context, { tenant }) => switchTenant(context, name, tenant)));
  }
}

function addModels(program: Command, action: Action): void {
  const models = program
    .command("models")
    .description("adds, lists and removes embedding models of this machine, in QUARTET_MODELS_DIR or the data folder");
  models
    .command("add")
    .description(
      "copies a sentence-transformer exported to ONNX, after it embedded a text here; the last one added is in use",
    )
    .argument("<path>", "its folder: model.onnx, tokenizer.json and the files that say how it is used")
    .option("--name <name>", "what to call it (default: as its folder)")
    .option("--query-prefix <text>", 'what it wants before a question, as "query: " (default: as its files say)')
    .option("--document-prefix <text>", 'what it wants before a passage, as "passage: "')
    .action(
      action<{ name?: string; queryPrefix?: string; documentPrefix?: string }>((context, options, [path = ""]) =>
        addModel(context, options, path),
      ),
    );
  models
    .command("list")
    .description("lists the models, the one in use first")
    .option("--verify", "compare every file with its checksum", false)
    .action(action<{ verify: boolean }>(listModels));
  models
    .command("remove")
    .description("deletes a model")
    .argument("<name>")
    .action(action((context, _, [name = ""]) => removeModel(context, name)));
}

function addCache(program: Command, action: Action): void {
  const cache = program.command("cache").description("shows, empties and warms the caches");
  cache
    .command("stats")
    .description("shows how each cache fares, over all replicas")
    .action(action((context) => cacheStats(context)));
  cache
    .command("clear")
    .description("empties the caller's tenant's part of the caches, on all replicas and in Redis")
    .addOption(
      new Option("--level <level>", "only this one; may be repeated (default: all)")
        .choices(Object.keys(cacheLevels))
        .argParser(oneOf(Object.keys(cacheLevels) as CacheLevelName[])),
    )
    .option("--pattern <pattern>", "only keys like this, after the tenant: * is any text, as in 'handbook@*'", "")
    .action(action(clearCache));
  cache
    .command("warm")
    .description("runs searches so that their results are there: of a file, or the most frequent of the last day")
    .argument("[file]", 'one question a line, or {"text": ...} a line in a .jsonl file')
    .option("--frequent <count>", "how many of the most frequent, without a file", wholeNumber(1, 1000), 100)
    .action(action<{ frequent: number }>((context, options, [file]) => warmCache(context, options, file)));
}

function addBudget(program: Command, action: Action): void {
  program
    .command("budget")
    .description("shows what models may cost this month, and what they did: all tenants together, and the caller's")
    .action(action((context) => showBudget(context)));
}

function addEval(program: Command, action: Action): void {
  program
    .command("eval")
    .description("measures ranking, compression and refusals on a judged data set, in a throw-away store")
    .argument("<folder>", "holds corpus.jsonl, queries.jsonl, qrels.tsv and, where known, answers.jsonl")
    .option(
      "--limit <count>",
      "only the first so many judged queries (and as many unanswerable ones)",
      wholeNumber(1, 1_000_000),
    )
    .option("--refusal-queries <file>", "a queries.jsonl of another set, whose questions this corpus cannot answer")
    .addOption(new Option("--only <part>", "only this part; may be repeated").choices(parts).argParser(oneOf(parts)))
    .addOption(
      new Option("--strategy <name>", "measure only this rule of compression; may be repeated")
        .choices(strategyNames)
        .argParser(oneOf(strategyNames)),
    )
    .option("--concurrency <count>", "calls at once", wholeNumber(1, 64), 4)
    .addOption(
      new Option("--stores <kind>", "the server's own, or those at DATABASE_URL and ELASTICSEARCH_URL")
        .choices(storeKinds)
        .default("embedded"),
    )
    .option("--source <name>", "ask only this source; may be repeated", collect, [])
    .addOption(
      new Option("--rerank <kind>", "what orders passages anew (default: QUARTET_RERANKER)").choices(rerankers),
    )
    .option("--quantisation", "also compare vectors in a byte a component with exact ones, which the server then keeps")
    .addHelpText(
      "after",
      "\nWith --server or --stores cluster the documents go into a throw-away collection and are deleted afterwards.",
    )
    .action(action(evaluate));
}

function withSearchFlags(command: Command): Command {
  return command
    .option("--collection <name>", "only documents of one collection")
    .option("--tag <tag>", "only documents with this tag; may be repeated", collect, [])
    .option("--source <name>", "ask only this source; may be repeated", collect, [])
    .addOption(new Option("--fusion <kind>", "how legs are fused").choices(Object.keys(fusions)))
    .option("--vector-weight <weight>", "the vectors' weight in convex fusion, 0 to 1", share)
    .option("--sequential", "run the legs one after the other");
}

function addFakeProvider(program: Command, action: Action): void {
  program
    .command("fake-provider")
    .description("runs an OpenAI-compatible server that costs nothing, for load tests and faults, until Ctrl-C")
    .option("--host <address>", "where to listen; only this machine reaches the default", "127.0.0.1")
    .option("--port <port>", "where to listen; 0 takes a free one", wholeNumber(0, 65_535), 0)
    .option("--key <label=value>", "a key that is known; may be repeated (default: any will do)", collect, [])
    .option("--model <name>", "a model that is known; may be repeated (default: any will do)", collect, [])
    .option("--requests-per-minute <count>", "more get 429, for each key", wholeNumber(1, 1_000_000_000))
    .option("--tokens-per-minute <count>", "more get 429, for each key", wholeNumber(1, 1_000_000_000))
    .option("--concurrent <count>", "more calls at a time get 429, for each key", wholeNumber(1, 1_000_000))
    .option("--share-limits", "all keys share these limits, as those of one organization do", false)
    .option("--first-token-delay <time>", "before the first token, such as 200ms or 2s", milliseconds)
    .option("--token-delay <time>", "between the others", milliseconds)
    .option("--jitter <share>", "how much delays vary, 0 to 1", share)
    .option("--tokens <count>", "the length of every answer (default: what there is to say)", wholeNumber(1, 1_000_000))
    .option("--dimensions <count>", "the length of vectors", wholeNumber(1, 16_384), 64)
    .addOption(
      new Option("--fault <name>", "what goes wrong from the start; may be repeated").argParser(faultNames).default([]),
    )
    .addHelpText("after", faultHelp)
    .action(action<FakeProviderFlags>(fakeProvider));
}

const faultHelp = `
Faults, which can be switched on while it runs as well:
${Object.entries(faults)
  .map(([name, { title }]) => `  ${name.padEnd(4)} ${title}`)
  .join("\n")}`;

const faultNames = (value: string, earlier: readonly FaultName[]): FaultName[] => {
  if (isFaultName(value)) return [...earlier, value];
  throw new InvalidArgumentError(`Choose from ${Object.keys(faults).join(", ")}.`);
};

const collect = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];

const oneOf =
  <T extends string>(choices: readonly T[]) =>
  (value: string, earlier: readonly T[] = []): T[] => {
    const choice = choices.find((each) => each === value);
    if (choice === undefined) throw new InvalidArgumentError(`Choose from ${choices.join(", ")}.`);
    return [...earlier, choice];
  };

const section = (value: string, earlier: readonly SectionSpec[]): SectionSpec[] => {
  const spec = parseSection(value);
  if (spec === undefined) {
    throw new InvalidArgumentError(
      "Write name or name=instruction; the name of small letters, digits, _ and -, a letter first, at most 32.",
    );
  }
  if (earlier.some(({ name }) => name === spec.name))
    throw new InvalidArgumentError("Give each section a name of its own.");
  if (earlier.length >= 8) throw new InvalidArgumentError("Ask for at most 8 sections.");
  return [...earlier, spec];
};

const decimal = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
};

const wholeNumber = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
};

const milliseconds = (text: string): number => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError("It must be a time with its unit, such as 200ms or 2s.");
  return Number(amount) * (unit === "s" ? 1_000 : 1);
};

const share = (text: string): number => {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a number from 0 to 1.");
};
