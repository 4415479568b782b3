/** What an administrator does in Ketesa, page by page; each step looks at what the server says of it. */
import type { Locator, Page } from "playwright-core";
import { unique } from "../../harness/client.ts";
import { must } from "../../harness/must.ts";
import type { Answer, Scene } from "./scene.ts";

export interface Step {
  readonly name: string;
  run(): Promise<void>;
}

/** Where the pages are, and who opens them. */
interface Stage {
  readonly page: Page;
  readonly url: string;
  readonly scene: Scene;
}

const ADMIN = "/_synapse/admin";
const segment = encodeURIComponent;
/** Nobody answers there. */
const AWAY = "localhost:1";

const button = (within: Page | Locator, name: string | RegExp) =>
  within.getByRole("button", { name, exact: true });
const field = (page: Page, name: string) => page.locator(`[name="${name}"]`);
const dialog = (page: Page) => page.getByRole("dialog");

async function open({ page, url }: Stage, path: string, shown: string | Locator): Promise<void> {
  await page.goto(`${url}/#/${path}`);
  const text = typeof shown === "string" ? page.getByText(shown).first() : shown;
  await text.waitFor();
}

/** Waits for a notice at the foot of the page, and loads the page anew, so that this notice is not taken for the next one. */
async function told({ page }: Stage, text: string | RegExp): Promise<void> {
  const notice = page.locator(".RaNotification-snackbar, .MuiSnackbar-root").getByText(text);
  await notice.first().waitFor();
  await page.reload();
}

/** Does what can be undone for a while, and waits until the page asks the server for it. */
async function asked(page: Page, method: string, act: () => Promise<void>): Promise<void> {
  const got = page.waitForResponse((response) => response.request().method() === method);
  await Promise.all([got, act()]);
}

async function answer({ scene }: Stage, path: string): Promise<Answer> {
  const { status, body } = await scene.ask("GET", `${ADMIN}${path}`);
  must(status === 200, `${path}: ${status} ${JSON.stringify(body)}`);
  return body;
}

async function isGone({ scene }: Stage, path: string): Promise<void> {
  const { status } = await scene.ask("GET", `${ADMIN}${path}`);
  must(status === 404, `${path} is still there: ${status}`);
}

async function signIn({ page, url, scene }: Stage): Promise<void> {
  await page.goto(url);
  await field(page, "base_url").fill(scene.subject.clientUrl);
  await field(page, "username").fill(scene.admin.userId.slice(1).split(":")[0]!);
  await field(page, "password").fill(scene.admin.password);
  await button(page, "Sign in").click();
  await page.getByText(scene.user.userId).first().waitFor();
}

function pagesOf({ admin, user, roomId, eventId }: Scene): [path: string, shown: string][] {
  const one = `users/${segment(user.userId)}`;
  const room = `rooms/${segment(roomId)}/show`;
  return [
    ["users", user.userId],
    [one, "Sent invites: 0"],
    [`${one}/threepid`, "3PIDs"],
    [`${one}/devices`, user.deviceId],
    [`${one}/connections`, "No connections"],
    [`${one}/media`, "text/plain"],
    [`${one}/rooms`, roomId],
    [`${one}/memberships`, roomId],
    [`${one}/pushers`, "No pushers"],
    [`${one}/experimental`, "Experimental"],
    [`${one}/limits`, "Messages per second"],
    [`${one}/accountdata`, "Global"],
    ["users/create", "Generate password"],
    ["rooms", user.userId],
    [room, "Federatable"],
    [`${room}/members`, user.userId],
    [`${room}/media`, "Quarantine all media"],
    [`${room}/state`, "m.room.power_levels"],
    [`${room}/messages`, eventId],
    [`${room}/forward_extremities`, "Forward extremities are"],
    ["user_media_statistics", user.userId],
    ["database_room_statistics", roomId],
    ["reports", admin.userId],
    ["user_reports", user.userId],
    ["room_directory", "1-1 of 1"],
    ["destinations", AWAY],
    ["registration_tokens", "Add filter"],
    ["scheduled_tasks", "Scheduled tasks"],
  ];
}

async function seePages(stage: Stage): Promise<void> {
  for (const [path, shown] of pagesOf(stage.scene)) {
    const there = stage.page.locator("main").getByText(shown).filter({ visible: true }).first();
    await open(stage, path, there).catch((error) => {
      throw new Error(`${path} does not show "${shown}": ${(error as Error).message}`);
    });
  }
}

async function createUser(stage: Stage): Promise<void> {
  const { page, scene } = stage;
  const name = unique("made");
  await open(stage, "users/create", "Generate password");
  await field(page, "id").fill(name);
  await field(page, "displayname").fill("Made by hand");
  await button(page, "Generate password").click();
  await page
    .getByText(/available/i)
    .first()
    .waitFor();
  await button(page, "Save").click();
  await told(stage, /created/i);
  const made = await answer(stage, `/v2/users/${segment(`@${name}:${scene.subject.serverName}`)}`);
  must(made["displayname"] === "Made by hand", "the new user has another name");
}

async function changeUser(stage: Stage): Promise<void> {
  const { page, scene } = stage;
  const { userId } = await scene.newUser();
  const path = `users/${segment(userId)}`;
  await open(stage, path, "Sent invites: 0");
  await field(page, "displayname").fill("Somebody else");
  await field(page, "suspended").click();
  await field(page, "locked").click();
  await button(page, "Save").click();
  await told(stage, /updated/i);
  const { displayname, suspended, locked } = await answer(stage, `/v2/${path}`);
  must(displayname === "Somebody else", "the name is not changed");
  must(suspended === true && locked === true, "the user is not suspended and locked");
}

async function resetPassword(stage: Stage): Promise<void> {
  const { page, scene } = stage;
  const { userId } = await scene.newUser();
  const password = unique("password");
  await open(stage, `users/${segment(userId)}`, "Sent invites: 0");
  await button(page, "Reset password").click();
  await dialog(page).getByRole("textbox").fill(password);
  await button(dialog(page), "Confirm").click();
  await told(stage, /password.*reset|reset.*password/i);
  const { status } = await scene.ask("POST", "/_matrix/client/v3/login", {
    ...{ type: "m.login.password", password },
    identifier: { type: "m.id.user", user: userId },
  });
  must(status === 200, `the new password does not sign in: ${status}`);
}

async function tellUser(stage: Stage): Promise<void> {
  const { page, scene } = stage;
  const user = await scene.newUser();
  await open(stage, `users/${segment(user.userId)}`, "Sent invites: 0");
  await button(page, "Send server notices").click();
  await field(page, "body").fill("The server rests at noon.");
  await button(dialog(page), "Send note").click();
  await told(stage, "Server notice successfully sent.");
  const { rooms } = await user.call("sync", { query: {} });
  const invites = Object.keys((rooms as { invite?: object } | undefined)?.invite ?? {});
  must(invites.length === 1, `the notice invited to ${invites.length} rooms`);
}

async function deleteUser(stage: Stage): Promise<void> {
  const { page, scene } = stage;
  const { userId } = await scene.newUser();
  await open(stage, `users/${segment(userId)}`, "Sent invites: 0");
  await button(page, "Delete").first().click();
  await dialog(page).getByRole("textbox").fill(userId);
  await button(dialog(page), "Confirm").click();
  await told(stage, /deleted/i);
  const { deactivated } = await answer(stage, `/v2/users/${segment(userId)}`);
  must(deactivated === true, "the account is still open");
}

async function manageRoom(stage: Stage): Promise<void> {
  const { page, scene } = stage;
  const roomId = await scene.newRoom();
  const path = `rooms/${segment(roomId)}/show`;
  await open(stage, path, "Federatable");
  await button(page, "Block").click();
  await button(dialog(page), "Confirm").click();
  await told(stage, "Room blocked successfully.");
  must((await answer(stage, `/v1/rooms/${roomId}/block`))["block"] === true, "it is not blocked");
  await button(page, "Unblock").click();
  await told(stage, "Room unblocked successfully.");
  await button(page, "Publish in room directory").click();
  await told(stage, "Room successfully published.");
  must((await answer(stage, `/v1/rooms/${roomId}`))["public"] === true, "it is not published");
  await button(page, "Delete").first().click();
  await button(dialog(page), /Confirm|Delete/)
    .last()
    .click();
  await told(stage, "Room deleted successfully.");
  await isGone(stage, `/v1/rooms/${roomId}`);
  await open(stage, "scheduled_tasks", roomId);
}

async function purgeRoom(stage: Stage): Promise<void> {
  const { page, scene } = stage;
  const roomId = await scene.newRoom();
  const old = await scene.user.send(roomId, "old");
  await scene.user.send(roomId, "new, which stays");
  const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000);
  await open(stage, `rooms/${segment(roomId)}/show`, "Federatable");
  await button(page, "Purge history").click();
  await dialog(page).getByLabel("Purge events before").fill(tomorrow.toISOString().slice(0, 16));
  await dialog(page).getByLabel("Also delete events sent by local users").check();
  await button(dialog(page), "Confirm").click();
  await told(stage, "Room history purged successfully.");
  await isGone(stage, `/v1/fetch_event/${segment(old)}`);
}

async function manageMedia(stage: Stage): Promise<void> {
  const { page, scene } = stage;
  const { userId } = scene.user;
  const mediaId = await scene.upload();
  await open(stage, `users/${segment(userId)}/media`, mediaId);
  const row = page.getByRole("row").filter({ hasText: mediaId });
  await button(row, "Quarantine").click();
  await told(stage, "Successfully changed the quarantine status.");
  const { media } = await answer(stage, `/v1/users/${segment(userId)}/media`);
  const one = (media as Answer[]).find(({ media_id }) => media_id === mediaId);
  must(one?.["quarantined_by"] === scene.admin.userId, "it is not in quarantine");
  await button(row, "Unquarantine").click();
  await told(stage, "Successfully changed the quarantine status.");
  await button(row, "Delete").click();
  await asked(page, "DELETE", () => button(dialog(page), "Confirm").click());
  const left = (await answer(stage, `/v1/users/${segment(userId)}/media`))["media"] as Answer[];
  must(
    left.every(({ media_id }) => media_id !== mediaId),
    "it is not deleted",
  );
}

async function dismissReport(stage: Stage): Promise<void> {
  const { page } = stage;
  const { event_reports: all } = await answer(stage, "/v1/event_reports");
  const { id } = (all as Answer[])[0]!;
  await open(stage, `reports/${String(id)}/show`, "spam");
  await button(page, "Delete").click();
  await button(dialog(page), "Confirm").click();
  await told(stage, /deleted/i);
  await isGone(stage, `/v1/event_reports/${String(id)}`);
}

async function manageTokens(stage: Stage): Promise<void> {
  const { page } = stage;
  const token = unique("token");
  await open(stage, "registration_tokens/create", "Uses allowed");
  await field(page, "token").fill(token);
  await field(page, "uses_allowed").fill("2");
  await button(page, "Save").click();
  await told(stage, /created/i);
  await open(stage, `registration_tokens/${token}`, "Uses allowed");
  await field(page, "uses_allowed").fill("3");
  await asked(page, "PUT", () => button(page, "Save").click());
  const { uses_allowed: uses } = await answer(stage, `/v1/registration_tokens/${token}`);
  must(uses === 3, `the token may be used ${String(uses)} times`);
  await open(stage, `registration_tokens/${token}`, "Uses allowed");
  await asked(page, "DELETE", () => button(page, "Delete").click());
  await isGone(stage, `/v1/registration_tokens/${token}`);
}

async function reconnect(stage: Stage): Promise<void> {
  const path = `/v1/federation/destinations/${segment(AWAY)}`;
  const { failure_ts: since } = await answer(stage, path);
  await open(stage, "destinations", AWAY);
  const row = stage.page.getByRole("row").filter({ hasText: AWAY });
  await button(row, "Reconnect").click();
  await told(stage, /updated/i);
  // It is tried at once, and fails anew.
  const { failure_ts: now } = await answer(stage, path);
  must(now === null || Number(now) > Number(since), "the destination is not tried again");
}

export function storyOf(stage: Stage): readonly Step[] {
  const steps: readonly [string, (at: Stage) => Promise<void>][] = [
    ["signs in with a password", signIn],
    ["shows each of its pages", seePages],
    ["creates a user", createUser],
    ["names, suspends and locks a user", changeUser],
    ["resets a password", resetPassword],
    ["sends a user a notice", tellUser],
    ["deletes a user", deleteUser],
    ["blocks, publishes and deletes a room", manageRoom],
    ["purges the history of a room", purgeRoom],
    ["puts a file in quarantine, and deletes it", manageMedia],
    ["dismisses a report", dismissReport],
    ["creates, changes and deletes a registration token", manageTokens],
    ["tries a destination again", reconnect],
  ];
  return steps.map(([name, run]) => ({ name, run: () => run(stage) }));
}

/** What its pages show that the scene of the other tools lacks. */
export async function addToScene({ admin, roomId, user }: Scene): Promise<void> {
  await user.call("setRoomVisibilityOnDirectory", {
    path: { roomId },
    body: { visibility: "public" },
  });
  const { userId } = user;
  await user.call("setAccountData", { path: { userId, type: "m.test" }, body: { of: "Ketesa" } });
  const messages = { [`@nobody:${AWAY}`]: { "*": {} } };
  await admin.call("sendToDevice", {
    path: { eventType: "m.test", txnId: unique("to") },
    body: { messages },
  });
}
