import { afterEach, expect, test } from "vitest";
import { openLine, type Line } from "../../src/encryption/tabs.ts";
import { wipeKeys } from "../../src/encryption/vault.ts";
import type { News } from "../../src/encryption/protocol.ts";
import type { EncryptionStatus } from "../../src/encryption/port.ts";
import { eventually } from "../unit/eventually.ts";
import { createPlayedServer } from "../unit/engine/played-server.ts";
import { roomOf } from "../unit/engine/key-server.ts";

const ANN = "@ann:one";
const opened: Tab[] = [];

interface Tab {
  line: Line;
  news: News[];
  worker(): Worker;
  failures: string[];
  readonly status: EncryptionStatus | undefined;
}

const server = createPlayedServer();
let isSignedIn = true;

/** A tab of Ann's device. Several in one page talk to one another as tabs do. */
function openTab(): Tab {
  const news: News[] = [];
  const failures: string[] = [];
  let worker: Worker | undefined;
  const line = openLine({
    userId: ANN,
    deviceId: "A1",
    scans: false,
    host: server.host(ANN, "A1"),
    isWanted: () => isSignedIn,
    onNews: (one) => void news.push(one),
    onFailure: (problem) => void failures.push(problem),
    startWorker: () =>
      (worker = new Worker(new URL("../../src/encryption/worker.ts", import.meta.url), {
        type: "module",
      })),
  });
  const tab: Tab = {
    line,
    news,
    failures,
    worker: () => worker!,
    get status() {
      const told = news.findLast(({ kind }) => kind === "status");
      return told?.kind === "status" ? told.status : undefined;
    },
  };
  opened.push(tab);
  return tab;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ line }) => line.close()));
  await wipeKeys(ANN, "A1");
  isSignedIn = true;
});

const message = JSON.stringify({ msgtype: "m.text", body: "hello" });
const room = { ...roomOf("!room:one"), readers: [ANN] };

async function encrypted(tab: Tab): Promise<string> {
  const content = JSON.parse(await tab.line.call("encrypt", room, "m.room.message", message)) as {
    session_id: string;
  };
  return content.session_id;
}

test("two tabs have one engine, and one that comes later knows how it stands", async () => {
  const first = openTab();
  await eventually(() => expect(first.status?.next).toBe("set-up"));
  const second = openTab();
  await eventually(() => expect(second.status?.device).toEqual(first.status?.device));
  expect(await encrypted(second)).toBe(await encrypted(first));
});

test("when the tab that leads is closed, another goes on with the same keys", async () => {
  const first = openTab();
  const session = await encrypted(first);
  const second = openTab();
  await eventually(() => expect(second.status).toBeDefined());
  const asked = encrypted(second);
  await first.line.close();
  expect(await asked).toBe(session);
  expect(await encrypted(second)).toBe(session);
});

test("an engine that died is begun anew, and what was asked of it is answered", async () => {
  const tab = openTab();
  const session = await encrypted(tab);
  const dead = tab.worker();
  dead.dispatchEvent(new MessageEvent("message", { data: { kind: "died", problem: "panic" } }));
  expect(await encrypted(tab)).toBe(session);
  expect(tab.worker()).not.toBe(dead);
  expect(tab.failures).toEqual([]);
});

test("an engine that dies again and again is given up, till the person asks for it", async () => {
  const tab = openTab();
  await encrypted(tab);
  for (let count = 0; count < 6; count++) {
    const data = { kind: "died", problem: "panic" };
    tab.worker().dispatchEvent(new MessageEvent("message", { data }));
  }
  await expect(encrypted(tab)).rejects.toMatchObject({ problem: "unavailable" });
  tab.line.restart();
  await encrypted(tab);
});

test("a device that was signed out is not opened again by a tab that was waiting", async () => {
  const first = openTab();
  await encrypted(first);
  const second = openTab();
  await eventually(() => expect(second.status).toBeDefined());
  isSignedIn = false;
  await first.line.close();
  await second.line.close();
  await wipeKeys(ANN, "A1");
  const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
  expect(names.filter((name) => name.includes(`${ANN} A1`))).toEqual([]);
});

test("the lead is taken from a tab that its browser has stopped", { timeout: 60_000 }, async () => {
  const stopped = Promise.withResolvers<void>();
  let wasTaken = false;
  void navigator.locks
    .request(`weft.encryption ${ANN} A1`, () => stopped.promise)
    .catch(() => {
      wasTaken = true;
    });
  const tab = openTab();
  await encrypted(tab);
  expect(wasTaken).toBe(true);
  expect(tab.failures).toEqual([]);
});

test("a tab whose lead was taken gets in line again, with the keys that it had", async () => {
  const tab = openTab();
  const session = await encrypted(tab);
  const stopped = Promise.withResolvers<void>();
  const name = `weft.encryption ${ANN} A1`;
  const taken = navigator.locks.request(name, { steal: true }, () => stopped.promise);
  const asked = encrypted(tab);
  stopped.resolve();
  await taken;
  expect(await asked).toBe(session);
  expect(tab.failures).toEqual([]);
});

test("what is asked of another tab is asked once, however many tabs come", async () => {
  const first = openTab();
  await encrypted(first);
  const second = openTab();
  await eventually(() => expect(second.status).toBeDefined());
  const asked = second.line.call("setUp", {});
  const others = [openTab(), openTab()];
  expect((await asked).recoveryKey).not.toBe("");
  await eventually(() => {
    for (const { status } of others) expect(status?.backup.version).toBe("1");
  });
  expect(server.asked.filter((one) => one === "POST /room_keys/version")).toHaveLength(1);
});

test("nothing that was said stands readable on the disk", async () => {
  const tab = openTab();
  await encrypted(tab);
  await tab.line.close();
  const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
  expect(names.filter((name) => name.includes("matrix-sdk-crypto"))).toHaveLength(2);
  for (const name of names) {
    const open = indexedDB.open(name);
    await new Promise((resolve) => open.addEventListener("success", resolve));
    const database = open.result;
    for (const table of database.objectStoreNames) {
      const all = database.transaction(table).objectStore(table).getAll();
      await new Promise((resolve) => all.addEventListener("success", resolve));
      expect(JSON.stringify(all.result)).not.toMatch(/hello|session_key|private/);
    }
    database.close();
  }
});
