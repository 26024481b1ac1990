import { factsOf, type Reason } from "@quartet/errors";
import { truncateToGraphemes } from "@quartet/text";
import { reasonFor } from "../stages.ts";
import type { Content } from "./ports.ts";

/** What an embedding request may hold of one text; a longer one is represented by its beginning. */
const MAX_TEXT_CHARS = 8192;

/** So many texts in a row that cannot be embedded mean that the embedder is at fault, and not the texts. */
const MAX_REFUSED_IN_A_ROW = 5;

/** Reasons that lie in a text for good. */
const faultForGood: ReadonlySet<Reason> = new Set(["FIELD_INVALID", "MESSAGE_TOO_LARGE"]);
/** Reasons that lie in a text rather than in the embedder's state; a reply of the wrong shape may be another one the next time. */
const faultOfContent: ReadonlySet<Reason> = new Set([...faultForGood, "EMBED_SHAPE"]);

export interface Embedded<V> {
  readonly vectors: readonly { readonly contentHash: string; readonly vector: V }[];
  readonly refused: readonly Content[];
  /** Those of them that will be refused whenever they are tried. */
  readonly refusedForGood: readonly Content[];
}

/**
 * Embeds a batch, and if one text spoils it, finds that one by halving: the others get their vectors, and it is named as refused. A batch that
 * does not fit into its time is halved too, until a single text does not.
 *
 * @throws what the embedder fails with, when that is not about single texts.
 */
export async function embedContents<V>(
  contents: readonly Content[],
  embed: (texts: readonly string[]) => Promise<readonly V[]>,
): Promise<Embedded<V>> {
  const vectors: { contentHash: string; vector: V }[] = [];
  const refused: Content[] = [];
  const refusedForGood: Content[] = [];
  let refusedInARow = 0;

  const embedPart = async (part: readonly Content[]): Promise<void> => {
    try {
      const texts = part.map(({ text }) => truncateToGraphemes(text, MAX_TEXT_CHARS));
      const made = await embed(texts);
      made.forEach((vector, index) => vectors.push({ contentHash: part[index]!.contentHash, vector }));
      refusedInARow = 0;
    } catch (error) {
      const reason = reasonFor(error);
      const isTooLong = reason === "OUT_OF_TIME" && part.length > 1;
      const isForGood = faultForGood.has(reason) || factsOf(error)["refusesTexts"] === "true";
      if (!isTooLong && !isForGood && !faultOfContent.has(reason)) throw error;
      if (part.length > 1) {
        const middle = part.length >>> 1;
        await embedPart(part.slice(0, middle));
        await embedPart(part.slice(middle));
        return;
      }
      refusedInARow += 1;
      if (refusedInARow > MAX_REFUSED_IN_A_ROW) throw error;
      refused.push(part[0]!);
      if (isForGood) refusedForGood.push(part[0]!);
    }
  };
  if (contents.length > 0) await embedPart(contents);
  return { vectors, refused, refusedForGood };
}
