import { describe, expect, it } from "@jest/globals";
import { createLogger } from "./index.ts";

function lines(write: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const written: string[] = [];
  write(createLogger({ service: "gateway", level: "info", destination: { write: (line) => void written.push(line) } }));
  return written.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("createLogger", () => {
  it("writes one JSON line with time, level, service and fields", () => {
    const [line] = lines((logger) => logger.child({ requestId: "r1" }).info({ durationMs: 12 }, "call handled"));
    expect(line).toMatchObject({
      level: "info",
      service: "gateway",
      requestId: "r1",
      durationMs: 12,
      msg: "call handled",
    });
    expect(Date.parse(String(line?.["time"]))).not.toBeNaN();
  });

  it("leaves out what is below its level", () => {
    expect(lines((logger) => logger.debug({}, "not now"))).toEqual([]);
  });

  it("takes whatever was thrown for an error", () => {
    expect(lines((logger) => ["text", null, undefined].forEach((err) => logger.info({ err }, "x")))).toMatchObject([
      { err: "text" },
      { err: null },
      { msg: "x" },
    ]);
  });

  it("writes what details of an error say, and not the schemas that come with them", () => {
    const own = { desc: { typeName: "google.rpc.ErrorInfo", fields: ["much"] }, value: { reason: "OVERLOADED" } };
    const err = Object.assign(new Error("busy"), {
      code: 8,
      details: [own, { type: "of.others", value: "raw" }, null],
    });
    expect(lines((logger) => logger.warn({ err }, "x"))[0]).toMatchObject({
      err: {
        ...{ type: "Error", message: "busy", code: 8, stack: expect.any(String) },
        details: [
          { type: "google.rpc.ErrorInfo", value: { reason: "OVERLOADED" } },
          { type: "of.others", value: "raw" },
          null,
        ],
      },
    });
    expect(
      lines((logger) => logger.warn({ err: Object.assign(new Error("x"), { details: "text" }) }, "x")),
    ).toMatchObject([{ err: { details: "text" } }]);
  });

  it("never writes a secret, by field name or by look, however deep", () => {
    const [line] = lines((logger) =>
      logger.error(
        {
          authorization: "Bearer abcdefgh",
          config: { apiKey: "plain", other: "seen" },
          apiKeys: ["listed one", "listed two"],
          list: { apiKeys: ["nested one"], cookie: "crumbs" },
          err: Object.assign(new Error("refused"), { apiKeys: ["of an error"], code: "kept" }),
          error: new Error("401 for sk-canary-12345678, postgres://app:hunter2@db/x, api_key=abcd1234"),
          url: "http://127.0.0.1:8080/?with=qt_aaaabbbbccccdddd_S3cretS3cretS3cret-_",
          deep: { er: { text: "Authorization: Basic dXNlcjpwdw==" } },
        },
        "한국어 로그도 그대로",
      ),
    );
    const text = JSON.stringify(line);
    for (const secret of ["abcdefgh", "plain", "one", "crumbs", "of an", "canary", "hunter2", "abcd1234", "dXNlcjpwdw"])
      expect(text).not.toContain(secret);
    expect(line).toMatchObject({
      msg: "한국어 로그도 그대로",
      config: { apiKey: "[redacted]", other: "seen" },
      err: { type: "Error", message: "refused", apiKeys: "[redacted]", code: "kept" },
    });
  });
});
