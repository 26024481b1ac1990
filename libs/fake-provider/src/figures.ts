/** Counts since the start. */
export interface FakeCounts {
  /** Model calls that arrived. */
  readonly calls: number;
  /** Those that got an error, by the status of it. */
  readonly refused: Readonly<Record<string, number>>;
  /** Those that were over before the reply was complete. */
  readonly cut: number;
  readonly inFlight: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface FakeFigures extends FakeCounts {
  /** The same by the label of the key. */
  readonly keys: Readonly<Record<string, FakeCounts>>;
}

/** How a call ended. */
export interface EndedCall {
  readonly label: string;
  readonly status: number | undefined;
  readonly leftEarly: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface FigureKeeper {
  began(label: string): void;
  ended(call: EndedCall): void;
  read(): FakeFigures;
  clear(): void;
}

interface Counts extends FakeCounts {
  calls: number;
  refused: Record<string, number>;
  cut: number;
  inFlight: number;
  inputTokens: number;
  outputTokens: number;
}

const none = (inFlight = 0): Counts => ({ calls: 0, refused: {}, cut: 0, inFlight, inputTokens: 0, outputTokens: 0 });

export function createFigureKeeper(): FigureKeeper {
  let all = none();
  const keys = new Map<string, Counts>();
  const both = (label: string): readonly Counts[] => {
    const name = label || "no key";
    const counts = keys.get(name) ?? none();
    keys.set(name, counts);
    return [all, counts];
  };
  return {
    began: (label) => {
      for (const counts of both(label)) {
        counts.calls += 1;
        counts.inFlight += 1;
      }
    },
    ended: ({ label, status, leftEarly, inputTokens, outputTokens }) => {
      for (const counts of both(label)) {
        counts.inFlight -= 1;
        counts.inputTokens += inputTokens;
        counts.outputTokens += outputTokens;
        if (leftEarly) counts.cut += 1;
        else if (status !== undefined && status >= 400) counts.refused[status] = (counts.refused[status] ?? 0) + 1;
      }
    },
    read: () => ({ ...all, refused: { ...all.refused }, keys: structuredClone(Object.fromEntries(keys)) }),
    clear: () => {
      all = none(all.inFlight);
      for (const [name, { inFlight }] of keys) keys.set(name, none(inFlight));
    },
  };
}
