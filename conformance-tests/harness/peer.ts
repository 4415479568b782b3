import type { OperationId } from "@weft/spec";
import { validators } from "./check-answer.ts";
import { unique } from "./client.ts";
import { referredIds } from "./events.ts";
import type { Pdu } from "./events.ts";
import type { Json, JsonObject } from "./json.ts";
import { eventually, must, show } from "./must.ts";
import { defaultAnswers, keyDocument } from "./peer-answers.ts";
import { PeerCalls } from "./peer-calls.ts";
import type { Answers } from "./peer-answers.ts";
import { createPeerRoom, PeerRoom } from "./peer-room.ts";
import type { NewPeerRoom } from "./peer-room.ts";
import { listen, matchOperation } from "./peer-server.ts";
import type { Inbound, PeerServer, RawInbound, Reply } from "./peer-server.ts";
import type { Subject } from "./subject.ts";
import { parseAuthorization, signatureIsGood } from "./x-matrix.ts";

export interface ReceivedInvite {
  readonly event: Pdu;
  readonly version: string;
  readonly eventId: string;
}

/**
 * A bare homeserver of its own: keys, signed requests, rooms without rules. It shares no code with any
 * server, so that two implementations check one another.
 */
export class Peer extends PeerCalls {
  readonly rooms = new Map<string, PeerRoom>();
  readonly profiles = new Map<string, JsonObject>();
  readonly media = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>();
  publicRooms: JsonObject[] = [];
  readonly invites: ReceivedInvite[] = [];
  /** Everything that arrived in transactions, in order. */
  readonly pdus: Pdu[] = [];
  readonly edus: JsonObject[] = [];
  /** Every request that came in. */
  readonly inbound: Inbound[] = [];
  /** What the server under test did wrong towards this peer. */
  readonly violations: string[] = [];
  keysValidForMs = 24 * 3600_000;
  #answers: Answers = {};
  #server!: PeerServer;

  static async start(subject: Subject): Promise<Peer> {
    const peer = new Peer(subject);
    peer.#server = await listen(subject.peerTls, (request) => peer.#respond(request));
    peer.#answers = defaultAnswers(peer);
    return peer;
  }

  get serverName(): string {
    return `localhost:${this.#server.port}`;
  }

  async stop(): Promise<void> {
    await this.#server.close();
  }

  user(name: string): string {
    return `@${unique(name)}:${this.serverName}`;
  }

  keyDocument(): JsonObject {
    return keyDocument(this, this.keysValidForMs);
  }

  /** Answers an operation otherwise until the returned function is called. */
  answer(id: OperationId, answer: NonNullable<Answers[OperationId]>): () => void {
    const before = this.#answers[id];
    this.#answers[id] = answer;
    return () => {
      this.#answers[id] = before;
    };
  }

  createRoom(options: NewPeerRoom): PeerRoom {
    const room = createPeerRoom(this, options);
    this.rooms.set(room.roomId, room);
    return room;
  }

  /** A room of no content, for its version's functions. */
  roomOfVersion(version: string): PeerRoom {
    return new PeerRoom(version, this);
  }

  /** Joins a room of the server under test; everything that it hands over is proved. */
  async joinRoom(roomId: string, userId: string): Promise<PeerRoom> {
    const made = await this.call("makeJoin", {
      path: { roomId, userId },
      query: { ver: Array.from({ length: 12 }, (_, i) => String(i + 1)) },
    });
    const { event, room_version: version = "1" } = made as unknown as {
      event: JsonObject;
      room_version?: string;
    };
    const room = this.roomOfVersion(version);
    const pdu = room.seal({ ...event, origin_server_ts: Date.now(), event_id: undefined });
    const done = await this.call("sendJoinV2", {
      path: { roomId, eventId: room.idOf(pdu) },
      body: pdu,
    });
    const {
      state,
      auth_chain,
      event: signed,
    } = done as unknown as {
      state: Pdu[];
      auth_chain: Pdu[];
      event?: Pdu;
    };
    await this.mustBeGoodPdus([...state, ...auth_chain], version);
    room.adopt(signed ?? pdu, state, auth_chain);
    room.roomId = roomId;
    for (const each of [pdu, ...state, ...auth_chain]) {
      for (const id of referredIds(each.auth_events)) {
        must(
          room.events.has(id),
          `auth event ${id} of ${room.idOf(each)} is not in send_join's answer`,
        );
      }
    }
    this.rooms.set(roomId, room);
    return room;
  }

  // — Inbound —

  /** Takes a transaction in; PDUs of known rooms become part of them. */
  receive(transaction: JsonObject): JsonObject {
    const results: JsonObject = {};
    for (const pdu of (transaction["pdus"] ?? []) as unknown as Pdu[]) {
      this.pdus.push(pdu);
      const room = this.rooms.get(String(pdu.room_id));
      if (room === undefined) continue;
      const id = room.idOf(pdu);
      void this.wrongWithPdu(pdu, room.version.id).then((wrong) => this.violations.push(...wrong));
      if (referredIds(pdu.prev_events).every((previous) => room.statesAfter.has(previous)))
        room.add(pdu);
      else room.events.set(id, pdu);
      results[id] = {};
    }
    this.edus.push(...((transaction["edus"] ?? []) as JsonObject[]));
    return results;
  }

  /** Waits for an inbound PDU. */
  awaitPdu(what: string, fits: (pdu: Pdu) => boolean, timeoutMs = 15_000): Promise<Pdu> {
    return eventually(`a PDU with ${what}`, async () => this.pdus.findLast(fits), timeoutMs);
  }

  awaitEdu(
    type: string,
    fits: (content: JsonObject) => boolean,
    timeoutMs = 15_000,
  ): Promise<JsonObject> {
    return eventually(
      `an EDU ${type}`,
      async () => {
        const found = this.edus.findLast(
          (edu) => edu["edu_type"] === type && fits(edu["content"] as JsonObject),
        );
        return found?.["content"] as JsonObject | undefined;
      },
      timeoutMs,
    );
  }

  async #respond(raw: RawInbound): Promise<Reply> {
    const url = new URL(raw.url, "https://peer");
    const matched = matchOperation(raw.method, url.pathname);
    if (matched === undefined) {
      return { status: 404, body: { errcode: "M_UNRECOGNIZED", error: `no ${raw.url}` } };
    }
    const body = raw.text === "" ? undefined : (JSON.parse(raw.text) as Json);
    let origin = "";
    if (matched.row.auth === "server-signature") {
      const signed = await this.#verify(raw, body);
      if (typeof signed !== "string") return signed;
      origin = signed;
    }
    this.#noteShape(matched.id, url.searchParams, body);
    const request: Inbound = {
      operation: matched.id,
      path: matched.path,
      query: url.searchParams,
      body,
      origin,
    };
    this.inbound.push(request);
    const answer = this.#answers[matched.id];
    return answer === undefined
      ? { status: 404, body: { errcode: "M_UNRECOGNIZED", error: "not served" } }
      : await answer(request);
  }

  #noteShape(id: OperationId, query: URLSearchParams, body: Json | undefined): void {
    const values = Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name)]));
    const single = Object.fromEntries(
      Object.entries(values).map(([name, all]) => [name, all.length === 1 ? all[0] : all]),
    );
    const wrong = [...validators.query(id, single), ...validators.body(id, body)];
    this.violations.push(...wrong.map((what) => `request ${id}: ${what} in ${show(body)}`));
  }

  async #verify(raw: RawInbound, content: Json | undefined): Promise<string | Reply> {
    const given = parseAuthorization(raw.authorization);
    const keys = await this.subjectKeys();
    const publicKey = keys.get(given?.key ?? "");
    const parts = {
      method: raw.method,
      uri: raw.url,
      origin: given?.origin ?? "",
      destination: this.serverName,
      content,
    };
    const good =
      given !== undefined &&
      publicKey !== undefined &&
      given.origin === this.subject.serverName &&
      (given.destination ?? this.serverName) === this.serverName &&
      signatureIsGood(parts, given, publicKey);
    if (good) return given.origin;
    this.violations.push(`bad signature of ${raw.method} ${raw.url}: ${String(raw.authorization)}`);
    return { status: 401, body: { errcode: "M_UNAUTHORIZED", error: "bad signature" } };
  }
}
