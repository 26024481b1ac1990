import { setTimeout } from "node:timers/promises";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type CallOptions, Code, type ConnectError, type Transport } from "@connectrpc/connect";
import { AccessTokenService, Role } from "@quartet/contracts/gateway/v1/access_token_service";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { DocumentFacet } from "@quartet/contracts/type/v1/document";
import { quartetError, reasonOf, retryDelayMsOf, violationsOf } from "@quartet/errors";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "@quartet/rpc";
import type { Role as RoleName } from "../src/domain/access/access-token.ts";
import { failure } from "./failure.ts";
import { createMemoryStores, type MemoryStores } from "./memory-stores.ts";
import { openInMemory, openOnPort } from "./open-gateway.ts";
import { ways } from "./ways.ts";

const environment = { QUARTET_AUTHENTICATION: "tokens", DATABASE_URL: "postgresql://unused.invalid/none" };
const with_ = (token: string): CallOptions => ({ headers: { authorization: `Bearer ${token}` } });

interface Rpc {
  readonly method: DescMethod;
  readonly role: RoleName;
  readonly request: object;
}

const rpc = (method: DescMethod, role: RoleName, request: object = {}): Rpc => ({ method, role, request });

const accessToken = { label: "x", roles: [Role.READ] };

/** Every rpc of the public contract, with the role it needs. */
const rpcs: readonly Rpc[] = [
  rpc(AnswerService.method.answerQuestion, "read", { question: "휴가?" }),
  rpc(AnswerService.method.streamAnswerQuestion, "read", { answer: { question: "휴가?" } }),
  rpc(SearchService.method.searchPassages, "read", { query: "휴가" }),
  rpc(SearchService.method.streamSearchPassages, "read", { search: { query: "휴가" } }),
  rpc(DocumentService.method.getDocument, "read", { documentId: "known" }),
  rpc(DocumentService.method.listDocuments, "read"),
  rpc(DocumentService.method.countDocuments, "read", { facet: DocumentFacet.TAG }),
  rpc(DocumentService.method.listCollections, "read"),
  rpc(DocumentService.method.putDocuments, "write", { documents: [{ id: "known", text: "있는 문서" }] }),
  rpc(DocumentService.method.deleteDocuments, "write", { documentIds: ["absent"] }),
  rpc(DocumentService.method.putGraph, "write", { graph: {} }),
  rpc(DocumentService.method.deleteEntities, "write", { entityIds: ["absent"] }),
  rpc(AccessTokenService.method.createAccessToken, "admin", { accessToken }),
  rpc(AccessTokenService.method.listAccessTokens, "admin"),
  rpc(AccessTokenService.method.revokeAccessToken, "admin", { accessTokenId: "a".repeat(16) }),
  rpc(OperationsService.method.getPlatformStatus, "admin"),
  rpc(OperationsService.method.rebuildIndex, "admin"),
  rpc(OperationsService.method.retryRefusedPassages, "admin"),
  rpc(OperationsService.method.adviseIndexes, "admin"),
  rpc(OperationsService.method.invalidateCache, "admin", { selector: {} }),
  rpc(OperationsService.method.warmCache, "admin", { queries: ["휴가"] }),
];

/** Calls an rpc of either kind to its end. */
async function call(transport: Transport, { method, request }: Rpc, options: CallOptions): Promise<void> {
  const client = createClient(method.parent, transport) as unknown as Record<
    string,
    (request: object, options: CallOptions) => Promise<unknown> & AsyncIterable<unknown>
  >;
  const result = client[method.localName]!(request, options);
  if (method.methodKind === "unary") await result;
  else for await (const _ of result) void _;
}

/** What the fakes have no store for. */
const ofOtherStores = { PutGraph: "NOT_ENABLED", DeleteEntities: "NOT_ENABLED", AdviseIndexes: "NOT_ENABLED" };

const outcome = (error: ConnectError) => [error.code, reasonOf(error)];
const refused = [Code.Unauthenticated, "CREDENTIAL_INVALID"];

it("every rpc of the contract is in this table", () => {
  const services: DescService[] = [
    AnswerService,
    SearchService,
    DocumentService,
    AccessTokenService,
    OperationsService,
  ];
  // By name: a descriptor holds the whole contract, which a failure would print.
  const names = (methods: readonly DescMethod[]) => methods.map(({ parent, name }) => `${parent.name}/${name}`).sort();
  expect(names(rpcs.map(({ method }) => method))).toEqual(names(services.flatMap(({ methods }) => methods)));
});

describe.each(ways)("with access tokens, over %s", (_name, openWay) => {
  const stores: MemoryStores = createMemoryStores();
  const issue = (roles: readonly RoleName[], more = {}) => stores.issue("acme", { roles, ...more });
  const all: readonly RoleName[] = ["read", "write", "admin"];
  const right = { read: issue(["read"]), write: issue(["write"]), admin: issue(["admin"]) };
  const wrongRole = {
    read: issue(["write", "admin"]),
    write: issue(["read", "admin"]),
    admin: issue(["read", "write"]),
  };
  const bad = {
    "no token": {},
    "a token that is none": with_("qt_nonsense"),
    "a token of nobody": with_(`qt_${"z".repeat(16)}_${"x".repeat(43)}`),
    "a wrong secret": with_(`${right.admin.slice(0, -4)}AAAA`),
    "an expired token": with_(issue(all, { expireTime: new Date(Date.now() - 1000) })),
    "a revoked token": with_(issue(all, { revokeTime: new Date() })),
    "a token of a disabled tenant": with_(stores.issue("gone", { roles: all })),
    "another scheme": { headers: { authorization: "Basic YWRtaW46YWRtaW4=" } },
    "a tenant of its own choice": { headers: { "quartet-tenant": "acme", "quartet-roles": "read,write,admin" } },
  };
  stores.disabled.add("gone");
  let gateway: Awaited<ReturnType<typeof openOnPort>>;
  let way: ReturnType<typeof openWay>;
  /** Without those of the worker. */
  const callsOfCallers = () =>
    gateway.inner.calls.filter((each) => ["put", "list", "search", "compress", "generate"].includes(each));
  beforeAll(async () => {
    gateway = await openOnPort({ ...environment, QUARTET_INDEX_POLL: "1h" }, { stores });
    way = openWay(gateway.url);
    await call(
      way.transport,
      rpcs.find(({ method }) => method.name === "PutDocuments")!,
      with_(right.write),
    );
  });
  afterAll(async () => {
    way.close();
    await gateway[Symbol.asyncDispose]();
    const secrets = [...Object.values(right), ...Object.values(wrongRole)].map((token) => token.slice(21));
    const told = gateway.logged.join("") + (await gateway.metricsText());
    expect(secrets.filter((secret) => told.includes(secret))).toEqual([]);
  });

  describe.each(rpcs.map((each) => [each.method.name, each] as const))("%s", (_method, each) => {
    it.each(Object.keys(bad) as (keyof typeof bad)[])("refuses %s", async (kind) => {
      const before = callsOfCallers();
      const error = await failure(call(way.transport, each, bad[kind]));
      expect(outcome(error)).toEqual(refused);
      expect(error.rawMessage).toBe("Send a valid access token, as in `authorization: Bearer qt_...`.");
      expect(callsOfCallers()).toEqual(before);
    });

    it("refuses a token without the role", async () => {
      const error = await failure(call(way.transport, each, with_(wrongRole[each.role])));
      expect(outcome(error)).toEqual([Code.PermissionDenied, "ROLE_MISSING"]);
    });

    it("takes a token with the role", async () => {
      const error = await call(way.transport, each, with_(right[each.role])).catch((reason: unknown) => reason);
      // What the fakes do not have.
      const absent = { RevokeAccessToken: "NOT_FOUND", RebuildIndex: "NOT_ENABLED", ...ofOtherStores }[
        each.method.name
      ];
      expect(reasonOf(error)).toBe(absent);
    });
  });
});

describe("the plain HTTP routes", () => {
  it("of questions ask for a token, those of operators and browsers do not", async () => {
    const stores = createMemoryStores();
    const token = stores.issue("acme", { roles: ["read"] });
    await using gateway = await openOnPort({ ...environment, QUARTET_CORS_ORIGINS: "https://a.example" }, { stores });
    const headers = { "content-type": "application/json" };
    const search = (authorization?: string) =>
      fetch(`${gateway.url}/api/v1/search`, {
        method: "POST",
        headers: { ...headers, ...(authorization && { authorization }) },
        body: JSON.stringify({ query: "휴가" }),
      });
    const status = async (response: Promise<Response>) => (await response).status;
    expect(await status(search())).toBe(401);
    expect(await status(search(`Bearer ${token}`))).toBe(200);
    expect((await search()).headers.get("www-authenticate")).toBe("Bearer");
    expect(await status(fetch(`${gateway.url}/healthz`))).toBe(200);
    expect(await status(fetch(`${gateway.url}/readyz`))).toBe(200);
    expect(await status(fetch(`${gateway.url}/metrics`))).toBe(200);
    const preflight = await fetch(`${gateway.url}/api/v1/search`, {
      method: "OPTIONS",
      headers: { origin: "https://a.example", "access-control-request-method": "POST" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([
      204,
      expect.stringContaining("authorization"),
    ]);
  });
});

describe("access tokens", () => {
  async function open() {
    const stores = createMemoryStores();
    const gateway = await openInMemory({ ...environment, QUARTET_INDEX_POLL: "1h" }, { stores });
    return { stores, gateway, admin: with_(stores.issue("acme", { roles: ["admin"] })) };
  }

  it("are made with what was asked for, work at once, and are seen without their secret", async () => {
    const { gateway, admin, stores } = await open();
    await using _ = gateway;
    const expireTime = timestampFromDate(new Date(Date.now() + 60_000));
    const wanted = { label: "야간 배치".normalize("NFD"), roles: [Role.READ, Role.WRITE], expireTime };
    const { accessToken: made, secret } = await gateway.tokens.createAccessToken({ accessToken: wanted }, admin);
    expect(made).toMatchObject({ label: "야간 배치", roles: wanted.roles, expireTime });
    expect(secret).toMatch(new RegExp(`^qt_${made!.id}_[A-Za-z0-9_-]{43}$`));
    await gateway.search.searchPassages({ query: "휴가" }, with_(secret));
    const { accessTokens } = await gateway.tokens.listAccessTokens({}, admin);
    expect(accessTokens).toHaveLength(2);
    expect(accessTokens).toContainEqual(made);
    const kept = JSON.stringify(
      [...stores.tokens.values()].map((each) => ({ ...each, secretHash: [...each.secretHash] })),
    );
    expect(kept + gateway.logged.join("")).not.toContain(secret.slice(20));
  });

  it("are revoked once and for good, at once on this replica", async () => {
    const { gateway, admin } = await open();
    await using _ = gateway;
    const request = { accessToken: { roles: [Role.READ] } };
    const { accessToken: made, secret } = await gateway.tokens.createAccessToken(request, admin);
    await gateway.search.searchPassages({ query: "휴가" }, with_(secret));
    const accessTokenId = made!.id;
    const first = await gateway.tokens.revokeAccessToken({ accessTokenId }, admin);
    const again = await gateway.tokens.revokeAccessToken({ accessTokenId }, admin);
    expect(first.accessToken?.revokeTime).toEqual(again.accessToken?.revokeTime);
    expect(outcome(await failure(gateway.search.searchPassages({ query: "휴가" }, with_(secret))))).toEqual(refused);
  });

  it("of another tenant are neither seen nor revoked", async () => {
    const { gateway, admin, stores } = await open();
    await using _ = gateway;
    const theirs = stores.issue("other", { roles: ["read"] });
    const id = theirs.split("_")[1]!;
    expect((await gateway.tokens.listAccessTokens({}, admin)).accessTokens.map((each) => each.id)).not.toContain(id);
    const error = await failure(gateway.tokens.revokeAccessToken({ accessTokenId: id }, admin));
    expect(outcome(error)).toEqual([Code.NotFound, "NOT_FOUND"]);
    await gateway.search.searchPassages({ query: "휴가" }, with_(theirs));
    expect(gateway.tenants.at(-1)).toBe("SearchPassages for other");
  });

  it("are listed page by page, newest first", async () => {
    const { gateway, admin, stores } = await open();
    await using _ = gateway;
    for (let second = 0; second < 5; second += 1) {
      stores.issue("acme", { label: `${second}`, roles: ["read"], createTime: new Date(1_000 * second) });
    }
    const labels: string[] = [];
    let pageToken = "";
    do {
      const page = await gateway.tokens.listAccessTokens({ pageSize: 2, pageToken }, admin);
      labels.push(...page.accessTokens.map(({ label }) => label));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(labels).toEqual(["", "4", "3", "2", "1", "0"]);
    for (const broken of ["x", Buffer.from("access-tokens:1:'; DROP").toString("base64url")]) {
      const error = await failure(gateway.tokens.listAccessTokens({ pageToken: broken }, admin));
      expect(outcome(error)).toEqual([Code.InvalidArgument, "PAGE_TOKEN_INVALID"]);
    }
  });

  it.each([
    ["no role", {}],
    ["a role that there is not", { roles: [9 as Role] }],
    ["no role at all but unspecified", { roles: [Role.UNSPECIFIED] }],
    ["a label that is too long", { roles: [Role.READ], label: "가".repeat(129) }],
    ["an end in the past", { roles: [Role.READ], expireTime: timestampFromDate(new Date(1_000)) }],
  ])("are not made with %s", async (_what, token) => {
    const { gateway, admin } = await open();
    await using _ = gateway;
    const error = await failure(gateway.tokens.createAccessToken({ accessToken: token }, admin));
    expect([...outcome(error), violationsOf(error).length]).toEqual([Code.InvalidArgument, "FIELD_INVALID", 1]);
  });

  it("are not to be had where nobody is asked for one", async () => {
    await using gateway = await openInMemory();
    const error = await failure(gateway.tokens.listAccessTokens({}));
    expect(outcome(error)).toEqual([Code.Unimplemented, "NOT_ENABLED"]);
  });
});

describe("while the store of tokens is away", () => {
  const away = () => quartetError({ code: Code.Unavailable, reason: "UPSTREAM_FAILED", message: "db.internal:5432" });

  it("holders who were let in go on, others are told to come again and not that they are nobody", async () => {
    const stores = createMemoryStores();
    const known = stores.issue("acme", { roles: ["read"] });
    const unknown = stores.issue("acme", { roles: ["read"] });
    await using gateway = await openInMemory({ ...environment, QUARTET_INDEX_POLL: "1h" }, { stores });
    await gateway.search.searchPassages({ query: "휴가" }, with_(known));
    stores.failure = away();
    await gateway.search.searchPassages({ query: "휴가" }, with_(known));
    const error = await failure(gateway.search.searchPassages({ query: "휴가" }, with_(unknown)));
    expect(outcome(error)).toEqual([Code.Unavailable, "UPSTREAM_FAILED"]);
    expect(retryDelayMsOf(error)).toBeGreaterThan(0);
    expect(error.message).not.toContain("db.internal");
    stores.failure = undefined;
    await gateway.search.searchPassages({ query: "휴가" }, with_(unknown));
  });

  it("a flood of invented tokens costs it two look-ups at a time, and keeps out nobody who was let in", async () => {
    const stores = createMemoryStores();
    const known = stores.issue("acme", { roles: ["read"] });
    let atOnce = 0;
    let most = 0;
    const find = stores.access.find;
    const slow = async (id: string, signal: AbortSignal) => {
      most = Math.max(most, ++atOnce);
      await setTimeout(5);
      atOnce -= 1;
      return await find(id, signal);
    };
    Object.assign(stores.access, { find: slow });
    await using gateway = await openInMemory({ ...environment, QUARTET_INDEX_POLL: "1h" }, { stores });
    await gateway.search.searchPassages({ query: "휴가" }, with_(known));
    const digits = (count: number) =>
      [...String(count).padStart(4, "0")].map((digit) => "abcdefghij"[Number(digit)]).join("");
    const flood = Array.from({ length: 200 }, (_, count) =>
      failure(
        gateway.search.searchPassages({ query: "휴가" }, with_(`qt_aaaaaaaaaaaa${digits(count)}_${"x".repeat(43)}`)),
      ),
    );
    await gateway.search.searchPassages({ query: "휴가" }, with_(known));
    const codes = (await Promise.all(flood)).map(({ code }) => code);
    // On a machine that is busy with something else, some wait in vain.
    const expected = [Code.ResourceExhausted, Code.Unauthenticated, Code.Unavailable];
    expect(codes.filter((code) => !expected.includes(code))).toEqual([]);
    expect(codes).toContain(Code.ResourceExhausted);
    expect(most).toBeLessThanOrEqual(2);
    // Two are looked up and 64 wait, at any one time; as some are done with, others come in.
    expect(stores.lookUps.length).toBeLessThan(flood.length);
  });
});

describe("the tenant of a call", () => {
  it("goes along to every inner service, and to the worker that acts for it", async () => {
    const stores = createMemoryStores();
    const token = with_(stores.issue("acme", { roles: ["read", "write"] }));
    await using gateway = await openInMemory(environment, { stores, worker: true });
    gateway.inner.index.active = undefined;
    await gateway.documents.putDocuments({ documents: [{ id: "leave", text: "연차 휴가는 15일입니다." }] }, token);
    await gateway.answers.answerQuestion({ question: "휴가?" }, token);
    const until = async (holds: () => boolean) => {
      for (const end = Date.now() + 20_000; !holds() && Date.now() < end;) await setTimeout(5);
      expect(holds()).toBe(true);
    };
    await until(() => gateway.tenants.includes("PutVectors for acme"));
    for (const each of ["PutDocuments", "EmbedTexts", "SearchPassages", "CompressPassages", "GenerateAnswer"]) {
      expect(gateway.tenants).toContain(`${each} for acme`);
    }
    // The worker looks after the tenant that was there before there were tokens, too.
    await until(() => gateway.tenants.includes("ListCollections for default"));
    const asked = gateway.tenants.filter((each) => !each.startsWith("ListCollections"));
    expect(new Set(asked.map((each) => each.split(" ").at(-1)))).toEqual(new Set(["acme", "default"]));
    // More than the waits together, so that the one that fails says why.
  }, 60_000);
});
