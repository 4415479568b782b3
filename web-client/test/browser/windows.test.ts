/** What is true of each window, whatever it is for. */
import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cdp, page, userEvent } from "vitest/browser";
import { amissControls } from "../../e2e/controls.mjs";
import { closeDialog, type DialogRequest, openDialog } from "../../src/store/dialogs.ts";
import { navigate } from "../../src/store/router.ts";
import { syncOf } from "../unit/events.ts";
import { eventually } from "../unit/eventually.ts";
import { asked, playEncryption } from "./encryption.ts";
import {
  ANN,
  createTestClient,
  expectAccessible,
  focused,
  ME,
  ROOM,
  settled,
  show,
} from "./support.ts";
import "../../src/dialogs/host.ts";

type Kind = DialogRequest["kind"];
const SPACE = "!space:one";
const LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen";

/** One of each kind, about a room in which this message was said. */
const requests = (
  eventId: string,
): { readonly [K in Kind]: Extract<DialogRequest, { kind: K }> } => ({
  "create-room": { kind: "create-room" },
  "create-space": { kind: "create-space" },
  "add-rooms": { kind: "add-rooms", spaceId: SPACE },
  "start-direct": { kind: "start-direct" },
  join: { kind: "join" },
  invite: { kind: "invite", roomId: ROOM },
  member: { kind: "member", roomId: ROOM, userId: ANN },
  report: { kind: "report", roomId: ROOM, eventId },
  "report-room": { kind: "report-room", roomId: ROOM, name: LONG },
  "report-person": { kind: "report-person", userId: ANN, name: LONG },
  image: { kind: "image", pictures: [{ file: { mxc: "mxc://one/a" }, name: LONG }], index: 0 },
  "go-to-date": { kind: "go-to-date", roomId: ROOM },
  export: { kind: "export", roomId: ROOM },
  "edit-history": { kind: "edit-history", roomId: ROOM, eventId },
  source: { kind: "source", roomId: ROOM, eventId },
  forward: { kind: "forward", roomId: ROOM, eventId },
  "encryption-setup": { kind: "encryption-setup" },
  "verify-device": { kind: "verify-device" },
  verification: { kind: "verification", id: "v1" },
  "key-file": { kind: "key-file", way: "import" },
  "room-encryption": { kind: "room-encryption", roomId: ROOM },
  commands: { kind: "commands" },
  reactions: { kind: "reactions", roomId: ROOM, eventId },
  "new-poll": { kind: "new-poll", roomId: ROOM },
  status: { kind: "status" },
  "sign-out": { kind: "sign-out" },
  palette: { kind: "palette" },
  shortcuts: { kind: "shortcuts" },
  act: {
    kind: "act",
    act: {
      heading: `Delete ${LONG}?`,
      text: `It has 3 members. ${LONG}`,
      undo: "It cannot be undone.",
      fields: [{ name: "why", label: LONG, type: "lines", isRequired: true }],
      typed: "!room:one",
      action: "Delete the room",
      isDanger: true,
      run: () => Promise.resolve(),
    },
  },
  confirm: {
    kind: "confirm",
    heading: `Leave ${LONG}?`,
    text: LONG,
    action: "Leave",
    danger: true,
    reason: "Why",
    choice: "For everybody",
    run: () => Promise.resolve(),
  },
});

const KINDS = Object.keys(requests("")) as Kind[];

/** A page with a button on which the keyboard is, and no window. */
async function open(kind: Kind): Promise<void> {
  const played = playEncryption();
  played.put(asked());
  const media = new Blob([], { type: "image/png" });
  const { client, store, make } = createTestClient(
    {
      "media.download": () => media,
      "media.thumbnail": () => media,
      "directory.searchUsers": () => [],
      "directory.publicRooms": () => ({ chunk: [] }),
      "reading.edits": () => ({ chunk: [] }),
    },
    played.encryption,
  );
  const said = make.message(ANN, LONG);
  const events = [
    make.state("m.room.create", ME, { room_version: "12" }),
    make.state("m.room.name", ME, { name: LONG }),
    make.member(ME, "join", "Me"),
    make.member(ANN, "join", LONG),
  ];
  store.apply(syncOf(ROOM, { state: { events }, timeline: { events: [said] } }), 0);
  const space = [
    make.state("m.room.create", ME, { room_version: "12", type: "m.space" }),
    make.state("m.room.name", ME, { name: LONG }),
    make.member(ME, "join", "Me"),
  ];
  store.apply(syncOf(SPACE, { state: { events: space } }), 0);
  await show(
    html`<main>
      <button>Where it came from</button>
      <weft-dialog-host .client=${client}></weft-dialog-host>
    </main>`,
    client,
  );
  (origin().element() as HTMLElement).focus();
  openDialog(requests(said.event_id)[kind]);
  await expect.element(page.getByRole("dialog")).toBeVisible();
  await settled();
}

const origin = () => page.getByRole("button", { name: "Where it came from" });

/** All elements of a tree and its shadows that are drawn. */
function drawn(root: ParentNode): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>("*")].flatMap((each) => [
    ...(each.checkVisibility({ visibilityProperty: true }) ? [each] : []),
    ...(each.shadowRoot === null ? [] : drawn(each.shadowRoot)),
  ]);
}

const within = () => drawn(document.querySelector("weft-dialog-host")!.shadowRoot!);
const told = (each: Element) => each.outerHTML.slice(0, 120);

/** What cannot be seen whole, however one scrolls. */
async function lost(): Promise<string[]> {
  await settled();
  return amissControls("lost");
}

beforeEach(async () => {
  await page.viewport(1000, 700);
  localStorage.clear();
  navigate({ page: "home" }, true);
});
afterEach(async () => {
  closeDialog();
  await cdp().send("Emulation.setEmulatedMedia", { features: [] });
});

describe.each(KINDS)("the window %s", (kind) => {
  test("has a name, holds the keyboard, and gives it back when it is closed", async () => {
    await open(kind);
    const dialog = page.getByRole("dialog");
    await expect.element(dialog).toHaveAccessibleName();
    const host = document.querySelector("weft-dialog-host")!;
    await eventually(() => {
      expect(document.activeElement).toBe(host);
      expect(focused()).not.toBe(host);
    });
    await expectAccessible();
    await userEvent.keyboard("{Escape}");
    // What was written into it is asked about before it is lost.
    await expect.element(dialog).not.toBeInTheDocument();
    await eventually(() => expect(focused()?.textContent).toBe("Where it came from"));
  });

  test("loses nothing on a small screen, nor at 200 %", async () => {
    await open(kind);
    for (const [width, height] of [
      [320, 568],
      [640, 350],
    ] as const) {
      await page.viewport(width, height);
      expect(await lost(), `${width} px`).toEqual([]);
      const wide = within().filter(
        (each) => each.getBoundingClientRect().right > innerWidth + 1 && !isScrolled(each),
      );
      expect(wide.map(told), `${width} px`).toEqual([]);
    }
    await page.viewport(1000, 700);
    document.documentElement.style.fontSize = "200%";
    try {
      expect(await lost(), "letters of 200 %").toEqual([]);
    } finally {
      document.documentElement.style.fontSize = "";
    }
  });

  test("shows where the keyboard is in forced colours", async () => {
    await open(kind);
    await cdp().send("Emulation.setEmulatedMedia", {
      features: [{ name: "forced-colors", value: "active" }],
    });
    await settled();
    expect(amissControls("unmarked")).toEqual([]);
  });
});

/** Whether something around it scrolls sideways, so that it can be brought into view. */
function isScrolled(element: Element): boolean {
  for (let at: Node | null = element; at !== null; at = at.parentNode ?? (at as ShadowRoot).host) {
    if (at instanceof Element && ["auto", "scroll"].includes(getComputedStyle(at).overflowX))
      return true;
  }
  return false;
}

test("a control that cannot be brought into view is found, and one that hides that it has the keyboard", async () => {
  const aside = html`<button style="position: fixed; left: -500px">aside</button>`;
  const hiding = html`<button class="hiding" style="outline: none">hiding</button>`;
  // The box that it stands in shows it.
  const box = html`<style>
      .box:focus-within {
        outline: 2px solid;
      }
    </style>
    <div class="box"><button style="outline: none">shown by its box</button></div>`;
  const { client } = createTestClient();
  await show(html`<main><button>sound</button>${aside}${hiding}${box}</main>`, client);
  const words = (found: string[]) =>
    found.map((one) => />([^<]+)</.exec(one.replace(/<!--.*?-->/g, ""))?.[1]);
  expect(words(await lost())).toEqual(["aside"]);
  expect(words(amissControls("unmarked"))).toEqual(["hiding"]);
});
