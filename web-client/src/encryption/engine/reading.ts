import {
  DecryptionErrorCode,
  DecryptionSettings,
  MegolmDecryptionError,
  RoomId,
  ShieldColor,
  ShieldStateCode,
  TrustRequirement,
  type ShieldState,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Content } from "../../api/types.ts";
import { fromBase64 } from "../base64.ts";
import type { Shield, Unreadable } from "../port.ts";
import type { ReadResult, WireEvent } from "../protocol.ts";
import type { Backup } from "./backup.ts";
import type { Core } from "./core.ts";

type Why = Exclude<Shield, { color: "none" }>["why"];

const WHY: Record<ShieldStateCode, Why> = {
  [ShieldStateCode.AuthenticityNotGuaranteed]: "authenticity-not-guaranteed",
  [ShieldStateCode.UnknownDevice]: "unknown-device",
  [ShieldStateCode.UnsignedDevice]: "unsigned-device",
  [ShieldStateCode.UnverifiedIdentity]: "unverified-identity",
  [ShieldStateCode.VerificationViolation]: "verification-violation",
  [ShieldStateCode.MismatchedSender]: "mismatched-sender",
};

function shieldOf(state: ShieldState): Shield {
  if (state.color === ShieldColor.None || state.code === undefined) return { color: "none" };
  return { color: state.color === ShieldColor.Red ? "red" : "grey", why: WHY[state.code] };
}

/**
 * The place in its session that a Megolm message was written at: a byte of version, then the index as the field of
 * number 1 ("Message format" of Megolm). Undefined when it is no such message.
 */
export function indexOf(ciphertext: unknown): number | undefined {
  if (typeof ciphertext !== "string") return undefined;
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(ciphertext.slice(0, 16));
  } catch {
    return undefined;
  }
  if (bytes[0] !== 3 || bytes[1] !== 0x08) return undefined;
  let index = 0;
  for (let at = 2; at < 7; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    index += (byte & 0x7f) * 2 ** (7 * (at - 2));
    if (byte < 0x80) return index;
  }
  return undefined;
}

/** Messages whose place in their session is remembered, so that none is shown twice under two ids. */
const REMEMBERED = 50_000;

/** Decrypts events of rooms, and says why when it cannot. */
export function createReading({ machine }: Core, backup: Backup) {
  const seen = new Map<string, string>();

  /** True when another event was read from the same place of the same session: somebody sends it once more. */
  function isReplay(event: WireEvent, content: Content): boolean {
    const index = indexOf(content["ciphertext"]);
    if (index === undefined) return false;
    const key = `${event.roomId} ${event.sessionId} ${index}`;
    const first = seen.get(key);
    if (first !== undefined) return first !== event.eventId;
    seen.set(key, event.eventId);
    if (seen.size > REMEMBERED) seen.delete(seen.keys().next().value!);
    return false;
  }

  function reason(event: WireEvent, error: MegolmDecryptionError): Unreadable {
    const isMissing =
      error.code === DecryptionErrorCode.MissingRoomKey ||
      error.code === DecryptionErrorCode.UnknownMessageIndex;
    if (isMissing) {
      if (event.isBeforeJoin) return "not-a-member";
      if (error.withheldCode === "m.unverified") return "withheld-unverified";
      if (error.withheldCode !== undefined) return "withheld";
      if (event.sessionId !== undefined) backup.want(event.roomId, event.sessionId);
      if (event.ts > machine.deviceCreationTimeMs) return "key-missing";
      return backup.absence(event.roomId, event.sessionId ?? "");
    }
    switch (error.code) {
      case DecryptionErrorCode.MismatchedIdentityKeys:
      case DecryptionErrorCode.MismatchedSender:
        return "not-the-sender";
      default:
        return "malformed";
    }
  }

  async function read(event: WireEvent): Promise<ReadResult> {
    const { sessionId } = event;
    const settings = new DecryptionSettings(TrustRequirement.Untrusted);
    try {
      const room = new RoomId(event.roomId);
      const decrypted = await machine.decryptRoomEvent(event.json, room, settings);
      const clear = JSON.parse(decrypted.event) as { type?: unknown; content?: unknown };
      const { type, content } = clear;
      const wire = (JSON.parse(event.json) as { content: Content }).content;
      if (typeof type !== "string" || typeof content !== "object" || content === null) {
        return { state: "unreadable", why: "malformed", sessionId };
      }
      if (isReplay(event, wire)) return { state: "unreadable", why: "replayed", sessionId };
      const shield = shieldOf(decrypted.shieldState(false));
      return { state: "readable", type, content: content as Content, shield };
    } catch (error) {
      if (error instanceof MegolmDecryptionError) {
        return { state: "unreadable", why: reason(event, error), sessionId };
      }
      // A dead machine must not pass for a broken event.
      if (error instanceof WebAssembly.RuntimeError) throw error;
      return { state: "unreadable", why: "malformed", sessionId };
    }
  }

  return {
    /** Reads events in their order. */
    async read(events: readonly WireEvent[]): Promise<ReadResult[]> {
      const results: ReadResult[] = [];
      for (const event of events) results.push(await read(event));
      return results;
    },

    async shield(event: WireEvent): Promise<Shield> {
      const info = await machine.getRoomEventEncryptionInfo(event.json, new RoomId(event.roomId));
      return shieldOf(info.shieldState(false));
    },
  };
}
