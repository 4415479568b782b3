import { afterAll, beforeAll, expect, test } from "vitest";
import { register } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { type Bot, type BotSettings, startBot } from "./crypto/bot.ts";
import { type Changes, createChanges, readAll, type Writer } from "./crypto/changes.ts";
import type { HandedOut } from "./crypto/device.ts";
import { createLedger, type Ledger } from "./crypto/ledger.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

/** WEFT_TEST_ENCRYPTED=10000 WEFT_TEST_KILLS=50 for the whole of it. */
const MESSAGES = Number(process.env["WEFT_TEST_ENCRYPTED"] ?? 300);
const KILLS = Number(process.env["WEFT_TEST_KILLS"] ?? 5);
const TEST_MS = 300_000 + KILLS * 60_000;
const WITHIN_TEST = { within: TEST_MS, every: 20 };
/** From one kill to the next. */
const ROUND = MESSAGES / KILLS;

let network: Network;
let here: WeftProcess;
let there: WeftProcess;
let settings: BotSettings;
let ledger: Ledger;
let writers: Writer[];
let changes: Changes;
const handedOut: HandedOut = new Map();
const failures: unknown[] = [];
/** Messages that somebody has begun to say, and how many there may be before the next kill. */
let begun = 0;
let allowed = ROUND;
/** How often devices and members have come and gone. */
let turns = 0;

beforeAll(async () => {
  network = await createNetwork();
  [here, there] = await Promise.all([
    startWeft(network, { name: "here" }),
    startWeft(network, { name: "there" }),
  ]);
  const [alice, bob] = await Promise.all([register(here, "alice"), register(there, "bob")]);
  await Promise.all([register(here, "carol"), register(there, "dave")]);
  const encryption = { type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } };
  const creation = { preset: "public_chat", initial_state: [{ ...encryption, state_key: "" }] };
  const { room_id: roomId } = await alice.call("POST", "/createRoom", creation);
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${here.serverName}`, {});
  settings = {
    roomId,
    handedOut,
    rotateAfter: Math.min(50, ROUND / 4),
    failed: (error) => failures.push(error),
  };
  ledger = createLedger();
  const bots: Bot[] = [];
  for (const [server, name] of [here, there, here, there].map(
    (server) => [server, server === here ? "alice" : "bob"] as const,
  ))
    bots.push(await startBot(server, name, settings));
  writers = bots.map((bot) => ({ bot, isAway: false, saying: Promise.resolve() }));
  changes = createChanges({ ledger, writers, settings });
  for (const { bot } of writers) ledger.known(ledger.enter(bot));
  for (const writer of writers) await changes.comeBack(writer);
}, 180_000);

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await network?.close();
}, 180_000);

test(
  `${MESSAGES} encrypted messages through ${KILLS} kills: who is to read them does, who left does not`,
  { timeout: TEST_MS },
  async () => {
    const enough = new AbortController();
    const talking = Promise.all(writers.map(talk));
    const changing = change(enough.signal);
    void talking.catch(() => {});
    void changing.catch(() => {});
    await killOnAndOn();
    await talking;
    enough.abort();
    const deeds = await changing;
    for (const writer of writers) if (writer.isAway) await changes.comeBack(writer);

    const remaining = ledger.stays.filter(({ gone }) => gone === undefined);
    for (const { bot } of remaining) await readAll(ledger, bot);
    for (const { bot } of remaining) await bot.stop();
    expect(failures).toEqual([]);
    expect(ledger.messages).toHaveLength(MESSAGES);

    const pairs = ledger.messages.flatMap(({ eventId, text, readers }) =>
      readers.map((bot) => ({ text, found: bot.read.get(eventId) })),
    );
    expect(pairs.filter(({ text, found }) => found !== text)).toEqual([]);
    const strangers = await tryAsStrangers();
    expect(strangers.read).toEqual([]);
    expect(strangers.tries).toBeGreaterThan(0);
    expect([...handedOut].filter(([, times]) => times > 1)).toEqual([]);
    expect(ledger.stays.flatMap(({ bot }) => bot.twice)).toEqual([]);
    console.info(
      `${KILLS} kills, ${ledger.messages.length} messages: ${pairs.length} of ${pairs.length} times read; ` +
        `${strangers.tries} times not read by who had left; ${ledger.stays.length} devices, ` +
        `${deeds} changes, ${handedOut.size} one-time keys handed out, none twice`,
    );
  },
);

/** Says its share, a message after the other; what is allowed grows with each kill. */
async function talk(writer: Writer): Promise<void> {
  for (let i = 0; begun < MESSAGES; i += 1) {
    await eventually(
      "a writer's turn",
      () => begun >= MESSAGES || (!writer.isAway && begun < allowed),
      WITHIN_TEST,
    );
    if (begun >= MESSAGES) return;
    if (writer.isAway) continue;
    begun += 1;
    writer.saying = ledger.say(writer.bot, `${writer.bot.name} ${i}`);
    await writer.saying;
  }
}

async function killOnAndOn(): Promise<void> {
  for (let kill = 0; kill < KILLS; kill += 1) {
    const point = (kill + Math.random() * 0.8) * ROUND;
    await eventually("enough messages for a kill", () => ledger.messages.length >= point, {
      ...WITHIN_TEST,
      every: 1,
    });
    await there.kill();
    await there.start();
    // Some is said when somebody has left.
    if (kill === KILLS - 2) await eventually("who came has left", () => turns > 0, WITHIN_TEST);
    allowed += ROUND;
  }
}

/** Devices and members come and go, one after another, until told to stop; how many changes there were. */
async function change(stop: AbortSignal): Promise<number> {
  let deeds = 0;
  const via = here.serverName;
  /** Some messages are written before the next change. */
  const meanwhile = async () => {
    deeds += 1;
    const goal = ledger.messages.length + ROUND / 10;
    const said = () => ledger.messages.length;
    const isTime = () => stop.aborted || said() >= Math.min(goal, allowed);
    await eventually("messages between two changes", isTime, WITHIN_TEST);
  };
  for (let turn = 0; !stop.aborted; turn += 1) {
    const isOdd = turn % 2 === 1;
    const [near, user, guest] = isOdd
      ? ([there, "bob", "carol"] as const)
      : ([here, "alice", "dave"] as const);
    const far = isOdd ? here : there;
    const second = await changes.addDevice(near, user);
    await meanwhile();
    const visitor = await changes.join(far, guest, via);
    await meanwhile();
    const writer = writers[isOdd ? 2 : 3]!;
    await changes.goAway(writer);
    await meanwhile();
    await changes.removeDevice(second);
    await meanwhile();
    await changes.comeBack(writer);
    await meanwhile();
    await changes.leave(visitor);
    await meanwhile();
    turns += 1;
  }
  return deeds;
}

/** Has every device that had left decrypt what came after. */
async function tryAsStrangers(): Promise<{ tries: number; read: string[] }> {
  const texts = new Map<string, string>();
  const read: string[] = [];
  let tries = 0;
  for (const { eventId, strangers } of ledger.messages) {
    if (strangers.length === 0) continue;
    const path = `/rooms/${encodeURIComponent(settings.roomId)}/event/${encodeURIComponent(eventId)}`;
    const event = await writers[0]!.bot.user.call("GET", path);
    texts.set(eventId, event.content.ciphertext);
    for (const stranger of strangers) {
      tries += 1;
      const isRead = await stranger.crypto.decrypt(event).then(
        () => true,
        () => false,
      );
      if (isRead) read.push(`${stranger.name} reads ${eventId}`);
    }
  }
  expect(new Set(texts.values()).size).toBe(texts.size);
  return { tries, read };
}
