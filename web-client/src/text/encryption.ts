import { msg, str } from "@lit/localize";
import type {
  EncryptionProblem,
  Shield,
  Unreadable,
  UserTrust,
  VerificationEnd,
} from "../encryption/port.ts";

/** What went wrong with encryption, and what helps. */
export function explainEncryption(problem: EncryptionProblem): string {
  switch (problem) {
    case "unavailable":
      return msg(
        "Encryption does not work in this browser window. Reload it, or use another browser.",
      );
    case "wrong-key":
      return msg("This key or passphrase does not fit. Check it and try again.");
    case "malformed-key":
      return msg("This is not a recovery key: a character is wrong or missing.");
    case "nothing-to-unlock":
      return msg("There is no backup that this opens.");
    case "keys-missing":
      return msg("This device has to be verified first.");
    case "bad-key-file":
      return msg("The passphrase is wrong, or this is not a file of exported keys.");
    case "unknown-algorithm":
      return msg("This room is encrypted in a way that Weft does not know.");
    case "identity-changed":
      return msg("Somebody’s identity has changed. Decide about it first; then it is sent.");
    case "verification-over":
      return msg("This verification has ended. Start it again.");
    case "wrong-code":
      return msg("This is not the code of the other device. Scan the one that it shows now.");
  }
}

/** Why there is no encryption on this device now, and what helps. `problem` is what the engine or the browser said. */
export function whyNoEncryption(problem: string): string {
  if (/quota|no space|disk|full/i.test(problem)) {
    return msg("There is no room left on this machine to keep keys. Free some, then try again.");
  }
  if (/webassembly|wasm/i.test(problem)) {
    return msg(
      "This browser does not run WebAssembly here. A lockdown mode, an extension or a setting may forbid it: allow it for this page, or use another browser.",
    );
  }
  if (/indexeddb|database|SecurityError|InvalidStateError|storage|lacks/i.test(problem)) {
    return msg(
      "This browser keeps no keys for this page. Leave its private mode, or allow the page to keep data.",
    );
  }
  return msg("Try again or reload the page; if that does not help, use another browser.");
}

/** What can be done about a message that cannot be read. */
export type UnreadableHelp = "verify" | "retry" | undefined;

/** Why a message cannot be read, and what the person can do about it. */
export function whyUnreadable(why: Unreadable): { text: string; help: UnreadableHelp } {
  switch (why) {
    case "key-missing":
      return { text: msg("Waiting for the key to this message…"), help: "retry" };
    case "before-this-device":
      return {
        text: msg("Sent before you signed in here. Verify this device to read it."),
        help: "verify",
      };
    case "no-backup":
      return {
        text: msg("Sent before you signed in here, and there is no backup."),
        help: undefined,
      };
    case "not-in-backup":
      return {
        text: msg("Sent before you signed in here, and its key is not in your backup."),
        help: "retry",
      };
    case "not-a-member":
      return { text: msg("Sent when you were not in this room."), help: undefined };
    case "withheld-unverified":
      return {
        text: msg("The sender shares messages with verified devices only, and this one is not."),
        help: "verify",
      };
    case "withheld":
      return {
        text: msg("The sender has not shared this message with this device."),
        help: undefined,
      };
    case "replayed":
      return { text: msg("An earlier message, sent once more by somebody."), help: undefined };
    case "not-the-sender":
      return {
        text: msg("This message was not encrypted by the person it claims to be from."),
        help: undefined,
      };
    default:
      return {
        text: msg("This message is damaged, or of a kind that Weft does not know."),
        help: undefined,
      };
  }
}

type Warning = Exclude<Shield, { color: "none" }>;

/** What a shield on a message says: a title and a sentence. `name` is the sender's. */
export function shieldWords(shield: Warning, name: string): { title: string; text: string } {
  switch (shield.why) {
    case "authenticity-not-guaranteed":
      return {
        title: msg("Sender not confirmed"),
        text: msg(
          str`The key to this message came from a backup or another device, so it is not certain that ${name} sent it.`,
        ),
      };
    case "unknown-device":
      return {
        title: msg("Unknown device"),
        text: msg(str`Sent from a device that ${name} has deleted or that is not known.`),
      };
    case "unsigned-device":
      return {
        title: msg("Unverified device"),
        text: msg(
          str`Sent from a device that ${name} has not verified. Anyone with the password could have signed in there.`,
        ),
      };
    case "unverified-identity":
      return {
        title: msg("Not verified"),
        text: msg(str`You have not verified ${name} yet.`),
      };
    case "verification-violation":
      return {
        title: msg("Identity changed"),
        text: msg(
          str`You had verified ${name}, but their identity has changed since. They may have set up encryption again, or somebody may be posing as them.`,
        ),
      };
    case "mismatched-sender":
      return {
        title: msg("Not from this sender"),
        text: msg(str`The key to this message does not belong to ${name}. Do not trust it.`),
      };
    case "sent-open":
      return {
        title: msg("Not encrypted"),
        text: msg(str`This message was sent without encryption, though the room is encrypted.`),
      };
  }
}

/** In a word or two how far somebody is verified; "" where there is nothing to say. */
export function trustLabel(trust: UserTrust): string {
  switch (trust) {
    case "verified":
      return msg("Verified");
    case "unverified":
      return msg("Not verified");
    case "changed":
    case "violated":
      return msg("Identity changed");
    case "none":
      return msg("No encryption set up");
    case "unknown":
      return "";
  }
}

/** What it means that someone's identity is another one now. */
export function changedWords(name: string, wasVerified: boolean): string {
  return wasVerified
    ? msg(
        str`You had verified ${name}, but their identity has changed. Nothing is sent here until you decide.`,
      )
    : msg(str`${name}’s identity has changed, perhaps because they set up encryption again.`);
}

/** Why a verification ended, for the person; `name` is the other side's. */
export function endWords({ code, byUs }: VerificationEnd, name: string): string {
  switch (code) {
    case "m.user":
      return byUs
        ? msg("You stopped the verification.")
        : msg(str`${name} stopped the verification.`);
    case "m.timeout":
      return msg("The verification took too long and has ended.");
    case "m.accepted":
      return msg("The verification goes on on another device.");
    case "m.mismatched_sas":
    case "m.mismatched_commitment":
      return msg(
        "The two sides do not match. Somebody may be listening in, so nothing was verified. Try again over another connection.",
      );
    case "m.key_mismatch":
    case "m.user_mismatch":
      return msg(
        "The keys are not those of the other side. Somebody may be listening in, so nothing was verified.",
      );
    case "m.unknown_method":
    case "m.unknown_transaction":
    case "m.unexpected_message":
    case "m.invalid_message":
      return msg("The two apps did not understand each other. Try again.");
    default:
      return msg("The verification was stopped.");
  }
}
