import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "@jest/globals";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@quartet/contracts/grpc/health/v1/health";
import { ServerReflection } from "@quartet/contracts/grpc/reflection/v1/reflection";
import { reasonOf, retryDelayMsOf } from "@quartet/errors";
import { createClient, type Client, createGrpcTransport, createOnePortServer, createRpcServer } from "../src/index.ts";
import { createEchoHandlers, createProbe, type Probe } from "./echo.ts";
import { EchoService } from "./gen/quartet/test/v1/echo_pb.ts";

const servers = { "grpc-js server": createRpcServer, "one-port server": createOnePortServer } as const;

describe.each(Object.keys(servers) as (keyof typeof servers)[])("%s", (name) => {
  const opened: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
  });

  /** A server with the suite's handlers, and a gRPC transport to it. */
  async function open(probe: Probe = createProbe()) {
    const server = servers[name]({}).add(EchoService, createEchoHandlers(probe));
    const { port } = await server.listen({ port: 0 });
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
    opened.push(
      () => server.drain({ limitMs: 0 }),
      () => transport.close(),
    );
    return { server, transport, port, echo: createClient(EchoService, transport) };
  }

  describe("health", () => {
    it("tells who serves, and says when it ends", async () => {
      const { server, transport } = await open();
      const health = createClient(Health, transport);
      expect(await health.check({ service: EchoService.typeName })).toMatchObject({ status: Status.SERVING });
      expect(reasonOf(await health.check({ service: "no.such.Service" }).catch((error: unknown) => error))).toBe(
        "NOT_FOUND",
      );
      const seen: Status[] = [];
      const watched = (async () => {
        for await (const { status } of health.watch({})) seen.push(status);
      })();
      await until(() => seen.length === 1);
      server.setServing(false);
      await until(() => seen.length === 2);
      server.setServing(true);
      await until(() => seen.length === 3);
      await server.drain({ limitMs: 2000 });
      await watched;
      expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
    });
  });

  describe("reflection", () => {
    it("lists the services, and gives files from which a client can be made", async () => {
      const { transport } = await open();
      const reflection = createClient(ServerReflection, transport);
      const questions = (async function* () {
        yield { messageRequest: { case: "listServices" as const, value: "" } };
        yield { messageRequest: { case: "fileContainingSymbol" as const, value: EchoService.typeName } };
        yield { messageRequest: { case: "fileContainingSymbol" as const, value: "no.such.Thing" } };
        yield { messageRequest: { case: "allExtensionNumbersOfType" as const, value: "google.protobuf.FieldOptions" } };
      })();
      const answers = [];
      for await (const { messageResponse } of reflection.serverReflectionInfo(questions)) answers.push(messageResponse);
      const [list, files, missing, extensions] = answers;
      expect(list?.case === "listServicesResponse" && list.value.service.map((service) => service.name)).toContain(
        EchoService.typeName,
      );
      if (files?.case !== "fileDescriptorResponse") throw new Error("no files");
      const file = files.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
      const order = [...file].reverse();
      expect(order.map(({ name: fileName }) => fileName)).toContain("quartet/test/v1/echo.proto");
      expect(
        createFileRegistry(create(FileDescriptorSetSchema, { file: order })).getService(EchoService.typeName)?.methods,
      ).toHaveLength(5);
      expect(missing).toMatchObject({ case: "errorResponse", value: { errorCode: Code.NotFound } });
      expect(extensions?.case === "allExtensionNumbersResponse" && extensions.value.extensionNumber).toContain(1159);
    });
  });

  describe("drain", () => {
    it("lets running calls finish, refuses new ones, and ends before its limit", async () => {
      const probe = createProbe();
      const { server, echo } = await open(probe);
      const running = echo.echo({ behaviour: "sleep", count: 150, text: "done" });
      const stream = collect(echo, { count: 3, behaviour: "sleep" });
      await until(() => probe.calls.length === 2);
      const startedAt = performance.now();
      const drained = server.drain({ limitMs: 5000 });
      expect((await running).text).toBe("done");
      expect(await stream).toHaveLength(3);
      await drained;
      expect(performance.now() - startedAt).toBeLessThan(2500);
      const refused = await echo.echo({}, { timeoutMs: 500 }).catch((error: unknown) => error);
      expect([Code.Unavailable, Code.DeadlineExceeded]).toContain((refused as ConnectError).code);
    });

    it("ends a call that is longer than its limit with a reason, and closes everything", async () => {
      const probe = createProbe();
      const { server, echo } = await open(probe);
      const parked = echo.echo({ behaviour: "park" }).catch((error: unknown) => error);
      const deaf = collect(echo, { count: 1, behaviour: "park deaf" }).catch((error: unknown) => error);
      await until(() => probe.calls.length === 2);
      await server.drain({ limitMs: 200 });
      for (const error of [await parked, await deaf]) {
        expect(error).toMatchObject({ code: Code.Unavailable });
        expect(reasonOf(error)).toBe("DRAINING");
        expect(retryDelayMsOf(error)).toBe(1000);
      }
    });
  });

  it("that is gone in the middle of a call is UNAVAILABLE, not cancelled, and no address is told", async () => {
    const probe = createProbe();
    const { server, echo, port } = await open(probe);
    const parked = echo.echo({ behaviour: "park deaf" }).catch((error: unknown) => error);
    await until(() => probe.calls.length === 1);
    await server.drain({ limitMs: 0 });
    const lost = await parked;
    expect(lost).toMatchObject({ code: Code.Unavailable });
    const refused = (await echo.echo({}, { timeoutMs: 400 }).catch((error: unknown) => error)) as ConnectError;
    expect(refused.message).not.toMatch(new RegExp(`127\\.0\\.0|${port}|ECONN`));
  });
});

async function collect(
  echo: Client<typeof EchoService>,
  request: { count: number; behaviour: string },
): Promise<unknown[]> {
  const seen = [];
  for await (const message of echo.count(request)) seen.push(message);
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  await createProbe().until(condition);
}
