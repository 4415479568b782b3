/**
 * The configuration's JSON Schema (2020-12). Each key is a key of the YAML file and an environment
 * variable: `server_name` is WEFT_SERVER_NAME. `x-mend` says how to correct a bad value.
 */

import { auditSettings } from "./audit-settings.ts";
import { limitSettings } from "./limit-settings.ts";
import { retentionSettings } from "./retention-settings.ts";
import type { Setting } from "./setting.ts";
import { mediaSettings } from "./media-schema.ts";
import { DEFAULT_ROOM_VERSION, ROOM_VERSION_IDS } from "../protocol/room-versions.ts";

const LISTEN = "^(\\[[0-9a-fA-F:.]+\\]|[^\\s:\\[\\]/]*):\\d{1,5}$";
const SERVER_NAME = "^(\\[[0-9a-fA-F:.]{2,45}\\]|[0-9A-Za-z.-]{1,230})(:\\d{1,5})?$";

export const settings = {
  server_name: {
    type: "string",
    description:
      "The name in user and room identifiers, as in @user:name. It cannot be changed once there are users.",
    default: "localhost",
    pattern: SERVER_NAME,
    "x-mend": "a host name, optionally with a port, such as example.org or localhost:8448",
  },
  data_dir: {
    type: "string",
    description: "The folder of the embedded database, the media and the signing key.",
    default: "./data",
    minLength: 1,
    "x-mend": "the path of a folder that this user may write to",
  },
  listen: {
    type: "string",
    description: "Where plain HTTP is served: every API and the web client.",
    default: "127.0.0.1:8008",
    pattern: LISTEN,
    "x-mend": "an address and a port, such as 127.0.0.1:8008, 0.0.0.0:8008 or [::]:8008",
  },
  federation_listen: {
    type: "string",
    description:
      "Where HTTPS is served for other servers; needs tls_cert and tls_key. Leave it out to be off.",
    pattern: LISTEN,
    "x-mend": "an address and a port, such as 0.0.0.0:8448, together with tls_cert and tls_key",
  },
  tls_cert: {
    type: "string",
    description: "PEM file with the certificate chain for federation_listen, reloaded on change.",
    minLength: 1,
    "x-mend": "the path of a readable PEM file with the certificate chain",
  },
  tls_key: {
    type: "string",
    description: "PEM file with the private key for federation_listen, reloaded on change.",
    minLength: 1,
    "x-mend": "the path of a readable PEM file with the private key",
  },
  federation_ca: {
    type: "string",
    description: "PEM file of further certificate authorities trusted when calling other servers.",
    minLength: 1,
    "x-mend": "the path of a readable PEM file with certificates",
  },
  federation_allow_private: {
    type: "boolean",
    description:
      "Let federation, URL previews and push reach private and loopback addresses. For tests and closed networks.",
    default: false,
    "x-mend": "true or false",
  },
  public_base_url: {
    type: "string",
    description: "The address that clients are told. When left out it follows from listen.",
    pattern: "^https?://[^\\s/?#]+(/[^\\s?#]*)?$",
    "x-mend": "an http or https address, such as https://matrix.example.org",
  },
  database_url: {
    type: "string",
    description: "The PostgreSQL to use. When left out, an embedded one runs in data_dir.",
    pattern: "^postgres(ql)?://",
    "x-mend": "an address such as postgres://user:password@host:5432/weft",
    "x-also-env": "DATABASE_URL",
  },
  redis_url: {
    type: "string",
    description: "The Redis between several replicas. When left out, one replica works in memory.",
    pattern: "^(rediss?|redis\\+unix|unix)://",
    "x-mend": "an address such as redis://host:6379",
    "x-also-env": "REDIS_URL",
  },
  registration: {
    type: "string",
    description:
      "Who may register: open (anybody), token (whoever has a registration token) or closed.",
    default: "token",
    enum: ["open", "token", "closed"],
    "x-mend": "open, token or closed",
    "x-live": true,
  },
  registration_shared_secret: {
    type: "string",
    description:
      "Enables /_synapse/admin/v1/register, by which tools that know this secret create users.",
    minLength: 1,
    "x-mend": "a long random text",
    "x-live": true,
  },
  sign_in_file: {
    type: "string",
    description:
      "A JSON or YAML file about further ways to register and sign in: providers of single sign-on, JSON Web Tokens, terms, puzzles. See docs/sign-in.md.",
    minLength: 1,
    "x-mend": "the path of a readable file as docs/sign-in.md describes it",
  },
  password_min_length: {
    type: "integer",
    description: "How many characters a password that a user chooses has at least.",
    default: 8,
    minimum: 1,
    maximum: 128,
    "x-mend": "a number from 1 to 128",
    "x-live": true,
  },
  registration_email: {
    type: "string",
    description:
      "Whether whoever registers may give an e-mail address (optional), or has to (required). Needs smtp_url.",
    default: "optional",
    enum: ["optional", "required"],
    "x-mend": "optional or required",
    "x-live": true,
  },
  smtp_url: {
    type: "string",
    description:
      "The mail server that sends e-mail: smtp://user:password@host:587 (encrypted by STARTTLS; with ?tls=off not), or smtps://. Needs smtp_from. Leave it out to send none.",
    pattern: "^smtps?://[^\\s/?#]+/?([?]tls=off)?$",
    "x-mend": "an address such as smtp://user:password@mail.example.org:587",
  },
  smtp_from: {
    type: "string",
    description: "Whom e-mail comes from, such as Example <chat@example.org>.",
    pattern: '^([^<>@"\\r\\n]{1,100} <[^\\s<>@]+@[^\\s<>@]+>|[^\\s<>@]+@[^\\s<>@]+)$',
    "x-mend": "an address such as chat@example.org or Example <chat@example.org>",
  },
  rate_limits: {
    type: "string",
    description: "Whether clients that ask too often are slowed down.",
    default: "on",
    enum: ["on", "off"],
    "x-mend": "on or off",
    "x-live": true,
  },
  trusted_proxies: {
    type: "array",
    description:
      "Proxies whose X-Forwarded-For is believed: addresses or networks. By default those of this machine.",
    default: ["127.0.0.0/8", "::1"],
    items: { type: "string", pattern: "^[0-9A-Fa-f:.]+(/\\d{1,3})?$" },
    "x-mend": "addresses or networks such as 10.0.0.5 or 10.0.0.0/8, separated by commas",
    "x-live": true,
  },
  metrics_listen: {
    type: "string",
    description:
      "Where the metrics are served, and nothing else. When left out, listen serves them to this machine only.",
    pattern: LISTEN,
    "x-mend": "an address and a port, such as 127.0.0.1:9100",
  },
  legacy_media: {
    type: "string",
    description:
      "Whether /_matrix/media/v3 gives files to everybody who knows their address, without a token: for old clients in closed networks.",
    default: "off",
    enum: ["on", "off"],
    "x-mend": "on or off",
    "x-live": true,
  },
  url_previews: {
    type: "string",
    description:
      "Whether this server looks at web pages that its users share, for previews. It never goes to private addresses, unless federation_allow_private says so.",
    default: "on",
    enum: ["on", "off"],
    "x-mend": "on or off",
    "x-live": true,
  },
  default_room_version: {
    type: "string",
    description: "The version of new rooms whose maker names none. Older clients lack the newest.",
    default: DEFAULT_ROOM_VERSION,
    enum: ROOM_VERSION_IDS,
    "x-mend": `a room version in quotes, "${ROOM_VERSION_IDS[0]}" to "${ROOM_VERSION_IDS.at(-1)}"`,
    "x-live": true,
  },
  allowed_room_versions: {
    type: "array",
    description:
      "The versions that rooms made or upgraded on this server may have. Rooms of other servers are joined whatever their version. By default all that this server knows.",
    items: { type: "string", pattern: `^(${ROOM_VERSION_IDS.join("|")})$` },
    "x-mend": `room versions such as "11" and "12", in quotes in the file, separated by commas in the environment variable`,
    "x-live": true,
  },
  room_creators: {
    type: "string",
    description:
      "Who may make rooms: everybody, or administrators alone. Application services always may, and an upgrade of a room is no new one.",
    default: "everybody",
    enum: ["everybody", "administrators"],
    "x-mend": "everybody or administrators",
    "x-live": true,
  },
  encryption_by_default: {
    type: "string",
    description:
      "Which new rooms are encrypted also where the app does not ask for it: off (none), private (those that nobody finds or joins without an invite) or all. Spaces never are, nor rooms of application services.",
    default: "off",
    enum: ["off", "private", "all"],
    "x-mend": "off, private or all",
    "x-live": true,
  },
  appservices: {
    type: "string",
    description: "A folder of registration YAML files of application services (bridges, bots).",
    minLength: 1,
    "x-mend": "the path of a folder that exists",
  },
  turn_uris: {
    type: "array",
    description:
      "TURN servers, through which calls go where two devices cannot reach one another; needs turn_shared_secret.",
    items: { type: "string", pattern: "^turns?:[^\\s,]+$" },
    "x-mend": "addresses such as turn:turn.example.org:3478?transport=udp, separated by commas",
    "x-live": true,
  },
  turn_shared_secret: {
    type: "string",
    description: "The secret that the TURN servers know (static-auth-secret in coturn's settings).",
    minLength: 1,
    "x-mend": "the text that stands in the TURN server's settings",
    "x-live": true,
  },
  rtc_livekit_urls: {
    type: "array",
    description:
      "Services that let users into the calls of a LiveKit server (lk-jwt-service), the preferred one first. Apps that call by MatrixRTC, such as Element Call, are told of them.",
    items: { type: "string", pattern: "^https?://[^\\s,?#]+$" },
    "x-mend": "addresses such as https://livekit-jwt.example.org, separated by commas",
    "x-live": true,
  },
  admin_contacts: {
    type: "array",
    description: "Who runs this server, told to everybody: e-mail addresses or Matrix user ids.",
    items: { type: "string", pattern: "^[^\\s,]+$" },
    "x-mend": "addresses such as admin@example.org or @admin:example.org, separated by commas",
    "x-live": true,
  },
  security_contacts: {
    type: "array",
    description:
      "Whom to tell of holes in this server's security, told to everybody: e-mail addresses or Matrix user ids.",
    items: { type: "string", pattern: "^[^\\s,]+$" },
    "x-mend": "addresses such as security@example.org or @admin:example.org, separated by commas",
    "x-live": true,
  },
  support_page: {
    type: "string",
    description: "The address of a page that helps users of this server, told to everybody.",
    pattern: "^https?://[^\\s]+$",
    "x-mend": "an http or https address, such as https://example.org/help",
    "x-live": true,
  },
  ...mediaSettings,
  ...retentionSettings,
  ...auditSettings,
  ...limitSettings,
  trusted_key_servers: {
    type: "array",
    description: "Notaries: servers asked for the keys of servers that do not answer.",
    items: { type: "string", pattern: SERVER_NAME },
    "x-mend": "server names, separated by commas in the environment variable",
  },
  policy_lists: {
    type: "array",
    description:
      "Policy lists, by their room ids: this server signs events for rooms that choose it as their policy server, but not those of users and servers that are banned there. A user of this server has to be in each. When left out it is no policy server.",
    items: { type: "string", pattern: "^![^\\s,]+$" },
    "x-mend": "room ids such as !abc:example.org, separated by commas in the environment variable",
  },
  user_directory_hidden: {
    type: "array",
    description:
      "Users whom a search for people never finds: patterns of user ids, where * is any run of characters.",
    items: { type: "string", pattern: "^@.*:" },
    "x-mend":
      "patterns such as @_irc_*:example.org, separated by commas in the environment variable",
    "x-live": true,
  },
  log_level: {
    type: "string",
    description: "How much is logged: fatal, error, warn, info, debug or trace.",
    default: "info",
    enum: ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
    "x-mend": "fatal, error, warn, info, debug or trace",
  },
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof settings;

export const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Weft's configuration",
  type: "object",
  properties: settings,
  additionalProperties: false,
} as const;

/** `server_name` → `WEFT_SERVER_NAME`. */
export function environmentName(key: SettingKey): string {
  return `WEFT_${key.toUpperCase()}`;
}
