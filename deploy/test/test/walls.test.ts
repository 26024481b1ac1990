import { describe, expect, it } from "@jest/globals";
import { Linter } from "eslint";
import tseslint from "typescript-eslint";
import { importRules } from "../../lint/import-rules.mjs";
import { root } from "../src/processes.ts";

const linter = new Linter({ cwd: root });
const config = [{ files: ["**/*.ts"], languageOptions: { parser: tseslint.parser } }, ...importRules(root)];

/** What lint says to a file with this import. */
const refusals = (file: string, from: string, names = "thing") =>
  linter
    .verify(`import { ${names} } from "${from}";`, config as Linter.Config[], { filename: `${root}${file}` })
    .map(({ message }) => message);

describe("the walls of the house", () => {
  it.each([
    ["services/gateway/src/hops/hop.ts", "@grpc/grpc-js", "@quartet/rpc"],
    ["services/gateway/src/front.ts", "@connectrpc/connect-node", "@quartet/rpc"],
    ["services/gateway/src/hops/hop.ts", "opossum", "@quartet/resilience"],
    ["services/gateway/src/hops/hop.ts", "ioredis", "@quartet/redis"],
    ["services/embedding/src/adapters/shared-vectors.ts", "ioredis", "@quartet/redis"],
    ["services/gateway/src/hops/hop.ts", "@quartet/retrieval-service", "Services never import each other"],
    ["libs/text/src/terms.ts", "@quartet/gateway-service", "Services never import each other"],
    ["services/retrieval/src/handlers/put.ts", "@elastic/elasticsearch", "adapters/"],
    ["services/retrieval/src/adapters/postgres/record.ts", "pg", "@quartet/postgres"],
    ["services/embedding/src/app.ts", "openai", "@quartet/provider"],
    ["services/generation/src/adapters/openai-chat/chat-client.ts", "undici", "@quartet/provider"],
    ["services/retrieval/src/domain/search.ts", "node:sqlite", "adapters/"],
    ["services/retrieval/src/domain/search.ts", "../adapters/embedded/open.ts", "domain/ is pure"],
    ["services/retrieval/src/domain/search.ts", "@quartet/contracts/type/v1/passage", "Convert in convert.ts"],
    ["services/retrieval/src/domain/search.ts", "node:fs", "domain/ does no I/O"],
    ["services/cli/src/app.ts", "@quartet/rpc", "@quartet/client"],
    ["services/cli/src/app.ts", "@quartet/retrieval-service", "@quartet/client"],
    ["services/gateway/src/app.ts", "@quartet/testing", "for tests"],
    ["services/gateway/src/app.ts", "@quartet/fake-provider", "quartet fake-provider"],
  ])("%s may not import %s, and is told: %s", (file, from, way) => {
    expect(refusals(file, from).join("\n")).toContain(way);
  });

  it("Connect's own createClient is for libs/rpc and libs/client alone", () => {
    expect(refusals("services/gateway/src/hops/hop.ts", "@connectrpc/connect", "createClient").join()).toContain(
      "@quartet/rpc",
    );
    expect(refusals("libs/rpc/src/create-client.ts", "@connectrpc/connect", "createClient")).toEqual([]);
  });

  it.each([
    ["services/retrieval/src/adapters/embedded/open.ts", "node:sqlite"],
    ["libs/provider/src/provider-client.ts", "openai"],
    ["services/retrieval/src/adapters/rerank/http-reranker.ts", "undici"],
    ["services/standalone/src/app.ts", "@quartet/retrieval-service"],
    ["services/cli/src/app.ts", "@quartet/client"],
    ["services/cli/src/adapters/fake-provider.ts", "@quartet/fake-provider"],
    ["services/gateway/src/app.test.ts", "@quartet/testing"],
    ["libs/rpc/src/grpc/server.ts", "@grpc/grpc-js"],
    ["libs/resilience/src/breaker.ts", "opossum"],
    ["libs/postgres/src/pool.ts", "pg"],
    ["libs/redis/src/connection.ts", "ioredis"],
    ["libs/redis/src/redis.test.ts", "@quartet/testing"],
  ])("%s may import %s", (file, from) => {
    expect(refusals(file, from)).toEqual([]);
  });
});
