import { describe, expect, it } from "@jest/globals";
import { createNews, type News } from "./news.ts";

const month = "2026-11";
const told = (id: string) => ({ args: [id], ends: id });
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Notes what is sent; each step takes a turn of the event loop, and then what the test does with it. */
function open(onSent: (news: News, sent: readonly string[]) => boolean) {
  const sent: string[] = [];
  const news: News = createNews({
    send: async (month, args) => {
      await turn();
      sent.push(...args.map((arg) => `${month} ${arg}`));
      return onSent(news, sent);
    },
  });
  return { news, sent };
}

describe("what is told without anybody waiting", () => {
  it("has gone out for whoever asks, though calls go on and on", async () => {
    const lateOnes = 1_000;
    const { news, sent } = open((news, sent) => {
      for (const late of [month, "2026-12"]) if (sent.length < lateOnes) news.tell(late, told("late"));
      return true;
    });
    news.tell(month, told("first"));
    news.tell(month, told("second"));
    await news.told(month);
    expect(sent.slice(0, 2)).toEqual([`${month} first`, `${month} second`]);
    expect(sent.length).toBeLessThan(10);
    await news.idle();
    expect(sent.length).toBeGreaterThanOrEqual(lateOnes);
  });

  it("does not wait for another month of which there is always more to tell", async () => {
    const { news, sent } = open((news, sent) => {
      if (sent.length < 50_000) for (let times = 0; times < 250; times += 1) news.tell(month, told("late"));
      return true;
    });
    for (let times = 0; times < 500; times += 1) news.tell(month, told("early"));
    news.tell("2026-12", told("other"));
    await news.told("2026-12");
    expect(sent).toContain("2026-12 other");
    expect(sent.length).toBeLessThan(1_000);
    await news.idle();
  });

  it("waits for nothing where there is nothing, and sends nothing for who waits", async () => {
    const { news, sent } = open(() => true);
    await news.told(month);
    news.tell(month, told("first"));
    await Promise.all([news.told(month), news.told("2026-12"), news.told(month)]);
    await news.idle();
    expect(sent).toEqual([`${month} first`]);
  });

  it("is told again where Redis was away, once it answers", async () => {
    let isAway = true;
    const { news, sent } = open(() => !isAway);
    news.tell(month, told("first"));
    await news.told(month);
    isAway = false;
    news.retry();
    await news.idle();
    expect(sent).toEqual([`${month} first`, `${month} e`, `${month} first`]);
  });
});
