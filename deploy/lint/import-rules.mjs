/**
 * The walls of the house: who may import whom. Each rule says what to use instead.
 *
 * services -> libs; libs never -> services; services never -> each other (standalone alone composes them);
 * inside a service main -> app -> {handlers, adapters} -> domain; drivers only in adapters.
 */

const only = {
  grpc: {
    group: ["@grpc/*", "grpc-health-check"],
    message: "Only libs/rpc speaks grpc-js. Use createRpcServer or createGrpcTransport from @quartet/rpc.",
  },
  connectNode: {
    group: ["@connectrpc/connect-node"],
    message: "Only libs/rpc and libs/client host or dial Connect. Use @quartet/rpc inside, @quartet/client outside.",
  },
  opossum: {
    group: ["opossum"],
    message: "Only libs/resilience knows opossum. Use createBreaker from @quartet/resilience.",
  },
  postgres: {
    group: ["pg", "pg-connection-string", "node-pg-migrate"],
    message: "Only libs/postgres knows pg. Use createPool and migrate from @quartet/postgres.",
  },
  ioredis: { group: ["ioredis"], message: "Only libs/redis knows ioredis. Use @quartet/redis." },
  piscina: {
    group: ["piscina"],
    message: "Only libs/workers knows piscina. Use createWorkerPool from @quartet/workers.",
  },
  provider: {
    group: ["openai", "openai/*", "undici"],
    message: "Only libs/provider knows model providers' SDK and HTTP. Use createProviderClient from @quartet/provider.",
  },
  testing: {
    group: ["@quartet/testing"],
    message: "@quartet/testing is for tests. What the product needs as well belongs in another lib.",
  },
  fakeProvider: {
    group: ["@quartet/fake-provider"],
    message: "@quartet/fake-provider is for `quartet fake-provider` and for tests, which get it from @quartet/testing.",
  },
  services: {
    group: ["@quartet/*-service", "**/services/**"],
    message: "Services never import each other; talk over the contract. Only services/standalone composes them.",
  },
  drivers: {
    group: ["pgvector", "pgvector/*", "@elastic/*", "node:sqlite", "@huggingface/*", "onnxruntime-*"],
    message: "Drivers live in adapters/. Define a port in domain/ and implement it in adapters/.",
  },
};

const createClient = {
  name: "@connectrpc/connect",
  importNames: ["createClient"],
  message: "Connect's own client leaks a stream left by break. Use createClient from @quartet/rpc.",
};

const domain = [
  {
    group: ["**/adapters/**", "**/handlers/**", "**/hops/**", "**/app.ts", "**/config.ts", "**/convert.ts"],
    message: "domain/ is pure: it imports nothing of the service around it. Pass it in as a port.",
  },
  {
    group: ["@quartet/contracts", "@quartet/contracts/*", "@bufbuild/*", "@connectrpc/*"],
    message: "domain/ knows no proto types. Convert in convert.ts.",
  },
  {
    group: ["node:fs", "node:fs/*", "node:net", "node:http", "node:http2", "node:child_process"],
    message: "domain/ does no I/O. Define a port and implement it in adapters/.",
  },
];

const outsiders = {
  group: [
    "@quartet/*",
    "!@quartet/client",
    "!@quartet/contracts",
    "!@quartet/contracts/*",
    "!@quartet/fake-provider",
    "!@quartet/testing",
  ],
  message: "The CLI and the console know only @quartet/client and @quartet/contracts, as users do.",
};

const all = (...left) => Object.values(only).filter((rule) => !left.includes(rule));

const rule = (patterns, paths = [createClient]) => ({ "no-restricted-imports": ["error", { paths, patterns }] });

const tests = ["**/*.test.ts", "**/test/**"];

/** @param {string} root the checkout */
export function importRules(root) {
  const area = (files, rules, ignores = []) => ({ basePath: root, files, ignores, rules });
  return [
    area(["libs/**/*.ts"], rule(all()), tests),
    area(["libs/rpc/**/*.ts"], rule(all(only.grpc, only.connectNode), [])),
    area(["libs/rpc/test/**/*.ts"], rule(all(only.grpc, only.connectNode, only.testing), [])),
    area(["libs/client/**/*.ts"], rule(all(only.connectNode), [])),
    area(["libs/resilience/**/*.ts"], rule(all(only.opossum))),
    area(["libs/provider/**/*.ts"], rule(all(only.provider)), tests),
    area(["libs/redis/**/*.ts"], rule(all(only.ioredis)), tests),
    area(["libs/postgres/**/*.ts"], rule(all(only.postgres)), tests),
    area(["libs/workers/**/*.ts"], rule(all(only.piscina)), tests),
    area(["libs/budget/src/domain/**/*.ts"], rule([...all(), ...domain]), tests),
    area(["libs/budget/src/adapters/**/*.ts"], rule(all(only.drivers)), tests),
    area(["libs/testing/**/*.ts"], rule([only.services])),
    area(["services/**/*.ts"], rule(all()), tests),
    area(["services/*/src/adapters/**/*.ts"], rule(all(only.drivers)), tests),
    // A reranker is no provider of OpenAI's protocol, and has a client of its own.
    area(["services/retrieval/src/adapters/rerank/*.ts"], rule(all(only.drivers, only.provider)), tests),
    area(["services/*/src/domain/**/*.ts"], rule([...all(), ...domain]), tests),
    area(["services/standalone/**/*.ts"], rule(all(only.services)), tests),
    area(["services/{cli,console}/**/*.ts"], rule([...all(), outsiders]), tests),
    area(["services/{cli,console}/src/adapters/**/*.ts"], rule([...all(only.drivers), outsiders]), tests),
    area(["services/cli/src/adapters/**/*.ts"], rule([...all(only.drivers, only.fakeProvider), outsiders]), tests),
  ];
}
