/** Every setting that is said to be in force at once when settings are read again, on a real server. */
import { expect, test } from "vitest";
import type { Config } from "../../src/config/load.ts";
import { type SettingKey, settings } from "../../src/config/schema.ts";
import type { Setting } from "../../src/config/setting.ts";
import { NO_RETENTION } from "../../src/rooms/visibility/retention-rules.ts";
import { DEFAULT_LIMITS } from "../../src/users/common/limits.ts";
import { register } from "../support/user.ts";
import {
  server,
  alice,
  settled,
  change,
  ask,
  post,
  statusOf,
  stages,
  room,
  sendLater,
  stateOf,
  addressSeen,
  newAlias,
  upload,
  uploadSize,
  newBackup,
  next,
  capability,
  lastOfManyLogins,
  retention,
  auditedActions,
  contacts,
} from "./looks.ts";

interface Trial {
  readonly change: Partial<Config>;
  readonly look: () => Promise<unknown>;
  readonly before: unknown;
  readonly after: unknown;
}

const limit = (part: Partial<Config["userLimits"]>): Partial<Config> => ({
  userLimits: { ...DEFAULT_LIMITS, ...part },
});
const turn = { uris: ["turn:a.test"], sharedSecret: "s" };
const NO_CONTACTS = { admins: [], security: [], page: undefined };
const RELAY = "m.login.email.identity";

const trials: Partial<Record<SettingKey, Trial>> = {
  registration: {
    change: { registration: "closed" },
    look: stages,
    before: `401 m.login.dummy or ${RELAY}`,
    after: "403",
  },
  registration_email: {
    change: { registrationEmail: "required" },
    look: stages,
    before: `401 m.login.dummy or ${RELAY}`,
    after: `401 ${RELAY}`,
  },
  registration_shared_secret: {
    change: { registrationSharedSecret: "s" },
    look: async () => (await ask("/_synapse/admin/v1/register")).status,
    before: 400,
    after: 200,
  },
  password_min_length: {
    change: { passwordMinLength: 30 },
    look: async () => {
      const auth = { type: "m.login.dummy" };
      const wanted = { username: `u${next()}`, password: "long-enough-1", auth };
      return (await post("/_matrix/client/v3/register", wanted)).status;
    },
    before: 200,
    after: 400,
  },
  rate_limits: { change: { rateLimits: true }, look: lastOfManyLogins, before: 403, after: 429 },
  trusted_proxies: {
    change: { trustedProxies: [] },
    look: addressSeen,
    before: "192.0.2.7",
    after: "127.0.0.1",
  },
  legacy_media: {
    change: { legacyMedia: true },
    look: async () => {
      const { path } = await upload();
      return (await ask(`/_matrix/media/v3/download/${path}`)).status;
    },
    before: 404,
    after: 200,
  },
  url_previews: {
    change: { urlPreviews: false },
    look: () => capability("io.element.msc4452.preview_url"),
    before: { enabled: true },
    after: { enabled: false },
  },
  default_room_version: {
    change: { defaultRoomVersion: "10" },
    look: async () => (await stateOf(await room(), "m.room.create")).body.room_version,
    before: "12",
    after: "10",
  },
  allowed_room_versions: {
    change: { allowedRoomVersions: ["11", "12"] },
    look: async () => {
      const { available } = await capability("m.room_versions");
      const roomId = encodeURIComponent(await room());
      return [
        await statusOf("POST", "/createRoom", { room_version: "10" }),
        (await alice.ask("POST", `/rooms/${roomId}/upgrade`, { new_version: "10" })).status,
        "10" in available,
      ];
    },
    before: [200, 200, true],
    after: [400, 400, false],
  },
  room_creators: {
    change: { roomCreators: "administrators" },
    look: () => alice.ask("POST", "/createRoom", {}),
    before: { status: 200, body: { room_id: expect.any(String) } },
    after: { status: 403, body: expect.objectContaining({ errcode: "M_FORBIDDEN" }) },
  },
  encryption_by_default: {
    change: { encryptionByDefault: "private" },
    look: async () => {
      const forced = (await ask("/_matrix/client/versions")).body.unstable_features;
      const space = { creation_content: { type: "m.space" } };
      const rooms = [{}, { preset: "public_chat" }, { visibility: "public" }, space];
      const encrypted = [];
      for (const options of rooms) {
        encrypted.push((await stateOf(await room(options), "m.room.encryption")).body.algorithm);
      }
      return [...encrypted, forced["io.element.e2ee_forced.private"]];
    },
    before: [undefined, undefined, undefined, undefined, false],
    after: ["m.megolm.v1.aes-sha2", undefined, undefined, undefined, true],
  },
  turn_uris: {
    change: { turn },
    look: () => statusOf("GET", "/voip/turnServer"),
    before: 403,
    after: 200,
  },
  turn_shared_secret: {
    change: { turn },
    look: () => statusOf("GET", "/voip/turnServer"),
    before: 403,
    after: 200,
  },
  admin_contacts: {
    change: { support: { ...NO_CONTACTS, admins: ["a@here.test"] } },
    look: contacts,
    before: 404,
    after: { contacts: [{ email_address: "a@here.test", role: "m.role.admin" }] },
  },
  security_contacts: {
    change: { support: { ...NO_CONTACTS, security: ["a@here.test"] } },
    look: contacts,
    before: 404,
    after: { contacts: [{ email_address: "a@here.test", role: "m.role.security" }] },
  },
  support_page: {
    change: { support: { ...NO_CONTACTS, page: "https://here.test/help" } },
    look: contacts,
    before: 404,
    after: { support_page: "https://here.test/help" },
  },
  retention: {
    change: { retention: { ...NO_RETENTION, isOn: true } },
    look: () => retention(),
    before: 404,
    after: { policies: {}, limits: {} },
  },
  retention_default: {
    change: { retention: { ...NO_RETENTION, isOn: true, usual: 5000 } },
    look: () => retention(),
    before: 404,
    after: { policies: { "*": { max_lifetime: 5000 } }, limits: {} },
  },
  retention_shortest: {
    change: { retention: { ...NO_RETENTION, isOn: true, shortest: 5000 } },
    look: () => retention(),
    before: 404,
    after: { policies: {}, limits: { max_lifetime: { min: 5000 } } },
  },
  retention_longest: {
    change: { retention: { ...NO_RETENTION, isOn: true, longest: 5000 } },
    look: () => retention(),
    before: 404,
    after: { policies: {}, limits: { max_lifetime: { max: 5000 } } },
  },
  file_size_limit: {
    change: limit({ fileBytes: 3 }),
    look: async () => [(await upload()).status, await uploadSize()],
    before: [200, 100 * 2 ** 20],
    after: [413, 3],
  },
  rtc_livekit_urls: {
    change: { rtcTransports: [{ type: "livekit", livekit_service_url: "https://a.test" }] },
    look: async () => (await ask("/.well-known/matrix/client")).body["m.rtc_foci"]?.length ?? 0,
    before: 0,
    after: 1,
  },
  user_delayed_event_limit: {
    change: { delayedEventLimits: { perUser: 0, maxDelayMs: 3_600_000 } },
    look: sendLater,
    before: 200,
    after: 403,
  },
  audit_lifetime: {
    change: { auditLifetimeMs: 60_000 },
    look: auditedActions,
    before: 1,
    after: 0,
  },
  max_event_delay_hours: {
    change: { delayedEventLimits: { perUser: 100, maxDelayMs: 1_000 } },
    look: sendLater,
    before: 200,
    after: 400,
  },
  user_upload_limit: {
    change: limit({ uploadBytes: 10 }),
    look: async () => (await upload()).status,
    before: 200,
    after: 403,
  },
  user_account_data_limit: {
    change: limit({ accountDataBytes: 10 }),
    look: () => {
      const type = `org.example.${next()}`;
      return statusOf("PUT", `/user/${alice.userId}/account_data/${type}`, { a: "b".repeat(20) });
    },
    before: 200,
    after: 413,
  },
  user_key_backup_limit: {
    change: limit({ keyBackupBytes: 10 }),
    look: newBackup,
    before: 200,
    after: 413,
  },
  user_device_limit: {
    change: limit({ devices: 1 }),
    look: async () => {
      const name = `device-user-${next()}`;
      const bob = await register(server, name);
      const identifier = { type: "m.id.user", user: bob.userId };
      const password = `${name}-Secret-1`;
      await post("/_matrix/client/v3/login", { type: "m.login.password", identifier, password });
      return (await bob.ask("GET", "/account/whoami")).status;
    },
    before: 200,
    after: 401,
  },
  user_alias_limit: {
    change: limit({ aliases: 1 }),
    look: async () => {
      await statusOf("POST", "/createRoom", newAlias());
      return await statusOf("POST", "/createRoom", newAlias());
    },
    before: 200,
    after: 403,
  },
  user_published_room_limit: {
    change: limit({ publishedRooms: 1 }),
    look: async () => {
      await statusOf("POST", "/createRoom", { visibility: "public" });
      return await statusOf("POST", "/createRoom", { visibility: "public" });
    },
    before: 200,
    after: 403,
  },
  user_directory_hidden: {
    change: { userDirectoryHidden: ["@ali*"] },
    look: async () => {
      const bob = await register(server, `searcher-${next()}`);
      const roomId = await room({ preset: "public_chat" });
      await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
      const search = { search_term: "alice" };
      return (await bob.call("POST", "/user_directory/search", search)).results.length;
    },
    before: 1,
    after: 0,
  },
};

const live = (Object.entries(settings) as [SettingKey, Setting][])
  .filter(([, setting]) => setting["x-live"] === true)
  .map(([key]) => key);

test("each of them has a trial here", () => {
  expect(Object.keys(trials).sort()).toEqual([...live].sort());
});

test.each(live)("%s", async (key) => {
  const { change: wanted, look, before, after } = trials[key]!;
  expect(await look()).toEqual(before);
  change(wanted);
  try {
    expect(await look()).toEqual(after);
  } finally {
    change(settled);
  }
  expect(await look()).toEqual(before);
});
