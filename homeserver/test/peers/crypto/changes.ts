import type { Served, TestUser } from "../../support/user.ts";
import { eventually } from "../../support/wait.ts";
import { untilAnswered } from "../support/talk.ts";
import { type Bot, type BotSettings, startBot } from "./bot.ts";
import type { Ledger, Stay } from "./ledger.ts";

/** For servers that are killed meanwhile. */
const PATIENCE = { within: 180_000, every: 50 };

/** A device that writes, unless it is away. */
export interface Writer {
  readonly bot: Bot;
  isAway: boolean;
  /** The message that it is about. */
  saying: Promise<void>;
}

export interface Scene {
  readonly ledger: Ledger;
  readonly writers: readonly Writer[];
  readonly settings: BotSettings;
}

/** What changes in the room while others write in it. Each waits until all who write and are not away know of it. */
export interface Changes {
  /** Somebody who is in the room signs in once more. */
  addDevice(server: Served, username: string): Promise<Stay>;
  /** The device reads what it is to read, signs out, and is unknown to all. */
  removeDevice(stay: Stay): Promise<void>;
  /** Somebody comes, on a device that nobody has seen before. */
  join(server: Served, username: string, via: string): Promise<Stay>;
  /** They read what they are to read, leave, and sign out where nobody is told of it. */
  leave(stay: Stay): Promise<void>;
  goAway(writer: Writer): Promise<void>;
  /** Comes back, learns what changed meanwhile, and writes again. */
  comeBack(writer: Writer): Promise<void>;
}

export function createChanges({ ledger, writers, settings }: Scene): Changes {
  const roomPath = `/rooms/${encodeURIComponent(settings.roomId)}`;

  async function enter(bot: Bot): Promise<Stay> {
    const stay = ledger.enter(bot);
    bot.start();
    const { userId } = bot.user;
    await eventually(`${bot.name} is told of the room`, () => bot.members.has(userId), PATIENCE);
    await allAgree();
    ledger.known(stay);
    return stay;
  }

  /** It reads what is its own, and is gone; `go` makes it so. */
  async function exit(stay: Stay, go: (user: TestUser) => Promise<void>): Promise<void> {
    const { bot } = stay;
    ledger.going(stay);
    await readAll(ledger, bot);
    await bot.stop();
    await go(bot.user);
    await allAgree();
    ledger.gone(stay);
  }

  async function allAgree(): Promise<void> {
    for (const { bot, isAway } of writers) if (!isAway) await agrees(ledger, bot);
  }

  return {
    async addDevice(server, username) {
      return enter(await startBot(server, username, settings));
    },
    removeDevice: (stay) => exit(stay, signOut),
    async join(server, username, via) {
      const bot = await startBot(server, username, settings);
      const id = encodeURIComponent(settings.roomId);
      await untilAnswered(bot.user, "POST", `/join/${id}?via=${via}`, {});
      return enter(bot);
    },
    async leave(stay) {
      await exit(stay, (user) => ended(user, `${roomPath}/leave`, 403));
      await signOut(stay.bot.user);
    },
    async goAway(writer) {
      writer.isAway = true;
      await writer.saying;
      await writer.bot.stop();
    },
    async comeBack(writer) {
      writer.bot.start();
      await agrees(ledger, writer.bot);
      writer.isAway = false;
    },
  };
}

/** Waits until the device has read all that it is to read. */
export async function readAll(ledger: Ledger, bot: Bot): Promise<void> {
  const story = () => {
    const owed = ledger.owedTo(bot);
    return `${bot.name} reads ${owed.length} more messages:\n${owed.slice(0, 5).join("\n")}`;
  };
  await eventually(story, () => ledger.owedTo(bot).length === 0, PATIENCE);
}

/** Waits until a writer knows of every device that is here, and of none that is gone. */
async function agrees({ stays }: Ledger, writer: Bot): Promise<void> {
  const wrong = async (): Promise<string | undefined> => {
    for (const { bot, until } of stays) {
      const { userId, deviceId } = bot.user;
      const isMember = writer.members.has(userId);
      const isKnown = isMember && (await writer.crypto.devicesOf(userId)).includes(deviceId);
      if (isKnown !== (until === undefined))
        return `${bot.name} is ${isKnown ? "still" : isMember ? "not yet" : "no member and not"} known`;
    }
    return undefined;
  };
  let last: string | undefined;
  await eventually(
    () => `${writer.name} knows who is there: ${last}`,
    async () => (last = await wrong()) === undefined,
    PATIENCE,
  );
}

const signOut = (user: TestUser) => ended(user, "/logout", 401);

/** Asks until it is done; `done` is the status when it was done before, and the answer was lost. */
async function ended(user: TestUser, path: string, done: number): Promise<void> {
  const ask = () => user.ask("POST", path, {}).catch(() => undefined);
  await eventually(
    `an answer to ${path}`,
    async () => {
      const answer = await ask();
      return answer?.status === 200 || answer?.status === done;
    },
    PATIENCE,
  );
}
