import { isUserId } from "../protocol/identifiers.ts";
import { isJsonObject } from "../protocol/json.ts";
import type { SignedInvite } from "./types.ts";

const MAX_TOKEN = 255;

/** Whether it has the shape of an identity server's signed word; whose signature it is shows later. */
export function isSigned(value: unknown): value is SignedInvite {
  if (!isJsonObject(value)) return false;
  const { mxid, token, signatures } = value;
  return (
    isUserId(mxid) &&
    typeof token === "string" &&
    token.length > 0 &&
    token.length <= MAX_TOKEN &&
    isJsonObject(signatures)
  );
}
