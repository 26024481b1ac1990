import { Metadata } from "@grpc/grpc-js";

/** Set by the protocol itself, whatever an application puts there. */
const reserved = new Set(["content-type", "te", "user-agent", "host", "connection", "content-length"]);

/** As Connect shows metadata: values under `-bin` keys are base64 without padding. */
export function toHeaders(metadata: Metadata): Headers {
  const headers = new Headers();
  addTo(headers, metadata);
  return headers;
}

export function addTo(headers: Headers, metadata: Metadata): void {
  for (const [key, values] of Object.entries(metadata.toJSON() as Record<string, (string | Buffer)[]>)) {
    for (const value of values) {
      headers.append(key, typeof value === "string" ? value : value.toString("base64").replace(/=+$/, ""));
    }
  }
}

/** Throws if a value is not printable ASCII: HTTP/2 cannot carry it. */
export function toMetadata(...sources: readonly Headers[]): Metadata {
  const metadata = new Metadata();
  for (const headers of sources) {
    headers.forEach((value, key) => {
      if (reserved.has(key) || key.startsWith("grpc-")) return;
      if (!key.endsWith("-bin")) return metadata.add(key, value);
      for (const part of value.split(",")) metadata.add(key, Buffer.from(part.trim(), "base64"));
    });
  }
  return metadata;
}
