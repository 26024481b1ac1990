/**
 * English words that are not indexed: Lucene's set (EnglishAnalyzer.ENGLISH_STOP_WORDS_SET), and the question words and
 * auxiliaries that questions carry and passages do not, so that BM25 would take them for rare and telling. Words that
 * are also names or nouns (may, might, us) are indexed.
 */
export const stopWords: ReadonlySet<string> = new Set(
  (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with " +
    "what which who whom whose when where why how do does did has have had been were am can could would should " +
    "i you he she we me him her them my your his our its from than so about"
  ).split(" "),
);
