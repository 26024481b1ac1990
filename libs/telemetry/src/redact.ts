/**
 * What looks like a secret inside a text. Providers put parts of keys into their error messages, and drivers put passwords into theirs.
 * Each pattern is linear in the text's length.
 */
const secrets: readonly [pattern: RegExp, replacement: string][] = [
  [/\bsk-[A-Za-z0-9_-]{4,}/g, "sk-[redacted]"],
  // Quartet's own access tokens; the part in the middle names one without giving it away.
  [/\b(qt_[a-z0-9]{4,32})_[A-Za-z0-9_-]{4,}/g, "$1_[redacted]"],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}/gi, "$1 [redacted]"],
  [/\b(api[_-]?key|password|passwd|secret|token)(["']?\s*[:=]\s*["']?)[^\s"'&,;}]+/gi, "$1$2[redacted]"],
  [/\b([a-z][a-z0-9+.-]{0,31}:\/\/[^\s:/@]{0,256}):[^\s@/]{1,256}@/gi, "$1:[redacted]@"],
];

/** The text with everything that looks like a key, token or password replaced. */
export function redact(text: string): string {
  return secrets.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}
