import type {
  OperationId,
  OperationTypes,
  PathParams,
  RequestBody,
  ResponseBody,
} from "@weft/spec";
import { inWords, operationRow, wrongWith } from "./check-answer.ts";
import { pathOf, queryOf, unique } from "./client.ts";
import type { QueryValues } from "./client.ts";
import { contentHash, eventIdOf, eventSignatureIsGood, serverOf } from "./events.ts";
import type { Pdu } from "./events.ts";
import { createExchange } from "./exchange.ts";
import type { Answer, Exchange } from "./exchange.ts";
import type { Json, JsonObject } from "./json.ts";
import { must } from "./must.ts";
import { roomVersion } from "./room-versions.ts";
import { createSigningKey, verifyJson } from "./signing.ts";
import type { SigningKey } from "./signing.ts";
import type { Subject } from "./subject.ts";
import { authorizationHeader } from "./x-matrix.ts";

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

/** What a peer asks of the server under test, and how it proves what it is told. */
export abstract class PeerCalls {
  readonly subject: Subject;
  readonly key: SigningKey = createSigningKey();
  readonly #exchange: Exchange;
  readonly #subjectKeys = new Map<string, string>();

  constructor(subject: Subject) {
    this.subject = subject;
    this.#exchange = createExchange(subject.ca);
  }

  abstract get serverName(): string;

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
    const rules = roomVersion(version);
    const wrong: string[] = [];
    const server = rules.namesEvents ? serverOf(String(pdu.event_id)) : serverOf(pdu.sender);
    const keys = await this.#keysOf(server);
    if (!eventSignatureIsGood(pdu, rules, server, keys))
      wrong.push(`no good signature of ${server}`);
    if (contentHash(pdu) !== pdu.hashes?.["sha256"]) wrong.push("its content hash is wrong");
    return wrong.map((what) => `${eventIdOf(pdu, rules)} (${pdu.type}): ${what}`);
  }

  async mustBeGoodPdus(pdus: readonly Pdu[], version: string): Promise<void> {
    const wrong = (await Promise.all(pdus.map((pdu) => this.wrongWithPdu(pdu, version)))).flat();
    must(wrong.length === 0, wrong.join("\n"));
  }
}
