import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "../../src/api/errors.ts";
import { $notifications, followNews, setNotifications } from "../../src/store/notifier.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import {
  $route,
  followAddress,
  hrefTo,
  hrefToRoom,
  navigate,
  parseRoute,
  type Route,
} from "../../src/store/router.ts";
import { $theme, applyTheme, setTheme } from "../../src/store/theme.ts";
import { $toasts, attempt, dismiss, report, toast } from "../../src/store/toasts.ts";
import { createEvents, syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";

const ME = "@me:one";
const ROOM = "!room:one";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  localStorage.clear();
});

describe("notes for what is new", () => {
  const notes: { title: string; body?: string | undefined; click: () => void }[] = [];
  let stop = (): void => undefined;
  let store = new RoomStore(ME);

  /** A browser that has given its permission, whose page is not looked at. */
  function unseen(permission = "granted"): void {
    vi.spyOn(document, "hasFocus").mockReturnValue(false);
    class PlayedNotification extends EventTarget {
      static permission = permission;
      static requestPermission = () => Promise.resolve(permission);
      constructor(title: string, options: NotificationOptions) {
        super();
        const click = (): boolean => this.dispatchEvent(new Event("click"));
        notes.push({ title, body: options.body, click });
      }
      close(): void {}
    }
    vi.stubGlobal("Notification", PlayedNotification);
  }

  const make = createEvents();
  function bring(count: number, body: string, roomId = ROOM): void {
    const unread_notifications = { notification_count: count, highlight_count: 0 };
    const timeline = { events: [make.message("@ann:one", body)] };
    store.apply(syncOf(roomId, { timeline, unread_notifications }), 0);
  }

  beforeEach(async () => {
    notes.length = 0;
    unseen();
    await setNotifications(true);
    store = new RoomStore(ME);
    const name = make.state("m.room.name", ME, { name: "Weaving" });
    store.apply(syncOf(ROOM, { state: { events: [name] } }), 0);
    bring(1, "old");
    stop = followNews(store, () => true);
  });
  afterEach(() => stop());

  test("come for what the server counts, and for nothing that was there before", () => {
    expect(notes).toEqual([]);
    bring(2, "hello");
    expect(notes).toMatchObject([{ title: "Weaving", body: "ann: hello" }]);
    bring(2, "silent");
    bring(0, "read elsewhere");
    expect(notes).toHaveLength(1);
    bring(1, "again");
    expect(notes).toHaveLength(2);
  });

  test("come for invitations, without words of strangers", () => {
    const events = [
      { type: "m.room.name", state_key: "", sender: "@eve:evil", content: { name: "Party" } },
    ];
    store.apply(
      { next_batch: "s", rooms: { invite: { "!i:one": { invite_state: { events } } } } },
      0,
    );
    expect(notes).toMatchObject([{ title: "Party", body: "" }]);
  });

  test("do not come while the page has the person's attention", () => {
    vi.spyOn(document, "hasFocus").mockReturnValue(true);
    bring(2, "seen");
    expect(notes).toEqual([]);
  });

  test("lead to the room", () => {
    bring(2, "hello");
    notes[0]!.click();
    expect(location.hash).toBe(hrefToRoom(ROOM));
  });

  test("end with the one who was followed, and when they are switched off", async () => {
    await setNotifications(false);
    bring(2, "hello");
    await setNotifications(true);
    stop();
    bring(3, "hello");
    expect(notes).toEqual([]);
  });

  test("need the browser's permission, and are off without it", async () => {
    unseen("denied");
    expect(await setNotifications(true)).toBe(false);
    expect($notifications.get()).toBe(false);
    expect(localStorage.getItem("weft.notifications")).toBe("off");
    unseen();
    expect(await setNotifications(true)).toBe(true);
    expect(localStorage.getItem("weft.notifications")).toBe("on");
    unseen("denied");
    bring(2, "hello");
    expect(notes).toEqual([]);
  });

  test("that a phone's browser will not open do no harm", () => {
    vi.stubGlobal(
      "Notification",
      class {
        static permission = "granted";
        constructor() {
          throw new TypeError("Illegal constructor");
        }
      },
    );
    bring(2, "hello");
    expect(store.summary(ROOM)?.unread).toBe(2);
  });
});

describe("the address", () => {
  test.each<[string, Route]>([
    ["", { page: "home" }],
    ["#/nowhere", { page: "home" }],
    ["#/room/", { page: "home" }],
    ["#/register", { page: "register" }],
    ["#/settings", { page: "settings", section: "profile" }],
    ["#/settings/devices", { page: "settings", section: "devices" }],
    ["#/room/%E0%A4%A", { page: "room", room: "%E0%A4%A", via: [] }],
    [
      "#/room/!a%3Ab/%24e?via=x&via=y&z=1",
      { page: "room", room: "!a:b", eventId: "$e", via: ["x", "y"] },
    ],
  ])("%s leads to %j", (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
  });

  test.each<Route>([
    { page: "home" },
    { page: "sign-in" },
    { page: "directory" },
    { page: "settings", section: "devices" },
    { page: "room", room: "#a/b?c:d", via: ["x&y"] },
    { page: "room", room: "!a:b", eventId: "$e/1", via: [] },
  ])("of %j leads back there", (route) => {
    expect(parseRoute(hrefTo(route))).toEqual(route);
  });

  test("is followed until one stops, and can be replaced without a trace", async () => {
    const stop = followAddress();
    navigate({ page: "directory" });
    await eventually(() => expect($route.get()).toEqual({ page: "directory" }));
    const before = history.length;
    navigate({ page: "settings", section: "profile" }, true);
    expect($route.get()).toEqual({ page: "settings", section: "profile" });
    expect(history.length).toBe(before);
    stop();
    const moved = new Promise((resolve) =>
      window.addEventListener("hashchange", resolve, { once: true }),
    );
    navigate({ page: "home" });
    await moved;
    expect($route.get().page).toBe("settings");
  });
});

describe("the theme", () => {
  test("is on the page, and kept by this browser", () => {
    const stop = applyTheme();
    setTheme("dark");
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect(localStorage.getItem("weft.theme")).toBe("dark");
    stop();
    setTheme("light");
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect($theme.get()).toBe("light");
  });
});

describe("toasts", () => {
  beforeEach(() => $toasts.set([]));
  const texts = () => $toasts.get().map(({ text }) => text);

  test("are four at most, the newest last, none of them twice", () => {
    for (const text of ["a", "b", "c", "d", "e", "c"]) toast(text);
    expect(texts()).toEqual(["b", "d", "e", "c"]);
  });

  test("go when they are dismissed", () => {
    toast("a");
    toast("b", "error");
    dismiss($toasts.get()[0]!.id);
    expect($toasts.get()).toMatchObject([{ kind: "error", text: "b" }]);
  });

  test("tell what went wrong, but not what the person stopped", async () => {
    report(new DOMException("", "AbortError"));
    expect(texts()).toEqual([]);
    const refusal = new ApiError(403, { errcode: "M_FORBIDDEN", error: "No" });
    expect(await attempt(() => Promise.reject(refusal))).toBeUndefined();
    expect($toasts.get()).toMatchObject([{ kind: "error" }]);
    expect(await attempt(() => Promise.resolve(7))).toBe(7);
    expect($toasts.get()).toHaveLength(1);
  });
});
