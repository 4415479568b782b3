import type { ServerName, UserId } from "../protocol/identifiers.ts";
import { isJsonObject, type Json, type JsonObject } from "../protocol/json.ts";
import type { AnswerPart } from "./reading/read-parts.ts";
import { type Calls, v1 } from "./requests/calls.ts";
import { RemoteError } from "./requests/remote-error.ts";
import { uriOf } from "./requests/signed-request.ts";
import type { RemoteKeys } from "./types.ts";

/** A device's keys have about 1,200 bytes. What is much longer is left out where it is checked. */
const DEVICE_BYTES = 512 * 1024;
const LIST_BYTES = 2 * 1024 * 1024;
/** Of an answer about several users. */
const ANSWER_BYTES = 2 * 1024 * 1024;

/** Devices and keys of other servers' users. All throw RemoteError. */
export function keyCalls({ post, parts }: Calls): RemoteKeys {
  return {
    /** GET /_matrix/federation/v1/user/devices/{userId} */
    async userDevices(server, userId, { maxDevices, ...more }) {
      const devices: JsonObject[] = [];
      const rest: Record<string, Json> = {};
      let count = 0;
      const take = async (answered: readonly AnswerPart[]): Promise<void> => {
        for (const { key, value } of answered) {
          if (key !== "devices") {
            if (TOLD.has(key)) rest[key] = value;
            continue;
          }
          count += 1;
          if (count > maxDevices) throw tooMany(server, userId, maxDevices);
          if (isJsonObject(value)) devices.push(value);
        }
      };
      const uri = uriOf(v1("user", "devices", userId));
      const limits = { maxBytes: LIST_BYTES, maxPartBytes: DEVICE_BYTES, mayBeTooLarge: true };
      await parts(server, { method: "GET", uri, ...limits, ...more }, take);
      return { ...rest, devices };
    },

    /** POST /_matrix/federation/v1/user/keys/query: {device_keys, master_keys, self_signing_keys} */
    queryKeys: (server, wanted, more) =>
      post(server, v1("user", "keys", "query"), { device_keys: wanted }, { ...KEYS, ...more }),

    /** POST /_matrix/federation/v1/user/keys/claim: {one_time_keys} */
    claimKeys: (server, wanted, more) =>
      post(server, v1("user", "keys", "claim"), { one_time_keys: wanted }, { ...KEYS, ...more }),
  };
}

const KEYS = { maxBytes: ANSWER_BYTES, mayBeTooLarge: true };
const TOLD: ReadonlySet<string> = new Set([
  ...["user_id", "stream_id", "master_key", "self_signing_key"],
]);

function tooMany(server: ServerName, userId: UserId, max: number): RemoteError {
  const reason = `${server} names more than ${max} devices of ${userId}`;
  return new RemoteError(server, undefined, undefined, reason);
}
