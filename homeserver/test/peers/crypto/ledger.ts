import type { Bot } from "./bot.ts";

/** One device in the room, from when all who write know it until all who write know that it is gone. */
export interface Stay {
  readonly bot: Bot;
  /** All who write know it, from this moment on. */
  since: number;
  /** It is about to go: what is said from now on it may read or not. */
  until?: number;
  /** All who write know that it is gone. */
  gone?: number;
}

interface Message {
  readonly eventId: string;
  readonly text: string;
  /** Known to all before it was encrypted, and still here when it was answered. */
  readonly readers: readonly Bot[];
  /** Gone before it was encrypted. */
  readonly strangers: readonly Bot[];
}

/** What was said, who is to read it, and who must not. Moments are counted, not measured. */
export interface Ledger {
  readonly stays: readonly Stay[];
  readonly messages: readonly Message[];
  /** A device that nobody counts on yet. */
  enter(bot: Bot): Stay;
  known(stay: Stay): void;
  going(stay: Stay): void;
  gone(stay: Stay): void;
  say(writer: Bot, text: string): Promise<void>;
  /** Messages that the device is to read and has not: the text, and why. */
  owedTo(bot: Bot): string[];
}

export function createLedger(): Ledger {
  const stays: Stay[] = [];
  const messages: Message[] = [];
  let now = 0;
  return {
    stays,
    messages,
    enter(bot) {
      const stay: Stay = { bot, since: Infinity };
      stays.push(stay);
      return stay;
    },
    known(stay) {
      stay.since = now += 1;
    },
    going(stay) {
      stay.until = now += 1;
    },
    gone(stay) {
      stay.gone = now += 1;
    },
    async say(writer, text) {
      const start = (now += 1);
      const before = stays.map((stay) => ({ ...stay }));
      const eventId = await writer.say(text);
      const here = (stay: Stay, i: number) =>
        before[i]!.since < start && stay.until === undefined && stay.bot !== writer;
      const readers = stays.slice(0, before.length).filter(here);
      const strangers = before.filter(({ gone = Infinity }) => gone < start);
      messages.push({
        eventId,
        text,
        readers: readers.map(({ bot }) => bot),
        strangers: strangers.map(({ bot }) => bot),
      });
    },
    owedTo(bot) {
      return messages
        .filter(({ eventId, readers }) => readers.includes(bot) && !bot.read.has(eventId))
        .map(({ eventId, text }) => `${text}: ${bot.unread.get(eventId) ?? "never came"}`);
    },
  };
}
