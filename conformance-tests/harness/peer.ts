import type {
  OperationId,
  OperationTypes,
  PathParams,
  RequestBody,
  ResponseBody,
} from "@weft/spec";
import { inWords, operationRow, validators, wrongWith } from "./check-answer.ts";
import { pathOf, queryOf, unique } from "./client.ts";
import type { QueryValues } from "./client.ts";
import { contentHash, eventSignatureIsGood, referredIds, serverOf } from "./events.ts";
import type { Pdu } from "./events.ts";
import { createExchange } from "./exchange.ts";
import type { Answer, Exchange } from "./exchange.ts";
import type { Json, JsonObject } from "./json.ts";
import { eventually, must, show } from "./must.ts";
import { defaultAnswers, keyDocument } from "./peer-answers.ts";
import type { Answers } from "./peer-answers.ts";
import { createPeerRoom, PeerRoom } from "./peer-room.ts";
import type { NewPeerRoom } from "./peer-room.ts";
import { listen, matchOperation } from "./peer-server.ts";
import type { Inbound, PeerServer, RawInbound, Reply } from "./peer-server.ts";
import { createSigningKey, verifyJson } from "./signing.ts";
import type { SigningKey } from "./signing.ts";
import type { Subject } from "./subject.ts";
import { authorizationHeader, parseAuthorization, signatureIsGood } from "./x-matrix.ts";

type Typed = OperationId & keyof OperationTypes;

export interface PeerCall<Id extends Typed> {
  readonly path?: PathParams<Id>;
  readonly query?: QueryValues;
  readonly body?: NonNullable<RequestBody<Id>> | Json | object;
  /** In place of the right Authorization header; null sends none. */
  readonly authorization?: string | null;
  /** Signed with, in place of the peer's key. */
  readonly key?: SigningKey;
  /** Claimed in the signature, in place of the right ones. */
  readonly destination?: string;
  readonly origin?: string;
}

export interface ReceivedInvite {
  readonly event: Pdu;
  readonly version: string;
  readonly eventId: string;
}

/**
 * A bare homeserver of its own: keys, signed requests, rooms without rules. It shares no code with any
 * server, so that two implementations check one another.
 */
export class Peer {
  readonly subject: Subject;
  readonly key: SigningKey = createSigningKey();
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
  readonly #exchange: Exchange;
  readonly #subjectKeys = new Map<string, string>();

  private constructor(subject: Subject) {
    this.subject = subject;
    this.#exchange = createExchange(subject.ca);
  }

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

  // — Outbound —

  /** A signed request to the server under test; the answer is held to the specification. */
  async request<Id extends Typed>(id: Id, call: PeerCall<Id> = {}): Promise<Answer> {
    const row = operationRow(id);
    const uri = pathOf(row.path, call.path ?? {}) + queryOf(call.query ?? {});
    const content = call.body as Json | undefined;
    const headers: Record<string, string> = {};
    if (content !== undefined) headers["content-type"] = "application/json";
    const authorization =
      call.authorization === undefined
        ? authorizationHeader(
            {
              method: row.method,
              uri,
              origin: call.origin ?? this.serverName,
              destination: call.destination ?? this.subject.serverName,
              content,
            },
            call.key ?? this.key,
          )
        : call.authorization;
    if (authorization !== null) headers["authorization"] = authorization;
    const answer = await this.#exchange({
      url: `${this.subject.federationUrl}${uri}`,
      method: row.method,
      headers: { ...headers, host: this.subject.serverName },
      body: content === undefined ? undefined : JSON.stringify(content),
    });
    const wrong = wrongWith(id, answer, this.subject.tolerateNulls);
    if (wrong.length === 0) return answer;
    throw new Error(
      `${inWords(id, answer)}\nThe specification disagrees:\n- ${wrong.join("\n- ")}`,
    );
  }

  async call<Id extends Typed>(id: Id, call: PeerCall<Id> = {}): Promise<ResponseBody<Id>> {
    const answer = await this.request(id, call);
    if (answer.status >= 300) throw new Error(inWords(id, answer));
    return answer.body as never;
  }

  /** Sends a transaction; answers with what became of each PDU. */
  async send(pdus: readonly JsonObject[], edus: readonly JsonObject[] = []): Promise<JsonObject> {
    const body = { origin: this.serverName, origin_server_ts: Date.now(), pdus, edus };
    const answer = await this.call("sendTransaction", { path: { txnId: unique("txn") }, body });
    return ((answer as JsonObject)["pdus"] ?? {}) as JsonObject;
  }

  /** Sends PDUs that the server has to take. */
  async sendGood(...pdus: readonly JsonObject[]): Promise<void> {
    const results = await this.send(pdus);
    for (const [id, result] of Object.entries(results)) {
      const { error } = result as { error?: string };
      must(error === undefined, `${id} was refused: ${String(error)}`);
    }
  }

  /** The public keys of the server under test, from itself. */
  async subjectKeys(): Promise<ReadonlyMap<string, string>> {
    if (this.#subjectKeys.size > 0) return this.#subjectKeys;
    const document = (await this.call("getServerKey")) as unknown as JsonObject;
    const keys = document["verify_keys"] as Record<string, { key: string }>;
    for (const [keyId, { key }] of Object.entries(keys)) {
      must(
        verifyJson(document, this.subject.serverName, keyId, key),
        `the key document is not signed with ${keyId}`,
      );
      this.#subjectKeys.set(keyId, key);
    }
    return this.#subjectKeys;
  }

  async #keysOf(server: string): Promise<ReadonlyMap<string, string>> {
    if (server === this.serverName) return new Map([[this.key.keyId, this.key.publicKey]]);
    if (server === this.subject.serverName) return this.subjectKeys();
    // Another peer of this run.
    const url = `https://${server}${operationRow("getServerKey").path}`;
    const { body } = await this.#exchange({ url, method: "GET" });
    const { verify_keys } = body as { verify_keys: Record<string, { key: string }> };
    return new Map(Object.entries(verify_keys).map(([keyId, { key }]) => [keyId, key]));
  }

  /** What is wrong with a PDU as one of the server under test: nothing is an empty list. */
  async wrongWithPdu(pdu: Pdu, version: string): Promise<string[]> {
    const room = this.roomOfVersion(version);
    const wrong: string[] = [];
    const server = room.version.namesEvents ? serverOf(String(pdu.event_id)) : serverOf(pdu.sender);
    const keys = await this.#keysOf(server);
    if (!eventSignatureIsGood(pdu, room.version, server, keys))
      wrong.push(`no good signature of ${server}`);
    if (contentHash(pdu) !== pdu.hashes?.["sha256"]) wrong.push("its content hash is wrong");
    return wrong.map((what) => `${room.idOf(pdu)} (${pdu.type}): ${what}`);
  }

  async mustBeGoodPdus(pdus: readonly Pdu[], version: string): Promise<void> {
    const wrong = (await Promise.all(pdus.map((pdu) => this.wrongWithPdu(pdu, version)))).flat();
    must(wrong.length === 0, wrong.join("\n"));
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
