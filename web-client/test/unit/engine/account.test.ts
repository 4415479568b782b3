import { describe, expect, test } from "vitest";
import { eventually } from "../eventually.ts";
import { createKeyServer, readBy, roomOf, settle, write, type SignedIn } from "./key-server.ts";

const ANN = "@ann:one";
const BEN = "@ben:two";

async function becomes(who: SignedIn, wanted: object): Promise<void> {
  await eventually(() => expect(who.status).toMatchObject(wanted));
}

const SAFE = {
  device: { isVerified: true },
  crossSigning: { exists: true, hasKeys: true },
  backup: { isActive: true, canRestore: true, waiting: 0 },
  next: undefined,
};

describe("setting up", () => {
  test("makes identity, secret storage and backup, and leaves nothing to be offered", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    expect(ann.status?.next).toBe("set-up");
    const { recoveryKey } = await ann.calls.setUp({});
    expect(recoveryKey).toMatch(/^(\w{4} ){11}\w{4}$/);
    await becomes(ann, { ...SAFE, secretStorage: { exists: true, hasPassphrase: false } });
    const stored = JSON.stringify([...server.user(ANN).accountData]);
    expect(stored).toContain("m.cross_signing.user_signing");
    expect(stored).not.toContain(recoveryKey);
  });

  test("once more gives a new recovery key to the same identity and backup", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const first = await ann.calls.setUp({});
    const before = server.user(ANN).master;
    const second = await ann.calls.setUp({ passphrase: "correct horse" });
    expect(server.user(ANN).master).toBe(before);
    expect(server.user(ANN).backups.size).toBe(1);
    const next = await server.signIn(ANN, "A2");
    await expect(next.calls.unlock(first)).rejects.toMatchObject({ problem: "wrong-key" });
    await next.calls.unlock(second);
    await becomes(next, { ...SAFE, secretStorage: { exists: true, hasPassphrase: true } });
  });

  test("that broke off at the server goes on with the same identity", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    server.broken.add("POST /room_keys/version");
    await expect(ann.calls.setUp({})).rejects.toMatchObject({ status: 502 });
    const made = server.user(ANN).master;
    expect(made).toBeDefined();
    server.broken.clear();
    await ann.calls.setUp({});
    expect(server.user(ANN).master).toBe(made);
    await becomes(ann, SAFE);
  });

  test("is refused on a device that is not part of the identity", async () => {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    await ann.calls.setUp({});
    const next = await server.signIn(ANN, "A2");
    expect(next.status?.next).toBe("verify");
    await expect(next.calls.setUp({})).rejects.toMatchObject({ problem: "keys-missing" });
  });
});

describe("a new device", () => {
  async function history() {
    const server = createKeyServer();
    const ann = await server.signIn(ANN, "A1");
    const recovery = await ann.calls.setUp({ passphrase: "correct horse" });
    const event = await write(ann, roomOf("!room:one", ann), "long ago");
    await becomes(ann, SAFE);
    await eventually(() =>
      expect(Object.keys(server.user(ANN).backups.get("1")!.keys)).toEqual(["!room:one"]),
    );
    const next = await server.signIn(ANN, "A2");
    expect(await readBy(next, event)).toBe("before-this-device");
    return { server, ann, next, event, recovery };
  }

  test("reads the history once the recovery key was typed", async () => {
    const { next, event, recovery } = await history();
    await next.calls.unlock({ recoveryKey: ` ${recovery.recoveryKey.replaceAll(" ", "  ")}\n` });
    await becomes(next, SAFE);
    await eventually(async () => expect(await readBy(next, event)).toBe("long ago"));
    const told = next.told.flatMap((news) => (news.kind === "room-keys" ? news.keys : []));
    expect(told).toContainEqual({ roomId: "!room:one", sessionId: event.sessionId });
  });

  test("is opened by the passphrase, by no other and by no key that is none", async () => {
    const { next } = await history();
    const wrong = { recoveryKey: "EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d" };
    for (const [by, problem] of [
      [{ passphrase: "wrong horse" }, "wrong-key"],
      [{ recoveryKey: "Es0c" }, "malformed-key"],
      [wrong, "wrong-key"],
    ] as const) {
      await expect(next.calls.unlock(by)).rejects.toMatchObject({ problem });
    }
    await next.calls.unlock({ passphrase: "correct horse" });
    await becomes(next, SAFE);
  });

  test("says of a key that is in no backup that it is not there", async () => {
    const { server, ann, next, recovery } = await history();
    const event = await write(ann, roomOf("!other:one", ann), "lost");
    await eventually(() =>
      expect(Object.keys(server.user(ANN).backups.get("1")!.keys)).toHaveLength(2),
    );
    delete server.user(ANN).backups.get("1")!.keys["!other:one"];
    await next.calls.unlock(recovery);
    const old = { ...event, ts: 1 };
    await eventually(async () => expect(await readBy(next, old)).toBe("not-in-backup"));
  });
});

test("keys that were made while the backup was away are added to it", async () => {
  const server = createKeyServer();
  const ann = await server.signIn(ANN, "A1");
  await ann.calls.setUp({});
  server.broken.add("PUT /room_keys/keys");
  await write(ann, roomOf("!room:one", ann), "x");
  await becomes(ann, { backup: { waiting: 1 } });
  server.broken.clear();
  await becomes(ann, { backup: { waiting: 0 } });
});

test("a backup that another device made anew is found, and not used before it is trusted", async () => {
  const server = createKeyServer();
  const ann = await server.signIn(ANN, "A1");
  const recovery = await ann.calls.setUp({});
  const next = await server.signIn(ANN, "A2");
  await next.calls.unlock(recovery);
  await settle(ann, next);
  const { info } = server.user(ANN).backups.get("1")!;
  const stranger = { ...info, auth_data: { public_key: "x".repeat(43), signatures: {} } };
  server.user(ANN).backups.set("2", { info: stranger, keys: {}, deleted: false });
  await write(ann, roomOf("!room:one", ann), "x");
  await becomes(ann, { backup: { version: "2", isActive: false, canRestore: false } });
  expect(server.user(ANN).backups.get("2")!.keys).toEqual({});
});

test("a reset gives a new identity and backup, asks for the password first, and is seen by others", async () => {
  const server = createKeyServer();
  server.askPassword("pass");
  const ann = await server.signIn(ANN, "A1");
  const ben = await server.signIn(BEN, "B1");
  const old = await ann.calls.setUp({});
  await settle(ann, ben);
  expect(await ben.calls.userTrust([ANN])).toEqual(["unverified"]);
  await expect(ann.calls.reset({})).rejects.toMatchObject({ stage: "m.login.password" });
  const stored = server.user(ANN).accountData.get("m.cross_signing.master");
  const proofs = { password: { userId: ANN, password: "pass" } };
  const { recoveryKey } = await ann.calls.reset({ proofs });
  await becomes(ann, { ...SAFE, backup: { version: "2" } });
  expect(server.user(ANN).accountData.get("m.cross_signing.master")).not.toEqual(stored);
  await settle(ann, ben);
  await eventually(async () => expect(await ben.calls.userTrust([ANN])).toEqual(["changed"]));
  await ben.calls.acceptIdentity(ANN);
  expect(await ben.calls.userTrust([ANN])).toEqual(["unverified"]);
  const next = await server.signIn(ANN, "A2");
  await expect(next.calls.unlock(old)).rejects.toMatchObject({ problem: "wrong-key" });
  await next.calls.unlock({ recoveryKey });
  await becomes(next, SAFE);
});

test("keys go out into a file and come in from it, by its passphrase only", async () => {
  const server = createKeyServer();
  const ann = await server.signIn(ANN, "A1");
  const event = await write(ann, roomOf("!room:one", ann), "exported");
  const file = await ann.calls.exportKeys("secret");
  expect(file).toMatch(/^-----BEGIN MEGOLM SESSION DATA-----/);
  const next = await server.signIn(ANN, "A2");
  await expect(next.calls.importKeys(file, "wrong")).rejects.toMatchObject({
    problem: "bad-key-file",
  });
  await expect(next.calls.importKeys("no file", "secret")).rejects.toMatchObject({
    problem: "bad-key-file",
  });
  expect(await next.calls.importKeys(file, "secret")).toEqual({ imported: 1, total: 1 });
  expect(await readBy(next, event)).toBe("exported");
});
