/** The verbs in which calls to other servers are written. */
import type { ServerName } from "../../protocol/identifiers.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { AnswerPart } from "../reading/read-parts.ts";
import type { RemoteClient, RemoteRequest } from "./client.ts";
import { uriOf } from "./signed-request.ts";

type Query = Parameters<typeof uriOf>[1];

const FEDERATION = ["_matrix", "federation"] as const;

/** The path of an operation of version 1 of the server-server API. */
export const v1 = (...segments: string[]): string[] => [...FEDERATION, "v1", ...segments];
/** The path of an operation of version 2. */
export const v2 = (...segments: string[]): string[] => [...FEDERATION, "v2", ...segments];

export const USER_WAITS_MS = 30_000;
/** A user is waiting: servers are asked even if they failed recently. */
export const forWaitingUser = { insist: true, timeoutMs: USER_WAITS_MS };
/** The same, for a server named by a user. */
export const named = { ...forWaitingUser, ofStranger: true };

/**
 * The answer to a join of a room with a hundred thousand members contains hundreds of megabytes of
 * state.
 */
export const bulky = { maxBytes: 512 * 1024 * 1024, timeoutMs: 10 * 60_000 };

export type Calls = ReturnType<typeof createCalls>;

export function createCalls(client: RemoteClient) {
  const get = (
    server: ServerName,
    path: string[],
    query?: Query,
    more: Partial<RemoteRequest> = {},
  ) => client.json(server, { method: "GET", uri: uriOf(path, query), ...more });
  const put = (
    server: ServerName,
    path: string[],
    content: JsonObject,
    more: Partial<RemoteRequest> = {},
  ) => client.json(server, { method: "PUT", uri: uriOf(path), content, ...more });
  const post = (
    server: ServerName,
    path: string[],
    content: JsonObject,
    more: Partial<RemoteRequest> = {},
  ) => client.json(server, { method: "POST", uri: uriOf(path), content, ...more });

  /** The lists of an answer, item by item, up to a limit for each; the rest is not read. */
  async function lists(
    server: ServerName,
    request: RemoteRequest,
    max: Readonly<Record<string, number>>,
  ): Promise<JsonObject> {
    const found: Record<string, Json[]> = {};
    const enough = new Error("the rest is not read");
    const take = async (parts: readonly AnswerPart[]): Promise<void> => {
      for (const { key, value } of parts) {
        const bound = Object.hasOwn(max, key) ? max[key]! : 0;
        if (bound === 0) continue;
        const list = (found[key] ??= []);
        if (list.length >= bound) throw enough;
        list.push(value);
      }
    };
    await client.parts(server, request, take).catch((error: unknown) => {
      if (error !== enough) throw error;
    });
    return found;
  }

  const listsAt = (
    server: ServerName,
    path: string[],
    query: Query,
    max: Readonly<Record<string, number>>,
    more: Partial<RemoteRequest>,
  ) => lists(server, { method: "GET", uri: uriOf(path, query), ...more }, max);

  return { get, put, post, lists, listsAt, parts: client.parts };
}
