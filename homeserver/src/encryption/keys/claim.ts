import type { RemoteKeys } from "../../federation-client/types.ts";
import { fitsIdLength, type ServerName, serverOf } from "../../protocol/identifiers.ts";
import { canonicalJson, isJsonObject, type Json, JsonError } from "../../protocol/json.ts";
import { isDeeperThan, MAX_REQUEST_NESTING } from "../../protocol/json/json-value.ts";
import { signatureOf } from "../../protocol/signed-json.ts";
import type { KeyClaims } from "../../users/keys/claims.ts";
import type { ClaimedKey, WantedKey } from "../../users/keys/types.ts";
import type { RemoteLists } from "../device-lists/remote-lists.ts";
import { type ServerPoll, waitOf } from "./ask-servers.ts";
import type { EncryptionKeys, KeyClaim } from "./types.ts";

/** A one-time key with its signature, UTF-16 units of JSON. */
const MAX_KEY = 4_096;

export interface KeyClaimDeps {
  readonly localKeys: KeyClaims;
  readonly remote: Pick<RemoteKeys, "claimKeys">;
  readonly lists: Pick<RemoteLists, "look">;
  readonly poll: ServerPoll;
  readonly serverName: ServerName;
  readonly signal: AbortSignal;
}

/** POST /keys/claim over all servers. */
export function createKeyClaim(deps: KeyClaimDeps): EncryptionKeys["claim"] {
  const { localKeys, remote, lists, poll, serverName, signal } = deps;

  return async ({ wanted, timeoutMs }) => {
    const all = wantedKeys(wanted);
    const ours = all.filter(({ userId }) => serverOf(userId) === serverName);
    const others = all.filter(({ userId }) => serverOf(userId) !== serverName);
    const byServer = Map.groupBy(others, ({ userId }) => serverOf(userId));
    const known = await lists.look([...new Set(others.map(({ userId }) => userId))]);
    const shared = [...known].filter(([, { isShared }]) => isShared);
    const options = { timeoutMs, known: new Set(shared.map(([userId]) => serverOf(userId))) };
    const told: ClaimedKey[] = [];
    const [claimed, failures] = await Promise.all([
      localKeys.claim(ours),
      poll.ask(byServer.keys(), options, async (server) => {
        const keys = byServer.get(server)!;
        const asked = Object.fromEntries(keys.map(({ userId }) => [userId, wanted.get(userId)!]));
        const ofStranger = !options.known.has(server);
        const wait = { timeoutMs: waitOf(timeoutMs), signal, ofStranger };
        const { one_time_keys: answer } = await remote.claimKeys(server, asked, wait);
        for (const one of keys) told.push(...claimedIn(answer, one));
      }),
    ]);
    return { keys: [...claimed, ...told], failures };
  };
}

/** The keys that are wanted, one by one. */
export function wantedKeys(wanted: KeyClaim["wanted"]): WantedKey[] {
  return [...wanted].flatMap(([userId, devices]) =>
    Object.entries(devices).map(([deviceId, algorithm]) => ({ userId, deviceId, algorithm })),
  );
}

/** A key that was asked for, if the answer has it. */
function claimedIn(answer: Json | undefined, wanted: WantedKey): ClaimedKey[] {
  const named = memberOf(memberOf(answer, wanted.userId), wanted.deviceId);
  if (!isJsonObject(named)) return [];
  for (const [name, key] of Object.entries(named)) {
    const text = textOf(name, key ?? null, wanted);
    if (text !== undefined) return [{ ...wanted, name, text }];
  }
  return [];
}

/** JSON of a key of that algorithm; undefined when it is none. Clients verify its signature. */
function textOf(
  name: string,
  key: Json,
  { userId, deviceId, algorithm }: WantedKey,
): string | undefined {
  if (!name.startsWith(`${algorithm}:`) || !fitsIdLength(name)) return undefined;
  const isSigned = algorithm.startsWith("signed_");
  if (!isJsonObject(key)) return typeof key === "string" && !isSigned ? shortText(key) : undefined;
  if (typeof key.key !== "string") return undefined;
  const signature = signatureOf(key.signatures, userId, `ed25519:${deviceId}`);
  return isSigned && signature === undefined ? undefined : shortText(key);
}

function shortText(key: Json): string | undefined {
  if (isDeeperThan(key, MAX_REQUEST_NESTING)) return undefined;
  try {
    const text = canonicalJson(key);
    return text.length <= MAX_KEY ? text : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function memberOf(object: Json | undefined, name: string): Json | undefined {
  return isJsonObject(object) && Object.hasOwn(object, name) ? object[name] : undefined;
}
