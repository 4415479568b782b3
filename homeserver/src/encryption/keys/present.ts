/** Keys as clients and other servers get them. */
import { isUserId, type UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { ClaimedKey, KeyTextsOfUsers } from "../../users/keys/types.ts";
import type { Failures, QueryAnswer } from "./types.ts";

/** Entries by user; what is no user's is left out. */
export function byUser<T>(entries: Readonly<Record<string, T>>): Map<UserId, T> {
  return new Map(
    Object.entries(entries).filter((entry): entry is [UserId, T] => isUserId(entry[0])),
  );
}

/** JSON of what other servers get in answer to a query. */
export function presentKeys(keys: KeyTextsOfUsers): string {
  return `{${openKeys(keys)}}`;
}

/** JSON of what clients get in answer to a query. */
export function presentAnswer(answer: QueryAnswer): string {
  const own = objectText(answer.userSigningKeys);
  const failures = JSON.stringify(presentFailures(answer.failures));
  return `{${openKeys(answer)},"user_signing_keys":${own},"failures":${failures}}`;
}

/** What anybody may see, as members of an object. */
function openKeys({ deviceKeys, masterKeys, selfSigningKeys }: KeyTextsOfUsers): string {
  const devices = [...deviceKeys].map(([userId, own]): [string, string] => [
    userId,
    objectText(own),
  ]);
  const [masters, selfSigning] = [objectText(masterKeys), objectText(selfSigningKeys)];
  return `"device_keys":${objectText(devices)},"master_keys":${masters},"self_signing_keys":${selfSigning}`;
}

/** Servers that did not answer. */
export function presentFailures(failures: Failures): JsonObject {
  return Object.fromEntries([...failures].map(([server, error]) => [server, error.toJSON()]));
}

function objectText(members: Iterable<readonly [string, string]>): string {
  const texts = [...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `{${texts.join(",")}}`;
}

/** JSON of claimed keys by user, device and name; a key's text is what the device uploaded. */
export function presentClaimed(claimed: readonly ClaimedKey[]): string {
  const users = [...Map.groupBy(claimed, ({ userId }) => userId)].map(
    ([userId, keys]): [string, string] => {
      const devices = keys.map(({ deviceId, name, text }): [string, string] => [
        deviceId,
        objectText([[name, text]]),
      ]);
      return [userId, objectText(devices)];
    },
  );
  return objectText(users);
}
