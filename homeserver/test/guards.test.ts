/** Over the wire, for all operations of the contract: who may not call one is told so, whatever else is missing. */
import { type OperationId, type OperationRow, operations } from "@weft/spec/operations";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../src/protocol/json.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { askAs } from "./support/signed-requests.ts";
import { type Body, register, type TestUser } from "./support/user.ts";

let server: TestServer;
let peer: TestServer;
let root: TestUser;
let alice: TestUser;
/** A room whose access list keeps the peer out. */
let closed: string;

beforeAll(async () => {
  [server, peer] = await Promise.all([startServer(), startServer()]);
  root = await register(server, "root");
  await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${root.userId}`;
  alice = await register(server, "alice");
  closed = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  const acl = { allow: ["*"], deny: [peer.name.split(":")[0]!] };
  const state = `/rooms/${encodeURIComponent(closed)}/state/m.room.server_acl/`;
  await alice.call("PUT", state, acl);
});
afterAll(() => Promise.all([server.close(), peer.close()]));

type Row = [OperationId, OperationRow];
const rows = Object.entries(operations) as Row[];
const where = (fits: (row: OperationRow) => boolean) => rows.filter(([, row]) => fits(row));

/** The operation's path and its further ones, in the closed room. */
function urlsOf({ path, aliases }: OperationRow): string[] {
  const known: Record<string, string> = { roomId: closed, eventId: "$e", userId: "@a:b" };
  const fill = (url: string) =>
    url.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(known[name] ?? "x"));
  return [path, ...aliases].map(fill);
}

/** Bodies of the shape that an operation needs. */
const BODIES: Partial<Record<OperationId, object>> = {
  setAdminLockUser: { locked: true },
  setAdminSuspendUser: { suspended: true },
  setRoomBlock: { block: true },
  updateAppserviceRoomDirectoryVisibility: { visibility: "public" },
};
/** Queries that an operation needs. */
const QUERIES: Partial<Record<OperationId, string>> = {
  deleteOldMedia: "?before_ts=1600000000000",
  purgeMediaCache: "?before_ts=1600000000000",
};
const NEED_A_TOKEN: ReadonlySet<unknown> = new Set([
  ...["access-token", "administrator", "application-service"],
]);

async function ask(url: string, [id, row]: Row, token?: string): Promise<[number, Body]> {
  const body = row.body === "none" ? undefined : JSON.stringify(BODIES[id] ?? {});
  const response = await fetch(`${server.baseUrl}${url}${QUERIES[id] ?? ""}`, {
    method: row.method,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const answer: Body = JSON.parse(text);
  return [response.status, answer.errcode];
}

describe("nobody in particular", () => {
  test.each(where(({ auth }) => NEED_A_TOKEN.has(auth)))("may not call %s", async (...row) => {
    for (const url of urlsOf(row[1])) {
      expect(await ask(url, row)).toEqual([401, "M_MISSING_TOKEN"]);
      expect(await ask(url, row, "unknown")).toEqual([401, "M_UNKNOWN_TOKEN"]);
    }
  });

  test.each(where(({ auth }) => auth === "access-token?"))(
    "may call %s, and nobody with a token that is none",
    async (...row) => {
      for (const url of urlsOf(row[1])) {
        expect((await ask(url, row))[1]).not.toBe("M_MISSING_TOKEN");
        expect(await ask(url, row, "unknown")).toEqual([401, "M_UNKNOWN_TOKEN"]);
      }
    },
  );

  test.each(where(({ auth }) => auth === "server-signature"))(
    "may not call %s, nor may a user",
    async (...row) => {
      for (const url of urlsOf(row[1])) {
        expect(await ask(url, row)).toEqual([401, "M_UNAUTHORIZED"]);
        expect(await ask(url, row, root.token)).toEqual([401, "M_UNAUTHORIZED"]);
      }
    },
  );
});

test.each(where(({ auth }) => auth === "administrator"))(
  "an ordinary user may not call %s",
  async (...row) => {
    for (const url of urlsOf(row[1])) {
      expect(await ask(url, row, alice.token)).toEqual([403, "M_FORBIDDEN"]);
    }
  },
);

test.each(where(({ auth }) => auth === "application-service"))(
  "no user may call %s, an administrator neither",
  async (...row) => {
    for (const url of urlsOf(row[1])) {
      expect(await ask(url, row, alice.token)).toEqual([403, "M_FORBIDDEN"]);
      expect(await ask(url, row, root.token)).toEqual([403, "M_FORBIDDEN"]);
    }
  },
);

test("an administrator may", async () => {
  const row: Row = ["getRoomBlock", operations.getRoomBlock];
  expect(await ask(urlsOf(row[1])[0]!, row, root.token)).toEqual([200, undefined]);
});

test.each(where(({ acl }) => acl === "{roomId}"))(
  "a server that the room's access list keeps out may not call %s",
  async (_id, row) => {
    const content: JsonObject | undefined = row.body === "none" ? undefined : {};
    for (const url of urlsOf(row)) {
      const { status, body } = await askAs(peer, server, row.method, url, content);
      expect([status, body.errcode]).toEqual([403, "M_FORBIDDEN"]);
      expect(body.error).toContain("access list");
    }
  },
);

test("an event by itself is kept from such a server, too", async () => {
  const eventId = await alice.send(closed, "for those inside");
  const url = `/_matrix/federation/v1/event/${encodeURIComponent(eventId)}`;
  const { status, body } = await askAs(peer, server, "GET", url);
  expect([status, body.errcode]).toEqual([403, "M_FORBIDDEN"]);
});
