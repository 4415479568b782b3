/** Registration files of application services. (Application service API, "Registration".) */
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { isUserId, type ServerName, type UserId } from "../protocol/identifiers.ts";
import { hashSecret } from "../users/common/secrets.ts";
import { compileNamespaces, type Namespace, type NamespaceList } from "./namespaces.ts";

export interface Registration {
  /** Name of its file. */
  readonly file: string;
  readonly id: string;
  /** Where it is asked and told, without a slash at the end; undefined: nowhere. */
  readonly url: string | undefined;
  readonly asToken: string;
  readonly hsToken: string;
  /** SHA-256 of its `as_token`. */
  readonly tokenHash: Buffer;
  /** The user that it acts as unless it says otherwise. */
  readonly sender: UserId;
  readonly users: NamespaceList;
  readonly aliases: NamespaceList;
  readonly rooms: NamespaceList;
  readonly protocols: readonly string[];
  /** Whether the requests of its users are limited; those of its sender never are. */
  readonly isRateLimited: boolean;
  /** Names of the member of transactions in which it wants typing, receipts and presence; none. */
  readonly ephemeralKeys: readonly string[];
  /** Whether it wants changes of device lists, and counts of keys. (MSC3202.) */
  readonly wantsDevices: boolean;
  /** Says whether two files mean the same. */
  readonly fingerprint: string;
}

/** A registration that cannot be used. The message is one line that names the file and the key. */
export class RegistrationError extends Error {
  override readonly name = "RegistrationError";
}

const TOKEN = { type: "string", minLength: 1, pattern: "^[\\x21-\\x7e]+$" } as const;
const NAMESPACES = {
  type: ["array", "null"],
  items: {
    type: "object",
    required: ["regex", "exclusive"],
    properties: { regex: { type: "string" }, exclusive: { type: "boolean" } },
    additionalProperties: false,
  },
} as const;
const FLAG = { type: "boolean" } as const;

/** Proposals' names of members that have no other. */
const OLD_EPHEMERAL = "de.sorunome.msc2409.push_ephemeral";
const SCHEMA = {
  type: "object",
  required: ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces"],
  properties: {
    id: { type: "string", minLength: 1, pattern: "^[^\\u0000]+$" },
    url: { type: ["string", "null"] },
    as_token: TOKEN,
    hs_token: TOKEN,
    sender_localpart: { type: "string" },
    namespaces: {
      type: "object",
      properties: { users: NAMESPACES, aliases: NAMESPACES, rooms: NAMESPACES },
      additionalProperties: false,
    },
    rate_limited: FLAG,
    receive_ephemeral: FLAG,
    protocols: { type: ["array", "null"], items: { type: "string", minLength: 1 } },
    [OLD_EPHEMERAL]: FLAG,
    push_ephemeral: FLAG,
    "org.matrix.msc3202": FLAG,
    // What these two ask for is so for every service.
    "io.element.msc4190": FLAG,
    "org.matrix.msc3905": FLAG,
  },
  additionalProperties: false,
} as const;

interface Written {
  readonly id: string;
  readonly url: string | null;
  readonly as_token: string;
  readonly hs_token: string;
  readonly sender_localpart: string;
  readonly namespaces: Readonly<
    Record<"users" | "aliases" | "rooms", readonly Namespace[] | null | undefined>
  >;
  readonly rate_limited?: boolean;
  readonly receive_ephemeral?: boolean;
  readonly push_ephemeral?: boolean;
  readonly [OLD_EPHEMERAL]?: boolean;
  readonly "org.matrix.msc3202"?: boolean;
  readonly protocols?: readonly string[] | null;
}

const validate = new Ajv2020({ strict: false }).compile(SCHEMA);

/** Reads one file's text. @throws RegistrationError */
export function parseRegistration(
  file: string,
  text: string,
  serverName: ServerName,
): Registration {
  const wrong = (key: string, why: string) => new RegistrationError(`${file}: ${key}${why}`);
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw wrong("", `is no YAML (${(error as Error).message.split("\n")[0]})`);
  }
  if (!validate(value)) throw wrong("", problemOf(validate.errors?.[0]));
  const written = value as Written;
  const namespaces = (key: keyof Written["namespaces"]) => {
    try {
      return compileNamespaces(written.namespaces[key] ?? []);
    } catch (error) {
      const reason = ((error as Error).cause as Error | undefined)?.message ?? "";
      throw wrong(`namespaces.${key}`, `${(error as Error).message} (${reason})`);
    }
  };
  const sender = `@${written.sender_localpart}:${serverName}`;
  if (written.sender_localpart.includes(":") || !isUserId(sender)) {
    throw wrong("sender_localpart: ", `@…:${serverName} with it is no user id`);
  }
  const url = urlOf(written.url);
  if (url === "wrong")
    throw wrong("url: ", "write an http or https address without a query, or null");
  const isOld = written[OLD_EPHEMERAL] ?? written.push_ephemeral ?? false;
  return {
    ...{ file, id: written.id, url, sender },
    ...{ asToken: written.as_token, hsToken: written.hs_token },
    tokenHash: hashSecret(written.as_token),
    users: namespaces("users"),
    aliases: namespaces("aliases"),
    rooms: namespaces("rooms"),
    protocols: [...new Set(written.protocols ?? [])],
    isRateLimited: written.rate_limited ?? true,
    ephemeralKeys: [
      ...(written.receive_ephemeral === true ? ["ephemeral"] : []),
      ...(isOld ? ["de.sorunome.msc2409.ephemeral"] : []),
    ],
    wantsDevices: written["org.matrix.msc3202"] ?? false,
    fingerprint: JSON.stringify(written),
  };
}

/** Undefined: it has none. */
function urlOf(written: string | null): string | undefined {
  if (written === null || written === "") return undefined;
  const url = URL.parse(written);
  const isPlain = url !== null && url.search === "" && url.hash === "";
  if (!isPlain || !/^https?:$/.test(url.protocol) || url.hostname === "") return "wrong";
  return url.href.replace(/(?<!\/)\/+$/, "");
}

/** "namespaces.users.0.exclusive: must be boolean", and what to write. */
function problemOf(error: ErrorObject | undefined): string {
  const where = (error?.instancePath ?? "").slice(1).replaceAll("/", ".");
  const place = (name: unknown) => [where, String(name)].filter(Boolean).join(".");
  if (error?.keyword === "additionalProperties") {
    return `${place(error.params["additionalProperty"])}: is no key of a registration`;
  }
  if (error?.keyword === "required") {
    return `${place(error.params["missingProperty"])}: is missing; url may be null, a list []`;
  }
  return `${where === "" ? "it" : `${where}:`} ${error?.message ?? "is not valid"}`;
}
