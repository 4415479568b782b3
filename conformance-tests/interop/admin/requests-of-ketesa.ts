/** Signing in to Ketesa, and what its pages ask and do. */
import type { Row } from "./tool-request.ts";
import { unique } from "../../harness/client.ts";

const segment = encodeURIComponent;
const V1 = "/_synapse/admin/v1";
const V2 = "/_synapse/admin/v2";
/** Each of its lists asks for a page so. */
const page = (field: string, more = "") => `?from=0&limit=10&order_by=${field}&dir=f${more}`;
const nothing = () => ({});

const SIGN_IN: readonly Row[] = [
  ["GET", () => "/.well-known/matrix/client", undefined, ["m.homeserver"]],
  ["GET", () => "/_matrix/client/versions", undefined, ["versions"]],
  ["GET", () => `${V1}/server_version`, undefined, ["server_version"]],
  ["GET", () => "/_matrix/client/v3/login", undefined, ["flows"]],
  ["GET", () => "/_matrix/client/v1/auth_metadata", undefined, ["issuer"]],
  ["GET", () => "/_matrix/client/v3/account/whoami", undefined, ["user_id", "device_id"]],
  ["GET", ({ user }) => `/_matrix/client/v3/profile/${user.userId}`],
];

const LISTS: readonly Row[] = [
  ["GET", () => `/_synapse/admin/v3/users${page("name", "&guests=false&deactivated=false")}`, undefined, ["users", "total"]],
  ["GET", () => `${V1}/rooms${page("name", "&search_term=tools")}`, undefined, ["rooms", "total_rooms"]],
  ["GET", () => `${V1}/event_reports${page("received_ts")}`, undefined, ["event_reports", "total"]],
  ["GET", () => `${V1}/user_reports${page("received_ts")}`, undefined, ["user_reports", "total"]],
  ["GET", () => `${V1}/registration_tokens${page("token", "&valid=true")}`, undefined, ["registration_tokens"]],
  ["GET", () => `${V1}/federation/destinations${page("destination")}`, undefined, ["destinations", "total"]],
  ["GET", () => `${V1}/scheduled_tasks${page("timestamp_ms")}`, undefined, ["scheduled_tasks"]],
  ["GET", () => `${V1}/statistics/database/rooms`, undefined, ["rooms"]],
  ["GET", () => `${V1}/statistics/users/media${page("media_length")}`, undefined, ["users", "total"]],
  ["GET", () => `/_matrix/client/v3/publicRooms?limit=10`, undefined, ["chunk"]],
]; // prettier-ignore

const OF_USERS: readonly Row[] = [
  ["GET", ({ user }) => `${V2}/users/${segment(user.userId)}`, undefined, ["name", "admin", "deactivated", "creation_ts"]],
  ["GET", ({ user }) => `${V2}/users/${segment(user.userId)}/devices${page("device_id")}`, undefined, ["devices", "total"]],
  ["POST", ({ user }) => `${V2}/users/${segment(user.userId)}/devices`, () => ({ device_id: unique("DEVICE") })],
  ["PUT", ({ user }) => `${V2}/users/${segment(user.userId)}/devices/${user.deviceId}`, () => ({ display_name: "A device" })],
  ["POST", ({ user }) => `${V2}/users/${segment(user.userId)}/delete_devices`, () => ({ devices: ["none"] })],
  ["GET", ({ user }) => `${V1}/whois/${segment(user.userId)}`, undefined, ["user_id", "devices"]],
  ["GET", ({ user }) => `${V1}/users/${segment(user.userId)}/pushers${page("app_id")}`, undefined, ["pushers", "total"]],
  ["GET", ({ user }) => `${V1}/users/${segment(user.userId)}/joined_rooms${page("id")}`, undefined, ["joined_rooms", "total"]],
  ["GET", ({ user }) => `${V1}/users/${segment(user.userId)}/memberships${page("id")}`, undefined, ["memberships"]],
  ["GET", ({ user }) => `${V1}/users/${segment(user.userId)}/media${page("media_id")}`, undefined, ["media", "total"]],
  ["GET", ({ user }) => `${V1}/users/${segment(user.userId)}/accountdata`, undefined, ["account_data"]],
  ["GET", ({ user }) => `${V1}/users/${segment(user.userId)}/override_ratelimit`],
  ["POST", ({ user }) => `${V1}/users/${segment(user.userId)}/override_ratelimit`, () => ({ messages_per_second: 5, burst_count: 10 })],
  ["DELETE", ({ user }) => `${V1}/users/${segment(user.userId)}/override_ratelimit`],
  ["GET", ({ user }) => `${V1}/users/${segment(user.userId)}/sent_invite_count?from_ts=0`, undefined, ["invite_count"]],
  ["GET", ({ user }) => `${V1}/users/${segment(user.userId)}/cumulative_joined_room_count?from_ts=0`, undefined, ["cumulative_joined_room_count"]],
  ["GET", ({ user }) => `${V1}/experimental_features/${segment(user.userId)}`, undefined, ["features"]],
  ["GET", () => `${V1}/username_available?username=${unique("free")}`, undefined, ["available"]],
  ["PUT", ({ subject }) => `${V2}/users/${segment(`@${unique("new")}:${subject.serverName}`)}`, () => ({ password: unique("password"), displayname: "New" })],
  ["PUT", ({ user }) => `${V2}/users/${segment(user.userId)}`, () => ({ displayname: "Somebody" })],
  ["PUT", async ({ newUser }) => `${V1}/suspend/${segment((await newUser()).userId)}`, () => ({ suspend: true })],
  ["POST", async ({ newUser }) => `${V1}/users/${segment((await newUser()).userId)}/shadow_ban`],
  ["DELETE", ({ user }) => `${V1}/users/${segment(user.userId)}/shadow_ban`],
  ["POST", async ({ newUser }) => `${V1}/reset_password/${segment((await newUser()).userId)}`, () => ({ new_password: unique("password"), logout_devices: false })],
  ["POST", ({ user }) => `${V1}/users/${segment(user.userId)}/login`, nothing, ["access_token"]],
  ["POST", async ({ newUser }) => `${V1}/deactivate/${segment((await newUser()).userId)}`, () => ({ erase: true })],
  ["GET", () => `${V1}/threepid/email/users/nobody%40a.test`, undefined, [], "M_NOT_FOUND"],
  ["GET", () => `${V1}/auth_providers/oidc/users/nobody`, undefined, [], "M_NOT_FOUND"],
  ["POST", ({ user }) => `${V1}/users/${segment(user.userId)}/_allow_cross_signing_replacement_without_uia`, nothing, [], "M_NOT_FOUND"],
  ["POST", async ({ newUser }) => `${V1}/user/${segment((await newUser()).userId)}/redact`, () => ({ rooms: [] }), ["redact_id"]],
  ["POST", () => `${V1}/send_server_notice`, ({ user }) => ({ user_id: user.userId, content: { msgtype: "m.text", body: "Hello" } }), ["event_id"]],
]; // prettier-ignore

const OF_ROOMS: readonly Row[] = [
  ["GET", ({ roomId }) => `${V1}/rooms/${roomId}`, undefined, ["room_id", "name", "joined_members", "version", "encryption", "forgotten"]],
  ["GET", ({ roomId }) => `${V1}/rooms/${roomId}/members${page("id")}`, undefined, ["members", "total"]],
  ["GET", ({ roomId }) => `${V1}/rooms/${roomId}/state${page("type")}`, undefined, ["state"]],
  ["GET", ({ roomId }) => `${V1}/room/${roomId}/media${page("id")}`, undefined, ["local", "remote"]],
  ["GET", ({ roomId }) => `${V1}/rooms/${roomId}/forward_extremities${page("id")}`, undefined, ["results", "count"]],
  ["DELETE", ({ roomId }) => `${V1}/rooms/${roomId}/forward_extremities`, undefined, ["deleted"]],
  ["GET", ({ roomId }) => `${V1}/rooms/${segment(roomId)}/hierarchy?limit=10`, undefined, ["rooms"]],
  ["GET", ({ roomId }) => `${V1}/rooms/${segment(roomId)}/messages?limit=10&dir=b`, undefined, ["chunk"]],
  ["GET", ({ roomId }) => `${V1}/rooms/${segment(roomId)}/timestamp_to_event?ts=0&dir=f`, undefined, ["event_id", "origin_server_ts"]],
  ["GET", ({ roomId, eventId }) => `${V1}/rooms/${segment(roomId)}/context/${segment(eventId)}?limit=5`, undefined, ["event", "events_before", "events_after"]],
  ["GET", ({ eventId }) => `${V1}/fetch_event/${segment(eventId)}`, undefined, ["event"]],
  ["GET", ({ roomId }) => `${V1}/rooms/${segment(roomId)}/block`, undefined, ["block"]],
  ["PUT", async ({ newRoom }) => `${V1}/rooms/${segment(await newRoom())}/block`, () => ({ block: true }), ["block"]],
  ["POST", ({ roomId }) => `${V1}/join/${segment(roomId)}`, ({ user }) => ({ user_id: user.userId }), ["room_id"]],
  ["POST", ({ roomId }) => `${V1}/rooms/${segment(roomId)}/make_room_admin`, ({ user }) => ({ user_id: user.userId })],
  ["DELETE", async ({ newRoom }) => `${V2}/rooms/${await newRoom()}`, () => ({ block: false }), ["delete_id"]],
  ["POST", ({ roomId }) => `${V1}/purge_history/${segment(roomId)}`, ({ eventId }) => ({ purge_up_to_event_id: eventId, delete_local_events: false }), ["purge_id"]],
  ["PUT", ({ roomId }) => `/_matrix/client/v3/directory/list/room/${roomId}`, () => ({ visibility: "public" })],
]; // prettier-ignore

const REST: readonly Row[] = [
  ["POST", async ({ upload }) => `${V1}/media/protect/${await upload()}`],
  ["POST", ({ mediaId }) => `${V1}/media/unprotect/${mediaId}`],
  ["POST", async ({ subject, upload }) => `${V1}/media/quarantine/${subject.serverName}/${await upload()}`],
  ["POST", ({ subject, mediaId }) => `${V1}/media/unquarantine/${subject.serverName}/${mediaId}`],
  ["DELETE", async ({ subject, upload }) => `${V1}/media/${subject.serverName}/${await upload()}`, undefined, ["deleted_media", "total"]],
  ["POST", async ({ newRoom }) => `${V1}/room/${segment(await newRoom())}/media/quarantine`, undefined, ["num_quarantined"]],
  ["POST", async ({ newUser }) => `${V1}/user/${segment((await newUser()).userId)}/media/quarantine`, undefined, ["num_quarantined"]],
  ["DELETE", async ({ newUser }) => `${V1}/users/${segment((await newUser()).userId)}/media`, undefined, ["total"]],
  ["POST", () => `${V1}/media/delete?before_ts=1500000000000&size_gt=0&keep_profiles=true`, undefined, ["total"]],
  ["POST", () => `${V1}/purge_media_cache?before_ts=1500000000000`, undefined, ["deleted"]],
  ["POST", () => `${V1}/registration_tokens/new`, () => ({ token: "of-ketesa", uses_allowed: 2 }), ["token"]],
  ["GET", () => `${V1}/registration_tokens/of-ketesa`, undefined, ["token", "pending"]],
  ["PUT", () => `${V1}/registration_tokens/of-ketesa`, () => ({ uses_allowed: 3 }), ["token"]],
  ["DELETE", () => `${V1}/registration_tokens/of-ketesa`],
]; // prettier-ignore

export const KETESA: readonly Row[] = [...SIGN_IN, ...LISTS, ...OF_USERS, ...OF_ROOMS, ...REST];
