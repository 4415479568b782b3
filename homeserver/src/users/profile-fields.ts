import { errors, matrixError } from "../protocol/errors.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { ProfileRow } from "../storage/profiles.ts";
import { plainText } from "./text.ts";

/** A whole profile is at most this large as JSON, in bytes. */
export const MAX_PROFILE_BYTES = 65_536;
const MAX_KEY_BYTES = 255;
const CUSTOM_KEY = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_-]*)+$/;

/**
 * Checks the name of a profile field. (Client-server API, PUT /profile/{userId}/{keyName}.)
 * @throws MatrixError M_KEY_TOO_LARGE, M_INVALID_PARAM (both 400)
 */
export function parseProfileKey(key: string): string {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw matrixError("M_KEY_TOO_LARGE", `The key is longer than ${MAX_KEY_BYTES} bytes`);
  }
  if (key === "displayname" || key === "avatar_url" || CUSTOM_KEY.test(key)) return key;
  throw errors.invalidParam("Not a key that a profile can have");
}

/**
 * The profile with one field set, or removed by `undefined`. An empty display name or avatar removes it.
 * @throws MatrixError M_INVALID_PARAM, M_PROFILE_TOO_LARGE (both 400)
 */
export function withField(profile: ProfileRow, key: string, value: Json | undefined): ProfileRow {
  const changed = { ...profile };
  if (key === "displayname") changed.displayname = displayName(value);
  else if (key === "avatar_url") changed.avatarUrl = avatarUrl(value);
  else changed.fields = otherFields(profile.fields, key, value);
  if (Buffer.byteLength(JSON.stringify(profileObject(changed))) > MAX_PROFILE_BYTES) {
    throw matrixError("M_PROFILE_TOO_LARGE", "The profile would be larger than 64 KiB");
  }
  return changed;
}

/** A profile as clients and servers are told it. */
export function profileObject(profile: ProfileRow): JsonObject {
  const object = JSON.parse(profile.fields) as JsonObject;
  if (profile.displayname !== null) object["displayname"] = profile.displayname;
  if (profile.avatarUrl !== null) object["avatar_url"] = profile.avatarUrl;
  return object;
}

/** A profile with nothing in it. */
export const emptyProfile: ProfileRow = { displayname: null, avatarUrl: null, fields: "{}" };

function displayName(value: Json | undefined): string | null {
  if (value === undefined || value === null || value === "") return null;
  return plainText(value, "displayname", 1024);
}

function avatarUrl(value: Json | undefined): string | null {
  if (value === undefined || value === null || value === "") return null;
  const url = plainText(value, "avatar_url", 1024);
  if (!url.startsWith("mxc://")) throw errors.invalidParam("avatar_url must be an mxc:// URI");
  return url;
}

function otherFields(stored: string, key: string, value: Json | undefined): string {
  if (key === "m.tz" && value !== undefined) plainText(value, "m.tz", 255);
  const { [key]: _old, ...fields } = JSON.parse(stored) as JsonObject;
  return JSON.stringify(value === undefined ? fields : { ...fields, [key]: value });
}
