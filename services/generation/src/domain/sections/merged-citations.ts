import type { Citation, Span } from "../answerer.ts";

/**
 * The citations of several sections as those of one answer: each passage once, by number, marked where any section rests on it. A citation
 * is one unbroken piece of its document, so that of a shortened passage of which sections cite different pieces, the first one stands.
 */
export function mergeCitations(ofSections: readonly (readonly Citation[])[]): Citation[] {
  const byNumber = Map.groupBy(ofSections.flat(), ({ number }) => number);
  return [...byNumber.values()]
    .map((same) => {
      const first = same.find(({ highlights }) => highlights.length > 0) ?? same[0]!;
      const alike = same.filter(({ span }) => span.start === first.span.start && span.end === first.span.end);
      return { ...first, highlights: distinct(alike.flatMap(({ highlights }) => highlights)) };
    })
    .sort((one, other) => one.number - other.number);
}

function distinct(spans: readonly Span[]): Span[] {
  const byPlace = new Map(spans.map((span) => [`${span.start} ${span.end}`, span]));
  return [...byPlace.values()].sort((one, other) => one.start - other.start || one.end - other.end);
}
