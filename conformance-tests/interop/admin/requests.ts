/**
 * Requests of tools that no registry has, as their sources make them (Ketesa 1.3.0, Mjolnir 1.12.1,
 * Draupnir 3.1.0), with the members of the answers that they read.
 */
import type { Answer, Scene } from "./scene.ts";
import { KETESA } from "./requests-of-ketesa.ts";
import type { Row } from "./tool-request.ts";

interface ToolRequest {
  readonly tool: "Ketesa" | "Mjolnir" | "Draupnir";
  readonly method: string;
  /** From the slash on. */
  readonly path: (scene: Scene) => string | Promise<string>;
  readonly body?: (scene: Scene) => object;
  /** Members that the tool reads. */
  readonly reads?: readonly string[];
  /** The error that Synapse answers as well, and the tool knows. */
  readonly errcode?: string;
}

const segment = encodeURIComponent;

const users = (id: string, rest = "") => `/_synapse/admin/v1/users/${segment(id)}${rest}`;
const room = (id: string, rest = "") => `/_synapse/admin/v1/rooms/${segment(id)}${rest}`;

/** Mjolnir does not encode what it puts into paths. */
const MJOLNIR: readonly ToolRequest[] = (
  [
    ["GET", ({ admin }) => `/_synapse/admin/v1/users/${admin.userId}/admin`, undefined, ["admin"]],
    ["PUT", async ({ newUser }) => `/_synapse/admin/v1/suspend/${(await newUser()).userId}`, () => ({ suspend: true })],
    ["PUT", ({ user }) => `/_synapse/admin/v1/suspend/${user.userId}`, () => ({ suspend: false })],
    ["PUT", async ({ newUser }) => `/_synapse/admin/v2/users/${(await newUser()).userId}`, () => ({ locked: true })],
    ["PUT", ({ user }) => `/_synapse/admin/v2/users/${user.userId}`, () => ({ locked: false })],
    ["POST", ({ roomId }) => `/_synapse/admin/v1/rooms/${roomId}/make_room_admin`, ({ user }) => ({ user_id: user.userId })],
    ["POST", async ({ subject, upload }) => `/_synapse/admin/v1/media/quarantine/${segment(subject.serverName)}/${await upload()}`, () => ({})],
    ["POST", async ({ newUser }) => `/_synapse/admin/v1/user/${segment((await newUser()).userId)}/media/quarantine`, () => ({}), ["num_quarantined"]],
    ["GET", () => "/_synapse/admin/v1/event_reports?dir=f&from=0", undefined, ["event_reports"]],
    ["GET", ({ roomId, eventId }) => `/_synapse/admin/v1/rooms/${roomId}/context/${eventId}?limit=1`, undefined, ["event"]],
    ["POST", async ({ newUser }) => `/_synapse/admin/v1/user/${(await newUser()).userId}/redact`, ({ roomId }) => ({ limit: 1000, rooms: [roomId], use_admin: true }), ["redact_id"]],
    ["POST", async ({ newUser }) => `/_synapse/admin/v1/deactivate/${(await newUser()).userId}`],
    ["DELETE", async ({ newRoom }) => `/_synapse/admin/v1/rooms/${await newRoom()}`, ({ admin }) => ({ new_room_user_id: admin.userId, block: true, message: "closed", room_name: "Room removed" })],
  ] as const satisfies readonly Row[]
).map((row) => requestOf("Mjolnir", row)); // prettier-ignore

const DRAUPNIR: readonly ToolRequest[] = (
  [
    ["GET", ({ admin }) => users(admin.userId, "/admin"), undefined, ["admin"]],
    ["POST", async ({ newUser }) => `/_synapse/admin/v1/deactivate/${segment((await newUser()).userId)}`, () => ({ erase: true })],
    ["DELETE", async ({ newRoom }) => room(await newRoom()), ({ admin }) => ({ new_room_user_id: admin.userId, block: true, message: "closed", room_name: "Closed" })],
    ["POST", ({ roomId }) => room(roomId, "/make_room_admin"), ({ user }) => ({ user_id: user.userId })],
    ["GET", () => "/_synapse/admin/v1/event_reports?from=0&dir=b&limit=10", undefined, ["event_reports", "total"]],
    ["GET", ({ roomId, eventId }) => `/_synapse/admin/v1/rooms/${roomId}/context/${eventId}?limit=1`, undefined, ["event"]],
    ["GET", () => "/_synapse/admin/v1/rooms?limit=250&order_by=name&dir=f", undefined, ["rooms", "offset", "total_rooms"]],
    ["DELETE", async ({ newRoom }) => `/_synapse/admin/v2/rooms/${segment(await newRoom())}`, () => ({ block: true, purge: true }), ["delete_id"]],
    ["GET", ({ roomId }) => room(roomId, "/block"), undefined, ["block"]],
    ["GET", ({ roomId }) => room(roomId), undefined, ["room_id", "name", "avatar", "joined_members", "creator"]],
    ["PUT", async ({ newUser }) => `/_synapse/admin/v1/suspend/${segment((await newUser()).userId)}`, () => ({ suspend: true })],
    ["PUT", ({ user }) => `/_synapse/admin/v1/suspend/${segment(user.userId)}`, () => ({ suspend: false })],
    ["GET", ({ user }) => `/_synapse/admin/v2/users/${segment(user.userId)}`, undefined, ["name", "shadow_banned", "suspended", "locked", "deactivated"]],
    ["POST", async ({ newUser }) => `/_synapse/admin/v1/user/${segment((await newUser()).userId)}/redact`, () => ({ rooms: [] }), ["redact_id"]],
    ["POST", async ({ newUser }) => users((await newUser()).userId, "/shadow_ban"), () => ({})],
    ["DELETE", ({ user }) => users(user.userId, "/shadow_ban"), () => ({})],
  ] as const satisfies readonly Row[]
).map((row) => requestOf("Draupnir", row)); // prettier-ignore

function requestOf(tool: ToolRequest["tool"], row: Row): ToolRequest {
  const [method, path, body, reads, errcode] = row;
  return {
    ...{ tool, method, path },
    ...(body && { body }),
    ...(reads && { reads }),
    ...(errcode !== undefined && { errcode }),
  };
}

const REQUESTS: readonly ToolRequest[] = [
  ...KETESA.map((row) => requestOf("Ketesa", row)),
  ...MJOLNIR,
  ...DRAUPNIR,
];

/** Makes them all; answers how many of each tool do, and why the others do not. */
export async function makeRequests(scene: Scene, requests = REQUESTS) {
  const wrong: string[] = [];
  const right: Record<string, number> = {};
  for (const { tool, method, path, body, reads = [], errcode } of requests) {
    const to = await path(scene);
    const answer = await scene.ask(method, to, body?.(scene));
    const problem = problemOf(answer, reads, errcode);
    if (problem === undefined) right[tool] = (right[tool] ?? 0) + 1;
    else wrong.push(`${tool}: ${method} ${to}: ${problem}`);
  }
  return { right, wrong };
}

function problemOf(
  { status, body }: { readonly status: number; readonly body: Answer },
  reads: readonly string[],
  errcode: string | undefined,
): string | undefined {
  if (errcode !== undefined) return body["errcode"] === errcode ? undefined : JSON.stringify(body);
  if (status !== 200 && status !== 201) return `${status} ${JSON.stringify(body).slice(0, 200)}`;
  const missing = reads.filter((name) => !(name in body));
  return missing.length === 0 ? undefined : `the answer lacks ${missing.join(", ")}`;
}
