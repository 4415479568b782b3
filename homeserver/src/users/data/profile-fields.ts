import { errors, matrixError } from "../../protocol/errors.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import { isStorable } from "../../protocol/text.ts";
import type { ProfileRow } from "../../storage/users/profiles.ts";
import { plainText } from "../common/text.ts";

/** A whole profile is at most this large as JSON, in bytes. */
const MAX_PROFILE_BYTES = 65_536;
const MAX_KEY_BYTES = 255;
/** Of a display name or avatar, in bytes. */
const MAX_TEXT_BYTES = 1024;
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
 * The profile with one field set, or removed by `undefined`. An empty display name or avatar
 * removes it.
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

/** A profile in the form for clients and servers. */
export function profileObject(profile: ProfileRow): JsonObject {
  const object = JSON.parse(profile.fields) as JsonObject;
  if (profile.displayname !== null) object["displayname"] = profile.displayname;
  if (profile.avatarUrl !== null) object["avatar_url"] = profile.avatarUrl;
  return object;
}

/**
 * A remote user's profile as far as it is valid: names and avatars that are strings, fields whose
 * keys and values fit. The rest is left out; of a profile that is too large, everything except name
 * and avatar.
 */
export function profileFrom(answer: JsonObject): JsonObject {
  const shown: JsonObject = {};
  const { displayname: name, avatar_url: avatar } = answer;
  if (isShortText(name)) shown.displayname = name;
  if (isShortText(avatar) && avatar.startsWith("mxc://")) shown.avatar_url = avatar;
  const whole: JsonObject = { ...shown };
  for (const [key, value] of Object.entries(answer)) {
    if (value === undefined || value === null || !isCustomKey(key)) continue;
    if (!isWellFormedJson(value)) continue;
    if (key !== "m.tz" || isShortText(value)) whole[key] = value;
  }
  return Buffer.byteLength(JSON.stringify(whole)) > MAX_PROFILE_BYTES ? shown : whole;
}

function isShortText(value: Json | undefined): value is string {
  if (typeof value !== "string" || value === "") return false;
  return isStorable(value) && Buffer.byteLength(value) <= MAX_TEXT_BYTES;
}

/**
 * False when a string or key in it contains half a surrogate pair: many JSON parsers fail on that.
 */
function isWellFormedJson(value: Json): boolean {
  // A lone surrogate is written as an escape; after an even number of backslashes it is part of the
  // text.
  return !/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(JSON.stringify(value));
}

function isCustomKey(key: string): boolean {
  return key.length <= MAX_KEY_BYTES && CUSTOM_KEY.test(key);
}

/** A profile with nothing in it. */
export const emptyProfile: ProfileRow = { displayname: null, avatarUrl: null, fields: "{}" };

function displayName(value: Json | undefined): string | null {
  if (value === undefined || value === null || value === "") return null;
  return plainText(value, "displayname", MAX_TEXT_BYTES);
}

function avatarUrl(value: Json | undefined): string | null {
  if (value === undefined || value === null || value === "") return null;
  return plainText(value, "avatar_url", MAX_TEXT_BYTES);
}

function otherFields(stored: string, key: string, value: Json | undefined): string {
  if (key === "m.tz" && value !== undefined) plainText(value, "m.tz", 255);
  const { [key]: _old, ...fields } = JSON.parse(stored) as JsonObject;
  return JSON.stringify(value === undefined ? fields : { ...fields, [key]: value });
}
