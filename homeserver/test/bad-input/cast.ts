/** A server and everybody who asks it something: users of all kinds, a service, another server. */
import type { OperationRow } from "@weft/spec/operations";
import { xMatrixHeader } from "../../src/federation-client/requests/signed-request.ts";
import { signingKeyFromSeed } from "../../src/protocol/crypto.ts";
import { parseServerName, type ServerName } from "../../src/protocol/identifiers.ts";
import type { Json } from "../../src/protocol/json.ts";
import { upsertServerKeys } from "../../src/storage/federation/server-keys.ts";
import { registrationFolder, registrationText } from "../appservice/support.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";
import type { Known } from "./hostile.ts";

export interface Cast {
  readonly server: TestServer;
  /**
   * What requests name: things that are there, but nothing of the witnesses' own room, and for
   * administrators, who may delete rooms, nothing of theirs.
   */
  known(row: OperationRow, draw: Draw): Known & Record<string, string>;
  /** The headers of one who asks. */
  as(
    row: OperationRow,
    uri: string,
    body: string | undefined,
    draw: Draw,
  ): { headers: Record<string, string> };
  /** Replaces users whose sessions have ended by what they asked for. */
  refresh(): Promise<void>;
  /** What the witnesses see, who nobody knows of: it is to stay as it is. */
  witnessed(): Promise<unknown>;
  close(): Promise<void>;
}

type Draw = (below: number) => number;

const peer = parseServerName("localhost:1");
const key = signingKeyFromSeed("ed25519:peer", Buffer.alloc(32, 7));
const MESSAGES = ["one", "two", "three"];

export async function openCast(): Promise<Cast> {
  const files = registrationFolder({
    bridge: registrationText({ url: null, users: [{ regex: "@_irc_.*", exclusive: true }] }),
  });
  const server = await startServer({ appservices: files.folder, urlPreviews: false });
  const { sql } = server.database;
  const row = { server: peer, keyId: key.keyId, publicKey: key.publicKeyBase64 };
  const validUntil = Date.now() + 86_400_000;
  await upsertServerKeys(sql, [{ ...row, validUntil, fetched: Date.now() }]);
  let made = 0;
  const alter = async (user: TestUser, change: string): Promise<TestUser> => {
    await sql.unsafe(`UPDATE accounts SET ${change} WHERE user_id = $1`, [user.userId]);
    const identifier = { type: "m.id.user", user: user.userId };
    const password = `${user.userId.slice(1).split(":")[0]}-Secret-1`;
    const response = await fetch(`${server.baseUrl}/_matrix/client/v3/login`, {
      method: "POST",
      body: JSON.stringify({ type: "m.login.password", identifier, password }),
    });
    // Who is locked gets no new session, and keeps the one that there is.
    return response.status === 200 ? userOf(server, (await response.json()) as Body) : user;
  };
  const kinds: readonly (() => Promise<TestUser>)[] = [
    () => register(server, `alice-${++made}`),
    () => register(server, `bob-${++made}`),
    async () => alter(await register(server, `root-${++made}`), "is_admin = true"),
    async () => alter(await register(server, `locked-${++made}`), "locked_ts = 1"),
    async () => alter(await register(server, `suspended-${++made}`), "suspended_ts = 1"),
  ];
  const users = await Promise.all(kinds.map((make) => make()));
  const [alice] = users as [TestUser];
  const [first, second] = [
    await register(server, "witness-a"),
    await register(server, "witness-b"),
  ];
  const own = (await first.call("POST", "/createRoom", { invite: [second.userId] })).room_id;
  await second.call("POST", `/join/${encodeURIComponent(own)}`, {});
  // Others may enter this one, and do there what its members may.
  const open = (await first.call("POST", "/createRoom", { preset: "public_chat", name: "Open" }))
    .room_id;
  for (const body of MESSAGES) for (const roomId of [own, open]) await first.send(roomId, body);
  const theirs = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  const eventId = await alice.send(theirs, "may be redacted");
  await alice.call("POST", `/join/${encodeURIComponent(open)}`, {});
  const rooms = [theirs, theirs, theirs, open];

  async function seen(roomId: string) {
    const path = `/rooms/${encodeURIComponent(roomId)}`;
    const { chunk } = await first.call("GET", `${path}/messages?dir=f&limit=1000`);
    const state = (await first.call("GET", `${path}/state`)) as Body[];
    const from = ({ sender }: Body) => sender === first.userId || sender === second.userId;
    const bodies = chunk.filter(from).map(({ content }: Body) => content.body);
    return {
      bodies: bodies.filter((body: unknown) => body !== undefined),
      state: state
        .filter(from)
        .map(({ event_id: id }): string => String(id))
        .toSorted((a, b) => a.localeCompare(b)),
    };
  }

  function tokenFor(draw: Draw): string | undefined {
    const choice = draw(20);
    if (choice === 0) return undefined;
    if (choice === 1) return "unknown";
    if (choice === 2) return "as-token";
    return (choice < 12 ? users[draw(2)] : users[draw(users.length)])!.token;
  }

  function signed(
    { method }: OperationRow,
    uri: string,
    body: string | undefined,
  ): Record<string, string> {
    try {
      const content = body === undefined ? undefined : (JSON.parse(body) as Json);
      const destination = server.name as ServerName;
      const asked = { method, uri, origin: peer, destination, ...(content && { content }) };
      return { authorization: xMatrixHeader(asked, key) };
    } catch {
      return {}; // what is no JSON, or none that can be signed
    }
  }

  return {
    server,
    known: ({ api }, draw) => ({
      userId: users[draw(users.length)]!.userId,
      roomId: api === "admin" ? theirs : rooms[draw(rooms.length)]!,
      ...{ eventId, server: server.name },
    }),
    as(row_, uri, body, draw) {
      if (row_.auth === "server-signature" && draw(10) > 0) {
        return { headers: signed(row_, uri, body) };
      }
      const token = tokenFor(draw);
      const isForm = row_.body === "form";
      return {
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(isForm && { "content-type": "application/x-www-form-urlencoded" }),
        },
      };
    },
    async refresh() {
      for (const [index, make] of kinds.entries()) {
        const { status, body } = await users[index]!.ask("GET", "/account/whoami");
        if (status === 401 && body.errcode !== "M_USER_LOCKED") users[index] = await make();
      }
    },
    witnessed: async () => [await seen(own), await seen(open)],
    async close() {
      await server.close();
      files.close();
    },
  };
}
