import {
  checkDatabaseUrl,
  checkTls,
  ConfigError,
  type ConfigOf,
  databaseVariables,
  type Environment,
  hostVariables,
  parseEnv,
  relayVariables,
  tlsVariables,
  variable,
} from "@quartet/service";

const addressPattern = /^[\w.:/[\],-]{1,1024}$/;
const addressExpected =
  "host:port, several of them with commas between, or a gRPC target such as dns:///retrieval:50052";

const address = (name: string, port: number, service: string) =>
  variable.text(name, {
    default: `127.0.0.1:${port}`,
    pattern: addressPattern,
    expected: addressExpected,
    doc: `Where the gateway finds the ${service} service; calls are spread over all addresses.`,
  });

/** Everything that the gateway reads from the environment. */
export const variables = {
  port: variable.integer("QUARTET_PORT", {
    default: 8080,
    min: 0,
    max: 65_535,
    doc: "Port of the gateway, for Connect, gRPC-Web, gRPC and HTTP; 0 takes a free one.",
  }),
  ...hostVariables,
  ...tlsVariables,
  embeddingAddress: address("QUARTET_EMBEDDING_ADDRESS", 50_051, "embedding"),
  retrievalAddress: address("QUARTET_RETRIEVAL_ADDRESS", 50_052, "retrieval"),
  compressionAddress: address("QUARTET_COMPRESSION_ADDRESS", 50_053, "compression"),
  generationAddress: address("QUARTET_GENERATION_ADDRESS", 50_054, "generation"),
  authentication: variable.choice("QUARTET_AUTHENTICATION", ["none", "tokens"], {
    default: "none",
    doc: "Who may call the gateway: everyone, as one tenant; or holders of access tokens, each as its own tenant, which needs DATABASE_URL.",
  }),
  ...databaseVariables,
  corsOrigins: variable.list("QUARTET_CORS_ORIGINS", {
    default: [],
    doc: "Origins of web pages that may call the gateway from a browser, such as https://ask.example.com; without any, only its own.",
  }),
  hostNames: variable.list("QUARTET_HOST_NAMES", {
    default: [],
    doc: "Names by which clients call the gateway, such as ask.example.com; without any, a gateway on 127.0.0.1 answers to this machine's own names alone, another one to all.",
  }),
  ragDisabled: variable.flag("RAG_DISABLED", {
    default: false,
    doc: "Whether questions are answered without retrieval; each answer says so.",
  }),
  defaultTimeoutMs: variable.duration("QUARTET_DEFAULT_TIMEOUT", {
    default: 30_000,
    min: 100,
    max: 600_000,
    doc: "How long a call without a deadline of its own may take.",
  }),
  maxTimeoutMs: variable.duration("QUARTET_MAX_TIMEOUT", {
    default: 300_000,
    min: 100,
    max: 3_600_000,
    doc: "The longest a call may take, whatever deadline it names.",
  }),
  maxInFlight: variable.integer("QUARTET_MAX_IN_FLIGHT", {
    default: 256,
    min: 1,
    max: 100_000,
    doc: "Questions and searches that the gateway works on at once; further ones are refused and told when to come again.",
  }),
  maxDocumentCallsInFlight: variable.integer("QUARTET_MAX_DOCUMENT_CALLS", {
    default: 32,
    min: 1,
    max: 10_000,
    doc: "Calls about documents that the gateway works on at once.",
  }),
  maxMessageBytes: variable.bytes("QUARTET_MAX_MESSAGE", {
    default: 4 * 1024 ** 2,
    min: 64 * 1024,
    max: 64 * 1024 ** 2,
    doc: "The largest request and response.",
  }),
  readerStallMs: variable.duration("QUARTET_READER_STALL_TIMEOUT", {
    default: 30_000,
    min: 100,
    max: 600_000,
    doc: "How long a caller may take nothing of a response that waits for it; then the call and all work for it end.",
  }),
  passageCount: variable.integer("QUARTET_PASSAGES", {
    default: 10,
    min: 1,
    max: 100,
    doc: "Passages searched for a question that names no count.",
  }),
  maxContextChars: variable.integer("QUARTET_CONTEXT_CHARS", {
    default: 6_000,
    min: 100,
    max: 200_000,
    doc: "Characters of passages shown to the answerer for a question that names no count.",
  }),
  embedTimeoutMs: variable.duration("QUARTET_EMBED_TIMEOUT", {
    default: 3_000,
    min: 20,
    max: 60_000,
    doc: "The most time that embedding a question gets before keywords alone are searched.",
  }),
  searchTimeoutMs: variable.duration("QUARTET_SEARCH_TIMEOUT", {
    default: 5_000,
    min: 200,
    max: 60_000,
    doc: "The most time that a search gets.",
  }),
  compressTimeoutMs: variable.duration("QUARTET_COMPRESS_TIMEOUT", {
    default: 2_000,
    min: 50,
    max: 60_000,
    doc: "The most time that compression gets before passages are cut plainly.",
  }),
  generateTimeoutMs: variable.duration("QUARTET_GENERATE_TIMEOUT", {
    default: 120_000,
    min: 1_000,
    max: 3_600_000,
    doc: "The most time that writing an answer gets, within the call's deadline.",
  }),
  firstTokenTimeoutMs: variable.duration("QUARTET_FIRST_TOKEN_TIMEOUT", {
    default: 20_000,
    min: 100,
    max: 600_000,
    doc: "How long the first word of an answer may take.",
  }),
  tokenTimeoutMs: variable.duration("QUARTET_TOKEN_TIMEOUT", {
    default: 15_000,
    min: 100,
    max: 600_000,
    doc: "How long an answer that has begun may pause.",
  }),
  ...relayVariables,
  indexPollMs: variable.duration("QUARTET_INDEX_POLL", {
    default: 5_000,
    min: 100,
    max: 3_600_000,
    doc: "How often the gateway looks for passages without vectors that came in through another gateway.",
  }),
};

export type Config = ConfigOf<typeof variables>;

/** @throws {ConfigError} naming every mistake. */
export function parseConfig(environment: Environment): Config {
  const config = parseEnv(variables, environment);
  checkTls(config);
  checkDatabaseUrl(config);
  if (config.authentication === "tokens" && config.databaseUrl === undefined) {
    throw new ConfigError([
      "QUARTET_AUTHENTICATION: tokens are kept in PostgreSQL. Set DATABASE_URL to it, or QUARTET_AUTHENTICATION=none.",
    ]);
  }
  return config;
}
