/** What somebody may try to do in a room, at random: everything is decided by `choose`. */
import { signingKeyFromSeed } from "../../../src/protocol/crypto.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { RoomVersion } from "../../../src/protocol/room-versions.ts";
import { signJson } from "../../../src/protocol/signed-json.ts";

/** An integer from 0 to n - 1. */
export type Choose = (n: number) => number;

export interface Move {
  readonly type: string;
  readonly stateKey?: string;
  readonly sender: string;
  readonly content: JsonObject;
  /** Of a redaction. */
  readonly redacts?: string;
}

const JOIN_RULES = ["public", "public", "invite", "knock", "restricted", "knock_restricted", "odd"];
const LEVELS = [0, 25, 50, 75, 100];
/** What stands for a level up to version 9. */
const OLD_LEVELS = ["50", " 75 ", "100"];
const IDENTITY_SERVER = signingKeyFromSeed("ed25519:0", Buffer.alloc(32, "identity"));
const SIGNED_INVITES = new Map<string, JsonObject>();

export class Moves {
  readonly #version: RoomVersion;
  readonly #users: readonly string[];
  readonly #choose: Choose;
  #serial = 0;

  constructor(version: RoomVersion, users: readonly string[], choose: Choose) {
    this.#version = version;
    this.#users = users;
    this.#choose = choose;
  }

  /** The content of m.room.create, by the first of the users. */
  create(): JsonObject {
    const [founder, ...others] = this.#users;
    const { id, creatorInContent, privilegedCreators } = this.#version;
    const content: JsonObject = { room_version: id };
    if (creatorInContent) content.creator = founder!;
    if (privilegedCreators && this.#chance(3)) {
      content.additional_creators = [this.#pick(others)];
    }
    if (this.#chance(16)) content["m.federate"] = false;
    return content;
  }

  /** The first levels: two of the others have power. */
  firstLevels(creators: readonly string[]): JsonObject {
    const [founder, second, third] = this.#users;
    const users: JsonObject = { [founder!]: 100, [second!]: 100, [third ?? second!]: 50 };
    if (this.#version.privilegedCreators) for (const creator of creators) delete users[creator];
    return { users };
  }

  /** `redactable`: events that a redaction may name. */
  any(sender: string, creators: readonly string[], redactable: readonly string[]): Move {
    const target = this.#pick(this.#users);
    switch (this.#choose(16)) {
      case 0:
      case 1:
        return member(sender, sender, "join", this.#voucher());
      case 2:
        return member(sender, target, "invite");
      case 3:
        return member(sender, sender, this.#chance(2) ? "leave" : "knock");
      case 4:
        return member(sender, target, "leave");
      case 5:
        return member(sender, target, "ban");
      case 6:
      case 7:
      case 8:
        return { ...stateMove("m.room.power_levels", sender), content: this.#levels(creators) };
      case 9:
        return {
          ...stateMove("m.room.join_rules", sender),
          content: { join_rule: this.#pick(JOIN_RULES) },
        };
      case 10:
        return this.#chance(2) ? offer(sender) : claim(sender, target);
      case 11:
        return this.#redaction(sender, redactable);
      case 12:
        return this.#aliasesOrOwn(sender);
      case 13:
      case 14:
        return {
          ...stateMove("m.room.topic", sender),
          content: { topic: `${this.#serial++}` },
        };
      default:
        return { type: "m.room.message", sender, content: { n: this.#serial++ } };
    }
  }

  #redaction(sender: string, redactable: readonly string[]): Move {
    const redacts = redactable.length > 0 ? this.#pick(redactable) : "$nothing:nowhere";
    const content: JsonObject = { n: this.#serial++ };
    if (this.#version.redactsInContent) content.redacts = redacts;
    return { type: "m.room.redaction", sender, content, redacts };
  }

  #aliasesOrOwn(sender: string): Move {
    const server = sender.slice(sender.indexOf(":") + 1);
    const [type, stateKey] = this.#chance(2)
      ? ["m.room.aliases", server]
      : ["org.example.own", sender];
    return { type, stateKey, sender, content: { n: this.#serial++ } };
  }

  #voucher(): JsonObject {
    if (!this.#chance(3)) return {};
    return { join_authorised_via_users_server: this.#pick(this.#users) };
  }

  #levels(creators: readonly string[]): JsonObject {
    const users: JsonObject = {};
    for (const user of this.#users) {
      const isPrivileged = this.#version.privilegedCreators && creators.includes(user);
      if ((!isPrivileged || this.#chance(30)) && !this.#chance(3)) users[user] = this.#level();
    }
    const content: JsonObject = { users };
    for (const name of ["ban", "kick", "invite", "redact"]) {
      if (this.#chance(4)) content[name] = this.#level();
    }
    for (const name of ["state_default", "events_default", "users_default"]) {
      if (this.#chance(6)) content[name] = this.#level();
    }
    if (this.#chance(4)) content.events = { "m.room.topic": this.#level() };
    if (this.#chance(4)) content.notifications = { room: this.#level() };
    return content;
  }

  #level(): number | string {
    return this.#chance(12) ? this.#pick(OLD_LEVELS) : this.#pick(LEVELS);
  }

  /** One time in n. */
  #chance(n: number): boolean {
    return this.#choose(n) === 0;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#choose(items.length)]!;
  }
}

export function member(
  sender: string,
  target: string,
  membership: string,
  more?: JsonObject,
): Move {
  const content = { membership, ...more };
  return { type: "m.room.member", stateKey: target, sender, content };
}

export function stateMove(type: string, sender: string) {
  return { type, stateKey: "", sender };
}

/** An invitation of somebody known by an address only. */
function offer(sender: string): Move {
  const content = { public_key: IDENTITY_SERVER.publicKeyBase64, display_name: "somebody" };
  return { type: "m.room.third_party_invite", stateKey: "token", sender, content };
}

/** Its claim. */
function claim(sender: string, target: string): Move {
  let signed = SIGNED_INVITES.get(target);
  if (signed === undefined) {
    signed = signJson({ mxid: target, token: "token" }, "identity", IDENTITY_SERVER);
    SIGNED_INVITES.set(target, signed);
  }
  return member(sender, target, "invite", { third_party_invite: { signed } });
}
