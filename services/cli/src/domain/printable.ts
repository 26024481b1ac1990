// Everything a terminal may act on: C0 but tab and line feed, DEL, C1, and the marks that turn the direction of writing around.
const controls = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** Text of documents and servers as a terminal may be shown it: without control characters that could move the cursor or forge output. */
export const printable = (text: string): string => text.replaceAll(controls, "");

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/** The beginning of a text on one line, at most so many graphemes, never cut inside one. */
export function excerpt(text: string, maxGraphemes: number): string {
  const line = printable(text).replaceAll(/\s+/g, " ").trim();
  const kept: string[] = [];
  for (const { segment } of graphemes.segment(line)) {
    if (kept.length === maxGraphemes) return `${kept.join("").trimEnd()} …`;
    kept.push(segment);
  }
  return line;
}
