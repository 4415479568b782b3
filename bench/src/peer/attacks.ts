import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connection } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { type PeerKey, type ValueObject, newKey, seal, signed } from "./events.ts";
import type { Answers, Peer, Resident, Seat } from "./peer.ts";

/** Where a hostile server stands. */
interface Scene {
  readonly peer: Peer;
  /** In a room of the server that it attacks. */
  readonly seat: Seat;
  readonly where: Resident;
  /** A room that the peer is not in, and the first event of it. */
  readonly elsewhere: { readonly roomId: string; readonly createId: string };
  /** So many requests at once. */
  readonly connections: readonly Connection[];
  /** Has a local user ask for the history of the room before the peer joined. */
  readonly readHistory: () => Promise<void>;
  readonly isOver: () => boolean;
}

export interface Attack {
  readonly name: string;
  /** Signs what is needed, and answers with the attack: it goes on until it is done or the scene is over, and says what it did. */
  prepare(scene: Scene): () => Promise<string>;
}

const IN_TRANSACTION = 50;
const BAD_PDUS = 10_000;
const FORKS = 500;
const OFFERED = 100_000;
/** Events by which a server is led on, and keys. */
const BAITS = 1_000;

/** What issue and specification name; each by a peer of its own. */
export const ATTACKS: readonly Attack[] = [
  { name: "bad PDUs", prepare: sendBadPdus },
  { name: "chains without end", prepare: (scene) => leadOn(scene, answerWithMore(scene)) },
  { name: "answers without end", prepare: (scene) => leadOn(scene, { answer: answerForever }) },
  { name: "forks", prepare: forkTheRoom },
  { name: "history on offer", prepare: offerHistory },
  { name: "keys that end", prepare: changeKeys },
  { name: "another's name", prepare: pretend },
];

/** A message of the peer's user upon the given events. */
function message({ peer, seat }: Scene, more: ValueObject = {}, key: PeerKey = peer.key) {
  const template = {
    ...{ type: "m.room.message", room_id: seat.roomId, sender: seat.userId },
    content: { msgtype: "m.text", body: randomBytes(8).toString("hex") },
    depth: seat.depth + 1,
    origin_server_ts: Date.now(),
    prev_events: [seat.joinId],
    auth_events: [...seat.authEvents],
  };
  return seal({ ...template, ...more }, peer.serverName, key);
}

function transaction({ peer, where }: Scene, pdus: ValueObject[]): Buffer {
  const path = `/_matrix/federation/v1/send/${randomBytes(8).toString("hex")}`;
  const content = { origin: peer.serverName, origin_server_ts: Date.now(), pdus, edus: [] };
  return peer.signedPut(where.federationUrl, where.serverName, path, content);
}

/** Fifty of them in each. */
function transactions(scene: Scene, pdus: readonly ValueObject[]): Buffer[] {
  return range(Math.ceil(pdus.length / IN_TRANSACTION)).map((index) =>
    transaction(scene, pdus.slice(index * IN_TRANSACTION, (index + 1) * IN_TRANSACTION)),
  );
}

/** A transaction each of one event, which names one that is nowhere. */
function baits(scene: Scene): Buffer[] {
  return range(BAITS).map(() =>
    transaction(scene, [message(scene, { prev_events: [unknownId()] }).pdu]),
  );
}

/** Sends requests by all connections, as they come, until there are no more or it is over. @returns how many */
async function sendAll(
  { connections, isOver }: Scene,
  next: () => Buffer | undefined,
): Promise<number> {
  let sent = 0;
  await parallel(connections, connections.length, async (connection) => {
    for (;;) {
      const request = isOver() ? undefined : next();
      if (request === undefined) return;
      await connection.exchange(request).catch(() => undefined);
      sent += 1;
    }
  });
  return sent;
}

/** One of each kind; what is wrong with it is said by where it stands. */
function badPdus(scene: Scene): ValueObject[] {
  const { seat, elsewhere, where } = scene;
  const good = message(scene).pdu;
  const body = { msgtype: "m.text", body: "x" };
  const [create = "", levels = ""] = seat.authEvents;
  return [
    // Another content than was hashed; another time than was signed; a sender of another server.
    { ...good, content: body },
    { ...good, origin_server_ts: 1 },
    message(scene, { sender: `@someone:${where.serverName}` }).pdu,
    // Without the sender's join; with another room's event; of another room.
    message(scene, { auth_events: [create, levels] }).pdu,
    message(scene, { auth_events: [...seat.authEvents, elsewhere.createId] }).pdu,
    message(scene, { room_id: elsewhere.roomId, prev_events: [elsewhere.createId] }).pdu,
    // What canonical JSON forbids, twice; over 65,536 bytes.
    message(scene, { content: { ...body, number: 1.5 } }).pdu,
    message(scene, { content: { ...body, number: 1e20 } }).pdu,
    message(scene, { content: { ...body, body: "x".repeat(65_537) } }).pdu,
    // A key that no database takes; no object; more than may be named.
    message(scene, { type: "a\0b" }).pdu,
    { ...good, content: "text" },
    message(scene, { prev_events: range(21).map((number) => `$${number}`) }).pdu,
  ];
}

function sendBadPdus(scene: Scene): () => Promise<string> {
  const pdus: ValueObject[] = [];
  while (pdus.length < BAD_PDUS) pdus.push(...badPdus(scene));
  const made = transactions(scene, pdus.slice(0, BAD_PDUS));
  return async () => `${(await sendAll(scene, () => made.pop())) * IN_TRANSACTION} PDUs`;
}

/** Sends events that name unknown ones, about which the peer is asked then. */
function leadOn(scene: Scene, answers: Answers): () => Promise<string> {
  const made = baits(scene);
  let asked = 0;
  scene.peer.host({
    answer(request, response) {
      const isMine = answers.answer(request, response);
      if (isMine) asked += 1;
      return isMine;
    },
  });
  return async () => `${await sendAll(scene, () => made.pop())} events, ${asked} questions`;
}

/** Missing events, each of which lacks another. */
function answerWithMore(scene: Scene): Answers {
  const { depth } = scene.seat;
  const made = range(5 * BAITS).map(
    () => message(scene, { prev_events: [unknownId()], depth }).pdu,
  );
  let next = 0;
  return {
    answer(request, response) {
      if (!isAbout(request, "get_missing_events")) return false;
      reply(response, { events: range(10).map(() => made[next++ % made.length]!) });
      return true;
    },
  };
}

const NO_PDU = `{"type":"m.room.message","content":{"body":"${"x".repeat(900)}"}},`;

/** A list of which the end never comes, as fast as it is taken. */
function answerForever(request: IncomingMessage, response: ServerResponse): boolean {
  const key = isAbout(request, "get_missing_events")
    ? "events"
    : isAbout(request, "state")
      ? "pdus"
      : isAbout(request, "state_ids")
        ? "pdu_ids"
        : undefined;
  if (key === undefined) return false;
  const chunk = NO_PDU.repeat(64);
  pour(response, `{"${key}":[`, () => chunk);
  return true;
}

/** Answers with the beginning, and then what `next` gives, as fast as it is taken, until it gives nothing. */
function pour(response: ServerResponse, start: string, next: () => string | undefined): void {
  const go = () => {
    while (!response.destroyed) {
      const text = next();
      if (text === undefined) return void response.end();
      if (!response.write(text)) return;
    }
  };
  response.writeHead(200, JSON_TYPE).write(start);
  response.on("drain", go);
  go();
}

/** Changes of the peer's user's name, all upon its join. */
function forkTheRoom(scene: Scene): () => Promise<string> {
  const { userId } = scene.seat;
  const forks = range(FORKS).map(
    (number) =>
      message(scene, {
        ...{ type: "m.room.member", state_key: userId },
        content: { membership: "join", displayname: `${number}` },
      }).pdu,
  );
  const made = transactions(scene, forks);
  return async () => `${(await sendAll(scene, () => made.pop())) * IN_TRANSACTION} extremities`;
}

/** Answers who asks for a page of history with a hundred thousand events. */
function offerHistory(scene: Scene): () => Promise<string> {
  const texts = range(200).map(() => JSON.stringify(message(scene, { depth: 1 }).pdu));
  const some = texts.join(",");
  let [asked, bytes] = [0, 0];
  scene.peer.host({
    answer(request, response) {
      if (!isAbout(request, "backfill") && !isAbout(request, "get_missing_events")) return false;
      asked += 1;
      const key = isAbout(request, "backfill") ? "pdus" : "events";
      let pages = OFFERED / texts.length;
      pour(response, `{"${key}":[${some}`, () => {
        pages -= 1;
        if (pages > 0) bytes += some.length;
        return pages > 0 ? `,${some}` : pages === 0 ? "]}" : undefined;
      });
      return true;
    },
  });
  const made = baits(scene);
  return async () => {
    // A gap before this event: whoever reads the history comes to it.
    for (let next = made.pop(); next !== undefined && !scene.isOver(); next = made.pop()) {
      await scene.connections[0]!.exchange(next).catch(() => undefined);
      await scene.readHistory();
    }
    return `${asked} questions, ${Math.round(bytes / 1e6)} MB taken`;
  };
}

/** Every second event by a key of its own, of which its server says nothing; that of the others ends after a second. */
function changeKeys(scene: Scene): () => Promise<string> {
  const { peer } = scene;
  const other = newKey();
  const made = range(BAITS / 4).map((number) => {
    const pdus = range(IN_TRANSACTION).map((index) => {
      const key = { ...other, id: `ed25519:k${number}_${index}` };
      return index % 2 === 0 ? message(scene, {}, key).pdu : message(scene).pdu;
    });
    return () => transaction(scene, pdus);
  });
  let asked = 0;
  peer.host({
    answer(request, response) {
      if (!(request.url ?? "").startsWith("/_matrix/key/v2/server")) return false;
      asked += 1;
      const keys = {
        server_name: peer.serverName,
        valid_until_ts: Date.now() + 1_000,
        verify_keys: { [peer.key.id]: { key: peer.key.publicKey } },
        old_verify_keys: {},
      };
      reply(response, signed(keys, peer.serverName, peer.key));
      return true;
    },
  });
  return async () => {
    const sent = await sendAll(scene, () => made.pop()?.());
    return `${sent * IN_TRANSACTION} PDUs, ${asked} questions for keys`;
  };
}

/** Transactions in the name of servers that the peer is not. */
function pretend(scene: Scene): () => Promise<string> {
  const { peer, where } = scene;
  const names = [where.serverName, "localhost:1", `nobody-${randomBytes(4).toString("hex")}.test`];
  const made = names.map((name) =>
    Buffer.from(
      transaction(scene, [message(scene).pdu])
        .toString("latin1")
        .replace(`origin="${peer.serverName}"`, `origin="${name}"`),
      "latin1",
    ),
  );
  let number = 0;
  return async () => `${await sendAll(scene, () => made[number++ % made.length])} transactions`;
}

function unknownId(): string {
  return `$${randomBytes(32).toString("base64url")}`;
}

const JSON_TYPE = { "content-type": "application/json" };

function isAbout(request: IncomingMessage, call: string): boolean {
  return (request.url ?? "").split(/[/?]/)[4] === call;
}

function reply(response: ServerResponse, body: ValueObject): void {
  response.writeHead(200, JSON_TYPE).end(JSON.stringify(body));
}
