import { describe, expect, it } from "@jest/globals";
import {
  createLimit,
  goWell,
  hear,
  type KeyLimit,
  learnEmpty,
  OPEN,
  rest,
  RESTING,
  returnsAt,
  roomOf,
  send,
  SHORT,
  STALE,
  standingOf,
  TAKEN,
} from "./key-limit.ts";

const words = (restMs: number | undefined) => ({ restMs, baseMs: 1_000, maxMs: 60_000 });

/** A limit with calls that go out and are answered, numbered as the pool does. */
function start() {
  const limit: KeyLimit = createLimit();
  let last = 0;
  const out = (now: number) => {
    send(limit, ++last, now);
    return last;
  };
  return {
    limit,
    out,
    well: (now: number, call = out(now)) => {
      limit.unheard--;
      goWell(limit, call, now);
    },
    refused: (now: number, restMs?: number, call = out(now)) => {
      limit.unheard--;
      return rest(limit, { number: call, last }, words(restMs), now);
    },
    /** How many calls may go at once. */
    admitted: (now: number) => {
      let count = 0;
      for (; count < 100 && standingOf(limit, now, 0) === OPEN; count++) out(now);
      limit.unheard -= count;
      if (limit.trial) limit.trial.sent -= count;
      return count;
    },
  };
}

describe("a limit that the provider does not tell", () => {
  it("admits one call after a rest, then more with each that goes well, up to as many as did before, then one at a time", () => {
    const { limit, well, refused, admitted } = start();
    expect(admitted(0)).toBe(100);
    for (let call = 0; call < 20; call++) well(call);
    expect(refused(20, 40_000)).toBe(true);
    expect(standingOf(limit, 40_019, 0)).toBe(RESTING);
    expect(returnsAt(limit, 40_019)).toBe(40_020);
    expect(admitted(40_020)).toBe(1);
    well(40_030);
    expect(admitted(40_030)).toBe(2);
    for (let call = 1; call < 10; call++) well(40_030);
    expect(admitted(40_030)).toBe(10);
    for (let call = 10; call < 20; call++) well(40_030);
    expect(admitted(40_030)).toBe(1);
    well(40_030);
    expect(admitted(40_030)).toBe(2);
  });

  it("is free again when more than twice as many calls went well", () => {
    const { well, refused, admitted } = start();
    well(0);
    refused(1, 1_000);
    for (let call = 0; call < 9; call++) well(2_000);
    expect(admitted(2_000)).toBeLessThan(100);
    well(2_000);
    expect(admitted(2_000)).toBe(100);
  });

  it("takes a call that has no answer after a second for one that was let in", () => {
    const { limit, out, well, refused } = start();
    for (let call = 0; call < 20; call++) well(call);
    refused(20, 1_000);
    out(2_000);
    expect(standingOf(limit, 2_999, 0)).toBe(TAKEN);
    for (const now of [3_000, 3_000, 4_000, 4_000, 4_000]) {
      expect(standingOf(limit, now, 0)).toBe(OPEN);
      out(now);
    }
  });

  it("counts the calls that were under way when another was refused to what it admits, and their 429s as no news", () => {
    const { limit, out, well, refused } = start();
    const underWay = [out(0), out(0), out(0), out(0)];
    expect(refused(1)).toBe(true);
    expect(limit.restsUntil).toBe(1_001);
    expect(refused(2, undefined, underWay[0])).toBe(false);
    expect(limit.restsUntil).toBe(1_002);
    refused(3, 500, underWay[1]);
    expect(limit.restsUntil).toBe(1_002);
    well(4, underWay[2]);
    expect(limit.trial).toMatchObject({ known: 1, sent: 0, wentWell: 0 });
    well(2_000);
    // The second refusal that is news rests as long as the first: a call went well in between.
    refused(2_001);
    expect(limit.restsUntil).toBe(3_001);
    refused(4_000);
    expect(limit.restsUntil).toBe(6_000);
  });
});

describe("a rest", () => {
  it("never lasts longer than a day, whatever the provider says", () => {
    const { limit, refused } = start();
    refused(0, 1e15);
    expect(returnsAt(limit, 1)).toBe(86_400_000);
    expect(standingOf(limit, 86_400_000, 0)).toBe(OPEN);
  });
});

describe("a limit that the provider tells", () => {
  const told = (remaining: number, resetMs?: number, full?: number) => ({ remaining, limit: full, resetMs });

  it("admits no more calls at once than are left, until the window is full again", () => {
    const { limit, out, admitted } = start();
    hear(limit, "requests", told(3, 10_000), out(0), 0);
    limit.unheard--;
    expect(admitted(0)).toBe(3);
    for (const _ of [1, 2, 3]) out(0);
    expect(standingOf(limit, 9_999, 0)).toBe(TAKEN);
    expect(standingOf(limit, 10_000, 0)).toBe(OPEN);
  });

  it("rests with nothing left, says so once, and one call a minute finds out whether that still holds", () => {
    const { limit, out } = start();
    expect(hear(limit, "requests", told(0, 360_000), out(0), 0)).toBe(360_000);
    limit.unheard--;
    expect(hear(limit, "requests", told(0, 360_000), out(0), 0)).toBe(0);
    limit.unheard--;
    expect(standingOf(limit, 59_999, 0)).toBe(RESTING);
    expect(returnsAt(limit, 0)).toBe(60_000);
    expect(standingOf(limit, 60_000, 0)).toBe(STALE);
    out(60_000);
    expect(standingOf(limit, 60_001, 0)).toBe(RESTING);
    limit.unheard--;
    expect(standingOf(limit, 360_000, 0)).toBe(OPEN);
  });

  it("believes a 429 on when to return rather than the window", () => {
    const { limit, out, refused } = start();
    const call = out(0);
    hear(limit, "requests", told(0, 3_600_000), call, 0);
    refused(0, 5_000, call);
    expect(standingOf(limit, 4_999, 0)).toBe(RESTING);
    expect(standingOf(limit, 5_000, 0)).toBe(OPEN);
  });

  it("goes by the newest call's reply, however late others come", () => {
    const { limit, out } = start();
    const [first, second, third] = [out(0), out(0), out(0)];
    hear(limit, "requests", told(7, 60_000), second, 10);
    hear(limit, "requests", told(8, 60_000), first, 20);
    expect(limit.requests?.remaining).toBe(7);
    hear(limit, "requests", told(9, 60_000), third, 30);
    expect(limit.requests?.remaining).toBe(9);
    // The provider worked on them in another order than they were sent.
    hear(limit, "requests", told(5, 60_000), first, 40);
    expect(limit.requests?.remaining).toBe(5);
    // Of an earlier window.
    hear(limit, "requests", told(0, 100), second, 50);
    expect(limit.requests?.remaining).toBe(5);
  });

  it("is short where the tokens left may not do for another call", () => {
    const { limit, out } = start();
    hear(limit, "tokens", told(1_000, 60_000), out(0), 0);
    limit.unheard--;
    expect(standingOf(limit, 0, 500)).toBe(OPEN);
    expect(roomOf(limit, 0, 500)).toBe(2);
    out(0);
    out(0);
    expect(standingOf(limit, 0, 500)).toBe(SHORT);
    expect(standingOf(limit, 60_000, 500)).toBe(OPEN);
  });

  it("takes the word of another replica that nothing is left, until a later call of its own shows otherwise", () => {
    const { limit, out } = start();
    const before = out(0);
    learnEmpty(limit, 30_000, before, 0);
    expect(standingOf(limit, 1, 0)).toBe(RESTING);
    hear(limit, "requests", told(4, 30_000), before, 10);
    expect(standingOf(limit, 10, 0)).toBe(RESTING);
    limit.unheard--;
    hear(limit, "requests", told(4, 30_000), out(20_000), 20_000);
    learnEmpty(limit, 30_000.4, 2, 20_250);
    expect(limit.requests?.remaining).toBe(4);
    learnEmpty(limit, 90_000, 2, 40_000);
    expect(limit.requests?.remaining).toBe(0);
  });
});
