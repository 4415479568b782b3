import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createAuthority } from "../../../scripts/lib/certificates.mjs";
import { createOutbox } from "../../src/mail/outbox.ts";
import { createSmtp } from "../../src/mail/smtp.ts";
import { MailRefused, type SendMail } from "../../src/mail/types.ts";
import { createManualClock, type ManualClock, systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { transaction } from "../../src/storage/transaction.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";
import { type MailServer, startMailServer } from "./mail-server.ts";

const FROM = "Weft <weft@here.test>";
const authority = createAuthority();
const pem = authority.issue(["127.0.0.1", "localhost"]);

let database: TestDatabase;
let clock: ManualClock;
let server: MailServer;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  await migrate(database.sql);
});
afterAll(() => database.close());
beforeEach(async () => {
  clock = createManualClock();
  server = await startMailServer();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await server.stop();
  await database.sql`DELETE FROM outgoing_mails`;
});

/** An outbox of one replica. */
function open(send: SendMail = createSmtp({ url: server.url, from: FROM }), by = clock) {
  const outbox = createOutbox({
    ...{ sql: database.sql, clock: by, random: systemRandom, logger: silentLogger() },
    ...{ send, secret: "s", domain: "here.test" },
  });
  stops.push(() => outbox.stop());
  return outbox;
}

const mail = (to = "ann@there.test") => ({
  to,
  language: "de",
  subject: "Grüße",
  blocks: ["Hello <b>Ann</b>", { link: "https://here.test/x?a=1&b=2", label: "Look" }],
});

async function put(outbox: ReturnType<typeof open>, to?: string, lifeMs = 3_600_000) {
  await transaction(database.sql, (tx) => outbox.put(tx, mail(to), lifeMs));
  outbox.wake();
}

const waiting = async () => (await database.sql`SELECT failures FROM outgoing_mails`).length;
const failures = async () =>
  (await database.sql<{ failures: number }[]>`SELECT failures FROM outgoing_mails`)[0]?.failures;

describe("a mail", () => {
  test("is sent as plain text and HTML, and waits no more", async () => {
    await put(open());
    const taken = await server.mailTo("ann@there.test");
    expect(taken.from).toBe("weft@here.test");
    expect(taken.text).toContain("Hello <b>Ann</b>\n\nLook:\nhttps://here.test/x?a=1&b=2");
    expect(taken.html).toContain('<html lang="de">');
    expect(taken.html).toContain("Hello &lt;b&gt;Ann&lt;/b&gt;");
    expect(taken.html).toContain('href="https://here.test/x?a=1&amp;b=2"');
    expect(taken.headers).toMatchObject({
      "auto-submitted": "auto-generated",
      "content-language": "de",
      "message-id": expect.stringMatching(/^<\w{24}@here\.test>$/),
      from: "Weft <weft@here.test>",
    });
    await until(async () => (await waiting()) === 0);
  });

  test("cannot be read in the database while it waits", async () => {
    await server.stop();
    await put(open());
    await until(async () => (await failures()) === 1);
    const [row] = await database.sql<{ sealed: Buffer }[]>`SELECT sealed FROM outgoing_mails`;
    expect(row!.sealed.toString("latin1")).not.toMatch(/there\.test|Hello/);
  });

  test("is sent with what else its transaction does, or not at all", async () => {
    const outbox = open();
    const failing = transaction(database.sql, async (tx) => {
      await outbox.put(tx, mail("nobody@there.test"), 1_000);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    await put(outbox);
    await server.mailTo("ann@there.test");
    expect(server.taken).toHaveLength(1);
  });

  test("is tried again with growing pauses while the mail server is away", async () => {
    await server.stop();
    await put(open());
    await until(async () => (await failures()) === 1);
    await until(() => clock.sleepers > 0);
    clock.advance(5_000);
    await until(async () => (await failures()) === 2);
    await server.start();
    await until(() => clock.sleepers > 0);
    clock.advance(4_999);
    await until(() => clock.sleepers > 0);
    expect(server.taken).toEqual([]);
    clock.advance(5_001);
    await server.mailTo("ann@there.test");
  });

  test("is tried again when the mail server says later, or will not have us", async () => {
    server.refuse((at) => (at === "message" ? 451 : undefined));
    await put(open());
    await until(async () => (await failures()) === 1);
    server.refuse(() => undefined);
    await until(() => clock.sleepers > 0);
    clock.advance(5_000);
    await server.mailTo("ann@there.test");
  });

  test.each(["recipient", "message"] as const)(
    "is given up when the mail server refuses its %s for good",
    async (what) => {
      server.refuse((at, address) =>
        at === what && address === "ann@there.test" ? 550 : undefined,
      );
      const outbox = open();
      await put(outbox);
      await put(outbox, "bob@there.test");
      await server.mailTo("bob@there.test");
      await until(async () => (await waiting()) === 0);
      expect(server.taken).toHaveLength(1);
    },
  );

  test("is given up when it is of no use any more", async () => {
    await server.stop();
    await put(open(), "ann@there.test", 4_000);
    await until(async () => (await failures()) === 1);
    await until(() => clock.sleepers > 0);
    clock.advance(5_000);
    await until(async () => (await waiting()) === 0);
  });

  test("is refused when too many wait", async () => {
    await server.stop();
    const outbox = open();
    await database.sql`
      INSERT INTO outgoing_mails (sealed, due_ts, expires_ts)
      SELECT ''::bytea, 9e15::bigint, 9e15::bigint FROM generate_series(1, 10000)`;
    await expect(put(outbox)).rejects.toMatchObject({ errcode: "M_LIMIT_EXCEEDED" });
  });
});

describe("after a crash", () => {
  test("a mail that nobody had begun to send is sent", async () => {
    const never: SendMail = () => Promise.reject(new Error("away"));
    const first = open(never);
    await put(first);
    await until(async () => (await failures()) === 1);
    await first.stop();
    clock.advance(60_000);
    open();
    await server.mailTo("ann@there.test");
  });

  test("a mail that was being sent is left to who comes next, once it may be", async () => {
    let isHeld = false;
    const first = open(async (_mail, signal) => {
      isHeld = true;
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("cut"))),
      );
    });
    await put(first);
    await until(() => isHeld);
    // The clock stands still for the one that is stopped: its time to end comes by moving it.
    const stopped = first.stop();
    await until(() => clock.sleepers > 0);
    clock.advance(3_000);
    await stopped;
    const second = createManualClock(clock.now());
    open(undefined, second);
    await until(() => second.sleepers > 0);
    expect(server.taken).toEqual([]);
    for (let passed = 0; passed < 6; passed += 1) {
      await until(() => second.sleepers > 0);
      second.advance(30_000);
    }
    await server.mailTo("ann@there.test");
    expect(server.taken).toHaveLength(1);
  });

  test("replicas beside one another send each mail once", async () => {
    const replicas = [open(), open(), open()];
    for (let number = 0; number < 20; number += 1) {
      await put(replicas[number % 3]!, `user${number}@there.test`);
    }
    for (const replica of replicas) replica.wake();
    await until(() => server.taken.length >= 20);
    await until(async () => (await waiting()) === 0);
    expect(new Set(server.taken.flatMap(({ to }) => to)).size).toBe(20);
    expect(server.taken).toHaveLength(20);
  });
});

describe("a connection to the mail server", () => {
  const account = { user: "weft", pass: "s3cret/@:" };
  const written = {
    ...{ to: "ann@there.test", subject: "Hi", text: "Hi\n", html: "<p>Hi</p>", headers: {} },
    ...{ messageId: "<1@here.test>", writtenTs: 0 },
  };
  const never = new AbortController().signal;

  test("is encrypted by STARTTLS before the password is said", async () => {
    const secure = await startMailServer({ tls: pem, account });
    stops.push(() => secure.stop());
    await createSmtp({ url: secure.url, from: FROM, ca: authority.cert })(written, never);
    expect(secure.taken).toMatchObject([{ user: "weft", isSecure: true }]);
  });

  test("is encrypted from its first byte where the address says so", async () => {
    const secure = await startMailServer({ tls: pem, account, isSecure: true });
    stops.push(() => secure.stop());
    await createSmtp({ url: secure.url, from: FROM, ca: authority.cert })(written, never);
    expect(secure.taken).toMatchObject([{ user: "weft", isSecure: true }]);
  });

  test("is not made to who has no certificate that we trust", async () => {
    const secure = await startMailServer({ tls: pem, account });
    stops.push(() => secure.stop());
    await expect(createSmtp({ url: secure.url, from: FROM })(written, never)).rejects.toThrow(
      /certificate/,
    );
    expect(secure.taken).toEqual([]);
  });

  test("to another machine is not used without encryption", async () => {
    const plain = await startMailServer({ account });
    stops.push(() => plain.stop());
    const send = (url: string) => createSmtp({ url, from: FROM })(written, never);
    // This machine too, but not by its usual names.
    const elsewhere = plain.url.replace("127.0.0.1", "0.0.0.0");
    await expect(send(elsewhere)).rejects.not.toBeInstanceOf(MailRefused);
    expect(plain.taken).toEqual([]);
    await send(`${elsewhere}?tls=off`);
    expect(plain.taken).toMatchObject([{ user: "weft", isSecure: false }]);
  });

  test("with a wrong password is no refusal of the mail", async () => {
    const strict = await startMailServer({ account });
    stops.push(() => strict.stop());
    const url = strict.url.replace("weft:", "weft:wrong");
    const failed: unknown = await createSmtp({ url, from: FROM })(written, never).catch(
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({ code: "EAUTH" });
    expect(failed).not.toBeInstanceOf(MailRefused);
  });

  test("ends when it is told to", async () => {
    const held = Promise.withResolvers<void>();
    server.hold(held.promise);
    const end = new AbortController();
    const sent = createSmtp({ url: server.url, from: FROM })(written, end.signal);
    sent.catch(() => undefined);
    await until(() => server.begun() === 1);
    end.abort(new Error("the server stops"));
    await expect(sent).rejects.toThrow();
    held.resolve();
  });
});

test("mails are sent without anybody's waking the outbox", async () => {
  const outbox = open(undefined, systemClock as ManualClock);
  await transaction(database.sql, (tx) => outbox.put(tx, mail(), 60_000));
  // Another replica's was put there, and its process ended: it is found within half a minute, or at a start.
  open(undefined, systemClock as ManualClock);
  await server.mailTo("ann@there.test");
});
