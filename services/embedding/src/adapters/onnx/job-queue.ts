/** What waits for the model. */
export interface Job {
  /** Whether somebody waits for it with a question: it goes before passages. */
  readonly urgent: boolean;
  readonly texts: readonly string[];
  /** When it came, in milliseconds of `performance`. */
  readonly since: number;
}

/** So many questions go first while passages wait; then a batch of those has its turn. */
const URGENT_IN_A_ROW = 8;

/** Questions before passages, and each in the order in which they came; passages wait for eight questions at most. */
export class JobQueue<J extends Job> {
  readonly #urgent: J[] = [];
  readonly #others: J[] = [];
  #inARow = 0;
  #texts = 0;

  /** How many texts wait. */
  get texts(): number {
    return this.#texts;
  }

  /** What has waited longest. */
  get oldest(): J | undefined {
    const [urgent, other] = [this.#urgent[0], this.#others[0]];
    return urgent === undefined || (other !== undefined && other.since < urgent.since) ? other : urgent;
  }

  push(job: J): void {
    (job.urgent ? this.#urgent : this.#others).push(job);
    this.#texts += job.texts.length;
  }

  next(): J | undefined {
    const turnOfOthers = this.#urgent.length === 0 || (this.#others.length > 0 && this.#inARow >= URGENT_IN_A_ROW);
    this.#inARow = turnOfOthers ? 0 : this.#inARow + 1;
    const job = (turnOfOthers ? this.#others : this.#urgent).shift();
    this.#texts -= job?.texts.length ?? 0;
    return job;
  }

  /** Nobody waits for it any longer. */
  remove(job: J): void {
    const list = job.urgent ? this.#urgent : this.#others;
    const place = list.indexOf(job);
    if (place < 0) return;
    list.splice(place, 1);
    this.#texts -= job.texts.length;
  }
}
