import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";

/** A certificate with its key, in PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Authority extends Certificate {
  /** A certificate for a server or client of this name. */
  issue(name: string): Certificate;
}

/** Certificates for one test run: X.509 v3 with P-256, valid for a day. Made here, so that no key lies in the repository. */
export function createAuthority(name = "Test Authority"): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const sign = (subject: string, publicKey: KeyObject, extensions: Buffer[]) =>
    certificate(name, keys.privateKey, subject, publicKey, extensions);
  return {
    certificate: sign(name, keys.publicKey, [extension("2.5.29.19", sequence(Buffer.from([0x01, 0x01, 0xff])), true)]),
    privateKey: pem("PRIVATE KEY", keys.privateKey.export({ type: "pkcs8", format: "der" })),
    issue(subject) {
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const names = sequence(tagged(0x82, Buffer.from(subject)), tagged(0x87, Buffer.from([127, 0, 0, 1])));
      return {
        certificate: sign(subject, own.publicKey, [extension("2.5.29.17", names)]),
        privateKey: pem("PRIVATE KEY", own.privateKey.export({ type: "pkcs8", format: "der" })),
      };
    },
  };
}

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));

function certificate(
  issuer: string,
  issuerKey: KeyObject,
  subject: string,
  publicKey: KeyObject,
  extensions: Buffer[],
): string {
  const day = 24 * 3600 * 1000;
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    distinguishedName(issuer),
    sequence(utcTime(Date.now() - day), utcTime(Date.now() + day)),
    distinguishedName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = createSign("sha256").update(body).sign(issuerKey);
  return pem(
    "CERTIFICATE",
    sequence(body, ecdsaWithSha256, tagged(0x03, Buffer.concat([Buffer.from([0]), signature]))),
  );
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const base128 = (value: number): number[] =>
    value < 128 ? [value] : [...base128(value >> 7).map((byte) => byte | 128), value & 127];
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function distinguishedName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(oid("2.5.4.3"), tagged(0x0c, Buffer.from(name)))));
}

function utcTime(time: number): Buffer {
  const text = new Date(time).toISOString().replace(/[-:T]|\.\d+/g, "");
  return tagged(0x17, Buffer.from(text.slice(2)));
}

function extension(id: string, content: Buffer, critical = false): Buffer {
  const flag = critical ? [Buffer.from([0x01, 0x01, 0xff])] : [];
  return sequence(oid(id), ...flag, tagged(0x04, content));
}

function pem(label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${der.toString("base64").replace(/(.{64})/g, "$1\n")}\n-----END ${label}-----\n`;
}
