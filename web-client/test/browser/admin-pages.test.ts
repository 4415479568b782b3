import { expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError } from "../../src/api/errors.ts";
import { $route, navigate } from "../../src/store/router.ts";
import { eventually } from "../unit/eventually.ts";
import { expectNarrow, openPlace, tabTo, usePlaces } from "./admin-place.ts";
import { expectAccessible } from "./support.ts";
import "../../src/admin/rooms/section.ts";
import "../../src/admin/rooms/room.ts";
import "../../src/admin/reports/section.ts";
import "../../src/admin/reports/report.ts";
import "../../src/admin/media/section.ts";
import "../../src/admin/server/audit.ts";

usePlaces();

const ID = "!kitchen:one";
const TS = 1_700_000_000_000;

const listed = {
  room_id: ID,
  name: "Kitchen",
  canonical_alias: "#kitchen:one",
  joined_members: 12,
  joined_local_members: 3,
  version: "12",
  creator: "@ann:one",
  encryption: null,
  federatable: true,
  public: true,
  join_rules: "public",
  guest_access: null,
  history_visibility: "shared",
  state_events: 20,
  room_type: null,
};
const row = {
  ...listed,
  ...{ status: "open", last_activity_ts: TS, timeline_events: 40 },
  ...{ event_bytes: 20_000, media_bytes: 1_000_000 },
};
const details = {
  ...listed,
  ...{ avatar: null, topic: "Where the tea is", joined_local_devices: 4, forgotten: false },
  ...{ tombstoned: false, replacement_room: null },
};
const sizes = { count: 5, bytes: 5_000 };
const IDLE = { work: [], followers: [], is_halted: false };

const ROOM = {
  "GET /rooms": () => ({ rooms: [row], total: 1 }),
  "GET /background": () => IDLE,
  "GET /v1/rooms/{roomId}": () => details,
  "GET /rooms/{roomId}/status": () => ({ status: "open" }),
  "GET /rooms/{roomId}/storage": () => ({ events: sizes, uploads: sizes, copies: sizes }),
};

test("the list of rooms and a room's page pass axe, and lose nothing at 320 px", async () => {
  await openPlace(ROOM, ["rooms"]);
  const name = page.getByRole("link", { name: "Kitchen" });
  await expect.element(name).toBeVisible();
  await expectAccessible();
  await expectNarrow();
  await tabTo(() => name.element());
  await userEvent.keyboard("{Enter}");
  await expect.element(page.getByText("Where the tea is")).toBeVisible();
  await expectNarrow();
});

test("deleting a room says to how many, and shows how far it is till it is done, also to who comes back", async () => {
  let at: "idle" | "shutting_down" | "purging" | "complete" = "idle";
  const work = () => ({
    ...{ id: "d", kind: "delete_room", room_id: ID, started_ts: TS },
    ...{ state: at === "complete" ? "complete" : "running", total: at === "complete" ? 1 : 2 },
    done: at === "shutting_down" ? 0 : 1,
  });
  const { asked } = await openPlace(
    {
      ...ROOM,
      "GET /rooms": () => ({ rooms: at === "complete" ? [] : [row], total: 1 }),
      "GET /background": () => ({ ...IDLE, work: at === "idle" ? [] : [work()] }),
      "GET /v1/rooms/{roomId}": () => {
        if (at === "complete")
          throw new ApiError(404, { errcode: "M_NOT_FOUND", error: "No such room" });
        return details;
      },
      "DELETE /v2/rooms/{roomId}": () => ((at = "shutting_down"), { delete_id: "d" }),
      "GET /v2/rooms/{roomId}/delete_status": () => ({
        results: [
          {
            ...{ delete_id: "d", room_id: ID, status: at },
            deleted_rows: at === "shutting_down" ? 0 : 1234,
            shutdown_room: {
              ...{ kicked_users: ["@ann:one"], failed_to_kick_users: [] },
              ...{ local_aliases: [], new_room_id: null },
            },
          },
        ],
      }),
    },
    ["rooms", ID],
  );
  await userEvent.click(page.getByRole("button", { name: "Delete the room" }));
  await expect.element(page.getByText(/3 of its 12 people are of this server/)).toBeVisible();
  await expect.element(page.getByText(/This cannot be undone/)).toBeVisible();
  await expectAccessible();
  await userEvent.fill(page.getByLabelText("Type #kitchen:one to confirm"), "#kitchen:one");
  await userEvent.click(page.getByRole("button", { name: "Delete the room" }).last());
  await eventually(() => expect(asked.some(({ what }) => what.startsWith("DELETE"))).toBe(true));
  await expect.element(page.getByText("People are being put out")).toBeVisible();
  await expectAccessible();

  navigate({ page: "admin", path: ["rooms"] });
  const bar = page.getByRole("progressbar", { name: "Deleting a room" });
  await expect.element(bar).toBeVisible();
  await expectNarrow();
  at = "purging";
  await expect.element(page.getByText("Messages and state are being deleted")).toBeVisible();
  navigate({ page: "admin", path: ["rooms", ID] });
  await eventually(() => expect($route.get()).toMatchObject({ path: ["rooms", ID] }));
  await expect.element(bar).toBeVisible();
  at = "complete";
  // The room is gone, and its page says so and what became of it.
  await expect.element(page.getByText(/does not know such a room/)).toBeVisible();
  await expect.element(page.getByText("Done", { exact: true })).toBeVisible();
  await expect.element(page.getByText(/Entries deleted from the database: 1,234/)).toBeVisible();
  await expectAccessible();
});

const event = (id: string, body: string) => ({
  ...{ type: "m.room.message", event_id: id, room_id: ID, sender: "@eve:one" },
  ...{ origin_server_ts: TS, content: { msgtype: "m.text", body } },
});

const report = {
  ...{ id: 7, kind: "event", state: "open", reporter: "@bob:one", received_ts: TS },
  ...{ reason: "Spam again", about: "@eve:one", event_id: "$bad", room_id: ID },
  room_name: "Kitchen",
};

const named = { ...event("$n", ""), type: "m.room.name", state_key: "" };
Object.assign(named, { content: { name: "Watches" } });
const put = { ...event("$p", ""), type: "m.room.member", state_key: "@bob:one" };
Object.assign(put, {
  content: { membership: "leave" },
  unsigned: { prev_content: { membership: "join" } },
});
const other = { ...event("$o", ""), type: "org.example.other" };
const hidden = event("$h", "||fake||");
Object.assign(hidden.content, {
  format: "org.matrix.custom.html",
  formatted_body: "They are <span data-mx-spoiler>fake</span>",
});

test("the queue of reports passes axe, and loses nothing at 320 px", async () => {
  await openPlace({ "GET /reports": () => ({ reports: [report], total: 1 }) }, ["reports"]);
  await expect.element(page.getByText("Spam again")).toBeVisible();
  await expectAccessible();
  await expectNarrow();
});

test("a report is decided by keyboard, with a note", async () => {
  const decisions: object[] = [];
  const { asked } = await openPlace(
    {
      "GET /reports/{reportId}": () => ({
        ...report,
        ...{ decisions, other_reports: [8], event: event("$bad", "Buy watches") },
        context: {
          event: event("$bad", "Buy watches"),
          events_before: [event("$a", "Is there tea?"), named, put, other],
          events_after: [event("$b", "Oh no"), hidden],
        },
      }),
      "POST /reports/{reportId}/decisions": ({ body }) => {
        decisions.push({
          ...{ id: 1, decision: body!["decision"], by: "@me:one", decided_ts: TS },
          ...{ state: "done", reason: body!["reason"] },
        });
        return {};
      },
    },
    ["reports", "7"],
  );
  await expect.element(page.getByText("Is there tea?")).toBeVisible();
  await expect.element(page.getByText("@eve:one named the room “Watches”")).toBeVisible();
  await expect.element(page.getByText("@eve:one removed @bob:one")).toBeVisible();
  await expect.element(page.getByText("They are [Spoiler: fake]")).toBeVisible();
  await expect.element(page.getByText("Another event: org.example.other")).toBeVisible();
  await expectNarrow();
  await tabTo(() => page.getByRole("button", { name: "Dismiss" }).element());
  await userEvent.keyboard("{Enter}");
  await expect.element(page.getByText(/Nothing is done, and the report is off/)).toBeVisible();
  await expectAccessible();
  await userEvent.fill(page.getByLabelText("Why (it is noted)"), "A joke among friends");
  await userEvent.keyboard("{Enter}");
  await expect.element(page.getByText("A joke among friends")).toBeVisible();
  expect(asked.find(({ what }) => what.startsWith("POST"))?.body).toEqual({
    ...{ decision: "dismiss", reason: "A joke among friends", settle_others: true },
  });
});

test("files pass axe, also one that was looked up", async () => {
  await openPlace(
    {
      "GET /background": () => IDLE,
      "GET /v1/media/{serverName}/{mediaId}": () => ({
        media_info: {
          ...{ media_origin: "one", media_id: "AbCdEf", media_type: "image/png" },
          ...{ media_length: 1_000, created_timestamp: TS, last_access_timestamp: null },
          ...{ user_id: "@eve:one", upload_name: "cat.png", quarantined_by: "@me:one" },
          ...{ safe_from_quarantine: false, sha256: null },
        },
      }),
    },
    ["media"],
  );
  const address = page.getByLabelText("Address of a file");
  await tabTo(() => address.element());
  await userEvent.keyboard("nonsense{Enter}");
  await expect.element(page.getByText(/looks like mxc:/)).toBeVisible();
  await expectAccessible();
  await userEvent.fill(address, "mxc://one/AbCdEf");
  await userEvent.keyboard("{Enter}");
  await expect.element(page.getByRole("button", { name: "Give back" })).toBeVisible();
  await expectAccessible();
  await expectNarrow();
});

test("old files are deleted in the background, with how far that is", async () => {
  let isBegun = false;
  let state = "running";
  const { asked } = await openPlace(
    {
      "POST /media/deletions": () => {
        isBegun = true;
        return { delete_id: "1" };
      },
      "GET /background": () => {
        const job = { id: "1", kind: "delete_media", state, started_ts: TS };
        const done = state === "running" ? 12_400 : 30_000;
        return isBegun ? { ...IDLE, work: [{ ...job, done, total: 30_000 }] } : IDLE;
      },
    },
    ["media"],
  );
  await userEvent.click(page.getByRole("button", { name: "Delete old files" }));
  await userEvent.click(page.getByRole("checkbox", { name: "Delete them for good" }));
  await expectAccessible();
  await userEvent.click(page.getByRole("button", { name: "Delete", exact: true }));
  await expect.element(page.getByText("Files deleted: 12,400 of 30,000")).toBeVisible();
  expect(asked.find(({ what }) => what.startsWith("POST"))?.body).toEqual({
    ...{ before_ts: expect.any(Number), size_gt: 0, keep_profiles: true },
  });
  await expectAccessible();
  state = "complete";
  await expect.element(page.getByText("Files deleted: 30,000 of 30,000")).toBeVisible();
  await expect.element(page.getByRole("progressbar")).not.toBeInTheDocument();
  await expectNarrow();
});

test("the audit log passes axe, and loses nothing at 320 px", async () => {
  await openPlace(
    {
      "GET /audit": () => ({
        entries: [
          {
            ...{ id: 1, ts: TS, user_id: "@me:one", device_id: "D", ip: "127.0.0.1" },
            ...{ operation: "suspendUser", outcome: "done", status: 200 },
            ...{ method: "PUT", path: "/_synapse/admin/v1/suspend/{userId}" },
            parameters: { userId: `@${"long".repeat(40)}:one`, suspend: true },
          },
          {
            ...{ id: 3, ts: TS, user_id: "@me:one", device_id: "D", ip: "127.0.0.1" },
            ...{ operation: "somethingNewer", outcome: "done", status: 200, parameters: {} },
            ...{ method: "", path: "" },
          },
          {
            ...{ id: 2, ts: TS, user_id: "@me:one", device_id: "D", ip: "127.0.0.1" },
            ...{ operation: "deleteRoom", outcome: "refused", status: 404 },
            ...{ errcode: "M_NOT_FOUND", parameters: { roomId: "!gone:one" } },
          },
        ],
      }),
    },
    ["audit"],
  );
  const row = page.getByRole("row").filter({ hasText: "Suspend an account" });
  await expect.element(row.getByText("Suspended: Yes")).toBeVisible();
  await expect.element(page.getByText("Refused: M_NOT_FOUND")).toBeVisible();
  await expect.element(page.getByRole("link", { name: "!gone:one" })).toBeVisible();
  await expect.element(page.getByText("somethingNewer", { exact: true }).first()).toBeVisible();
  // The names that the contract has are one key away.
  await expect.element(row.getByText("suspendUser", { exact: true })).not.toBeVisible();
  await userEvent.click(row.getByText("Suspend an account"));
  await expect.element(row.getByText("suspendUser", { exact: true })).toBeVisible();
  await expect.element(row.getByText("PUT /_synapse/admin/v1/suspend/{userId}")).toBeVisible();
  await expectAccessible();
  await expectNarrow();
});
