/** Over the wire, for all operations of the contract: what locked and suspended accounts are refused. */
import { type OperationId, type OperationRow, operations } from "@weft/spec/operations";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registrationFolder, registrationText, serviceClient } from "../appservice/support.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";

const files = registrationFolder({ puppets: registrationText({ url: null }) });
let server: TestServer;
let locked: TestUser;
let suspended: TestUser;
let both: TestUser;

beforeAll(async () => {
  server = await startServer({ appservices: files.folder });
  locked = await register(server, "locked");
  suspended = await register(server, "suspended");
  both = await register(server, "both");
  const sender = `@bridgebot:${server.name}`;
  await server.database.sql`
    UPDATE accounts SET locked_ts = 1 WHERE user_id IN (${locked.userId}, ${both.userId}, ${sender})`;
  await server.database.sql`
    UPDATE accounts SET suspended_ts = 1 WHERE user_id IN (${suspended.userId}, ${both.userId})`;
}, 60_000);
afterAll(async () => {
  await server?.close();
  files.close();
});

type Row = [OperationId, OperationRow];
const rows = Object.entries(operations) as Row[];
/** Those where a user's token counts. */
const TOKENS: ReadonlySet<string> = new Set([
  ...["access-token", "access-token?", "administrator", "application-service"],
]);
const forUsers = rows.filter(([, { auth }]) => TOKENS.has(auth));
const idsClosedTo = (...to: string[]) =>
  rows.flatMap(([id, { closedTo }]) => (to.includes(closedTo) ? [id] : []));

async function ask(row: OperationRow, url: string, token: string): Promise<[number, Body]> {
  const path = url.replaceAll(/\{(\w+)\}/g, (_whole, name: string) =>
    encodeURIComponent(name === "userId" ? "@a:b" : name === "roomId" ? "!r:b" : "x"),
  );
  const response = await fetch(`${server.baseUrl}${path}`, {
    method: row.method,
    headers: { authorization: `Bearer ${token}` },
    ...(row.body === "none" ? {} : { body: "{}" }),
  });
  const text = await response.text();
  return [response.status, text.startsWith("{") ? JSON.parse(text) : {}];
}

const LOCKED = [
  401,
  { errcode: "M_USER_LOCKED", error: "This account is locked", soft_logout: true },
];

test("locked accounts are refused by all operations but these", () => {
  const open = forUsers.flatMap(([id, { closedTo }]) => (closedTo === "none" ? [id] : []));
  expect(open).toEqual(["logout", "logout_all"]);
});

test("suspended accounts are refused by these operations", () => {
  const administrators = rows.flatMap(([id, row]) => (row.auth === "administrator" ? [id] : []));
  expect(new Set(idsClosedTo("suspended"))).toEqual(
    new Set([
      ...administrators,
      ...["ban", "unban", "kick", "inviteUser", "joinRoomById", "joinRoom", "knockRoom"],
      ...["createRoom", "upgradeRoom", "setRoomStateWithKey", "setTyping", "setPresence"],
      ...["setProfileField", "deleteProfileField", "requestOpenIdToken"],
      ...["uploadContent", "createContent", "uploadContentToMXC"],
      ...["setRoomAlias", "deleteRoomAlias", "setRoomVisibilityOnDirectory"],
      "updateAppserviceRoomDirectoryVisibility",
    ]),
  );
  expect(idsClosedTo("in-handler")).toEqual(["scheduleDelayedEvent", "redactEvent", "sendMessage"]);
});

test.each(forUsers.filter(([, { closedTo }]) => closedTo !== "none"))(
  "a locked account may not call %s",
  async (_id, row) => {
    for (const url of [row.path, ...row.aliases]) {
      expect(await ask(row, url, locked.token)).toEqual(LOCKED);
      expect(await ask(row, url, both.token)).toEqual(LOCKED);
    }
  },
);

test.each(forUsers.filter(([, { closedTo }]) => closedTo !== "none"))(
  "a suspended account may call %s, unless it says that it may not",
  async (_id, row) => {
    for (const url of [row.path, ...row.aliases]) {
      const [status, { errcode }] = await ask(row, url, suspended.token);
      if (row.closedTo === "suspended")
        expect([status, errcode]).toEqual([403, "M_USER_SUSPENDED"]);
      else if (row.closedTo === "locked") expect(errcode).not.toBe("M_USER_SUSPENDED");
    }
  },
);

test.each(rows.filter(([, { auth }]) => auth === "application-service?"))(
  "nor may an application service whose own account is locked call %s",
  async (_id, row) => {
    const asUrl = row.path.replace("{roomAlias}", encodeURIComponent("#a:b"));
    expect(await ask(row, asUrl, "as-token")).toEqual(LOCKED);
    expect((await ask(row, asUrl, locked.token))[1].errcode).not.toBe("M_USER_LOCKED");
  },
);

test("the service itself is refused, too", async () => {
  const answer = await serviceClient(server, "as-token").ask("GET", "/account/whoami");
  expect([answer.status, answer.body]).toEqual(LOCKED);
});

test.each(["logout", "logout_all"] as const)("a locked account may call %s", async (id) => {
  const user = id === "logout" ? locked : both;
  expect(await ask(operations[id], operations[id].path, user.token)).toEqual([200, {}]);
});
