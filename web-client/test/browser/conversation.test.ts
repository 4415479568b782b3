import { html } from "lit";
import { beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../unit/eventually.ts";
import { page, userEvent } from "vitest/browser";
import type { WeftComposer } from "../../src/elements/composer.ts";
import type { WeftTimeline } from "../../src/elements/timeline.ts";
import { navigate } from "../../src/store/router.ts";
import { syncOf } from "../unit/events.ts";
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
import "../../src/pages/room.ts";

type Answers = Parameters<typeof createTestClient>[0];

/** A room with Ann in it, on the page. */
async function openRoom(answers: Answers = {}, messages = 3) {
  const { client, store, calls, make, $status } = createTestClient(answers);
  const state = [
    make.state("m.room.create", ME, { room_version: "12" }),
    make.state("m.room.name", ME, { name: "Weaving" }),
    make.member(ME, "join", "Me"),
    make.member(ANN, "join", "Ann"),
  ];
  const said = Array.from({ length: messages }, (_, at) =>
    make.message(at % 3 === 0 ? ME : ANN, `message ${at}`),
  );
  store.apply(
    syncOf(ROOM, { state: { events: state }, timeline: { events: said, prev_batch: "p1" } }),
    0,
  );
  navigate({ page: "room", room: ROOM, via: [] }, true);
  const place = { page: "room" as const, room: ROOM, via: [] };
  const stage = await show(html`<weft-room .client=${client} .place=${place}></weft-room>`, client);
  const bring = async (data: Parameters<typeof syncOf>[1]): Promise<void> => {
    store.apply(syncOf(ROOM, data), 0);
    await settled();
  };
  const timeline = (): WeftTimeline =>
    stage.querySelector("weft-room")!.shadowRoot!.querySelector("weft-timeline")!;
  return { client, calls, make, said, stage, bring, timeline, $status };
}

const field = () => page.getByRole("textbox", { name: "Write to Weaving" });
const article = (name: RegExp) => page.getByRole("article", { name });

beforeEach(async () => {
  await page.viewport(1000, 700);
});

describe("the conversation", () => {
  test("shows who said what, and passes axe in both themes", async () => {
    const { bring, make, said } = await openRoom();
    await bring({
      timeline: {
        events: [
          make.reaction(ANN, said[0]!.event_id, "👍"),
          make.edit(ANN, said[1]!.event_id, "message edited"),
          make.redaction(ANN, said[2]!.event_id),
          make.event("m.room.message", ANN, {
            msgtype: "m.file",
            body: "plan.pdf",
            url: "mxc://one/x",
            info: { size: 9 },
          }),
          make.event("m.room.message", ANN, {
            msgtype: "m.text",
            body: "rich",
            format: "org.matrix.custom.html",
            formatted_body:
              "<b>rich</b> <code>code</code> <a href='https://x.example'>link</a> <blockquote>quote</blockquote>",
          }),
        ],
      },
      ephemeral: { events: [{ type: "m.typing", content: { user_ids: [ANN] } }] },
    });
    await expect.element(page.getByText(/message edited/)).toBeVisible();
    await expect.element(page.getByText("(edited)")).toBeVisible();
    await expect.element(page.getByText("Message deleted")).toBeVisible();
    await expect.element(page.getByText("Ann is writing…")).toBeVisible();
    await expect.element(page.getByRole("button", { name: /^👍, 1: Ann/ })).toBeVisible();
    await expectAccessible();
  });

  test("a message is sent with Enter, shows at once and is not doubled by its echo", async () => {
    const { calls, bring, make } = await openRoom();
    await userEvent.fill(field(), "hello **there**");
    await userEvent.keyboard("{Enter}");
    await expect.element(article(/Me, .*: hello/)).toBeVisible();
    await eventually(() => expect(calls.find(({ name }) => name === "rooms.send")).toBeDefined());
    const [, type, txnId, content] = calls.find(({ name }) => name === "rooms.send")!.args;
    expect(type).toBe("m.room.message");
    expect(content).toMatchObject({
      body: "hello **there**",
      formatted_body: "hello <strong>there</strong>",
    });
    await bring({
      timeline: {
        events: [make.message(ME, "hello", { unsigned: { transaction_id: txnId as string } })],
      },
    });
    expect(article(/: hello/).elements()).toHaveLength(1);
  });

  test("Shift and Enter make a new line", async () => {
    const { calls } = await openRoom();
    await userEvent.click(field());
    await userEvent.keyboard("one{Shift>}{Enter}{/Shift}two");
    await expect.element(field()).toHaveValue("one\ntwo");
    expect(calls.some(({ name }) => name === "rooms.send")).toBe(false);
  });

  test("a refused message says so and can be dropped", async () => {
    const { ApiError } = await import("../../src/api/errors.ts");
    await openRoom({
      "rooms.send": () => Promise.reject(new ApiError(403, { errcode: "M_FORBIDDEN" })),
    });
    await userEvent.fill(field(), "no way");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/Not sent\./)).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Discard" }));
    await expect.element(page.getByText(/no way/)).not.toBeInTheDocument();
  });

  test("Arrow up edits the last message of one's own", async () => {
    const { calls, said } = await openRoom();
    await userEvent.click(field());
    await userEvent.keyboard("{ArrowUp}");
    await expect.element(field()).toHaveValue("message 0");
    await userEvent.fill(field(), "better");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(calls.some(({ name }) => name === "rooms.send")).toBe(true));
    expect(calls.find(({ name }) => name === "rooms.send")!.args[3]).toMatchObject({
      "m.new_content": { body: "better" },
      "m.relates_to": { rel_type: "m.replace", event_id: said[0]!.event_id },
    });
  });

  test("a name is completed after @ and mentioned", async () => {
    const { calls } = await openRoom();
    await userEvent.click(field());
    await userEvent.keyboard("hi @an");
    await expect.element(page.getByRole("option", { name: /Ann/ })).toBeVisible();
    await expectAccessible();
    await userEvent.keyboard("{Enter}");
    await expect.element(field()).toHaveValue("hi @Ann ");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(calls.some(({ name }) => name === "rooms.send")).toBe(true));
    expect(calls.find(({ name }) => name === "rooms.send")!.args[3]).toMatchObject({
      "m.mentions": { user_ids: [ANN] },
    });
  });

  test("messages are reached and answered by keyboard alone", async () => {
    const { calls, said } = await openRoom();
    (document.activeElement as HTMLElement | null)?.blur();
    article(/message 2/)
      .element()
      .focus();
    await userEvent.keyboard("{ArrowUp}");
    await expect.poll(() => focused()).toBe(article(/message 1/).element());
    await userEvent.keyboard("r");
    await expect.poll(() => focused()).toBe(field().element());
    await userEvent.keyboard("yes{Enter}");
    await eventually(() => expect(calls.some(({ name }) => name === "rooms.send")).toBe(true));
    expect(calls.find(({ name }) => name === "rooms.send")!.args[3]).toMatchObject({
      "m.relates_to": { "m.in_reply_to": { event_id: said[1]!.event_id } },
    });
  });

  test("the tools of a message open a menu that the keyboard works", async () => {
    const { stage } = await openRoom();
    article(/Ann, .*message 1/)
      .element()
      .focus();
    await settled();
    await userEvent.click(article(/message 1/).getByRole("button", { name: "More" }));
    await expect
      .poll(() => focused())
      .toBe(page.getByRole("menuitem", { name: "Copy text" }).element());
    await expectAccessible();
    await userEvent.keyboard("{ArrowDown}{ArrowDown}");
    await expect
      .poll(() => focused())
      .toBe(page.getByRole("menuitem", { name: "Report" }).element());
    await userEvent.keyboard("{Escape}");
    expect(page.getByRole("menuitem").elements()).toHaveLength(0);
    expect(stage.isConnected).toBe(true);
  });

  test("a person who may not write is told so", async () => {
    const { bring, make } = await openRoom();
    await bring({
      timeline: {
        events: [
          make.state("m.room.create", ANN, { room_version: "12" }),
          make.state("m.room.power_levels", ANN, { events_default: 50 }),
        ],
      },
    });
    await expect.element(page.getByText("You may read here, but not write.")).toBeVisible();
  });
});

describe("files", () => {
  /** An upload that the test finishes, with a server that takes at most 1000 bytes. */
  function uploading() {
    const upload = {
      finish: (_mxc: string): void => undefined,
      progress: (_share: number): void => undefined,
      cancelled: false,
    };
    const answers = {
      "media.uploadLimit": () => 1000,
      "media.upload": (_file: File, _name: string, onProgress: (share: number) => void) => {
        upload.progress = onProgress;
        const done = new Promise<string>((resolve, reject) => {
          upload.finish = resolve;
          Object.assign(upload, { reject });
        });
        const cancel = (): void => {
          upload.cancelled = true;
          (upload as unknown as { reject(error: unknown): void }).reject(
            new DOMException("", "AbortError"),
          );
        };
        return { done, cancel };
      },
    };
    return { upload, answers };
  }

  function choose(stage: HTMLElement, ...files: File[]): void {
    const room = stage.querySelector("weft-room")!.shadowRoot!;
    room.querySelector<WeftComposer>("weft-composer")!.addFiles(files);
  }

  const send = () => page.getByRole("button", { name: "Send", exact: true });

  test("wait till they are sent, show how far they are, and become messages", async () => {
    const { upload, answers } = uploading();
    const { stage, calls } = await openRoom(answers);
    choose(stage, new File(["hello"], "notes.txt", { type: "text/plain" }));
    await expect.element(page.getByText("notes.txt")).toBeVisible();
    expect(calls.some(({ name }) => name === "media.upload")).toBe(false);
    await expectAccessible();
    await userEvent.click(send());
    await eventually(() => expect(calls.some(({ name }) => name === "media.upload")).toBe(true));
    upload.progress(0.4);
    await expect.element(page.getByText("40 %")).toBeVisible();
    await expectAccessible();
    upload.finish("mxc://one/abc");
    await eventually(() => expect(calls.some(({ name }) => name === "rooms.send")).toBe(true));
    expect(calls.find(({ name }) => name === "rooms.send")!.args[3]).toMatchObject({
      msgtype: "m.file",
      body: "notes.txt",
      url: "mxc://one/abc",
      info: { size: 5, mimetype: "text/plain" },
    });
    expect(page.getByRole("list", { name: "Files to send" }).elements()).toHaveLength(0);
  });

  test("can be stopped on their way", async () => {
    const { upload, answers } = uploading();
    const { stage, calls } = await openRoom(answers);
    choose(stage, new File(["hello"], "notes.txt", { type: "text/plain" }));
    await userEvent.click(send());
    await eventually(() => expect(calls.some(({ name }) => name === "media.upload")).toBe(true));
    await userEvent.click(page.getByRole("button", { name: "Cancel notes.txt" }));
    expect(upload.cancelled).toBe(true);
    expect(page.getByRole("list", { name: "Files to send" }).elements()).toHaveLength(0);
    expect(calls.some(({ name }) => name === "rooms.send")).toBe(false);
  });

  test("that are too large for the server are not even begun", async () => {
    const { answers } = uploading();
    const { stage, calls } = await openRoom(answers);
    choose(stage, new File([new Uint8Array(2000)], "big.bin"));
    await userEvent.click(send());
    await expect.element(page.getByText("Not sent")).toBeVisible();
    expect(calls.some(({ name }) => name === "media.upload")).toBe(false);
  });
});

test("nothing is written openly in an encrypted room", async () => {
  const { bring, make } = await openRoom();
  await bring({
    timeline: {
      events: [make.state("m.room.encryption", ME, { algorithm: "m.megolm.v1.aes-sha2" })],
    },
  });
  await expect.element(page.getByText(/This room is encrypted/)).toBeVisible();
  expect(page.getByRole("textbox").elements()).toHaveLength(0);
});

test("a message that a finger has touched keeps its tools", async () => {
  await openRoom();
  const line = article(/message 1/).element();
  const touch = { pointerType: "touch", bubbles: true, composed: true };
  line.dispatchEvent(new PointerEvent("pointerdown", touch));
  page.getByRole("feed").element().dispatchEvent(new PointerEvent("pointerleave", touch));
  await settled();
  await expect.element(page.getByRole("button", { name: "Reply" })).toBeVisible();
});

describe("the way through history", () => {
  /** Pages of twenty older messages, five of them. */
  function history() {
    let pageNumber = 0;
    const events = (from: number) =>
      Array.from({ length: 20 }, (_, at) => ({
        event_id: `$old${from + at}`,
        type: "m.room.message",
        sender: ANN,
        origin_server_ts: Date.UTC(2026, 0, 4) - (from + at) * 60_000,
        content: {
          msgtype: "m.text",
          body: `old ${from + at} ${"words ".repeat((from + at) % 40)}`,
        },
      }));
    return {
      "rooms.messages": () => {
        pageNumber++;
        return {
          chunk: events(pageNumber * 20),
          ...(pageNumber < 5 ? { end: `p${pageNumber + 1}` } : {}),
        };
      },
    };
  }

  test("older messages are fetched without moving what is being read", async () => {
    const { timeline } = await openRoom(history(), 40);
    await eventually(() => expect(page.getByRole("article").elements().length).toBeGreaterThan(10));
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    const gap = (): number => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    await eventually(() => expect(gap()).toBeLessThan(3));
    for (let step = 0; step < 30; step++) {
      const rows = [...timeline().shadowRoot!.querySelectorAll<HTMLElement>(".row")];
      const held = rows.find((row) => row.getBoundingClientRect().top > 120)!;
      const [label, before] = [held.getAttribute("aria-label"), held.getBoundingClientRect().top];
      const room = Math.min(150, scroller.scrollTop);
      scroller.scrollTop -= room;
      await settled();
      const after = [...timeline().shadowRoot!.querySelectorAll<HTMLElement>(".row")].find(
        (row) => row.getAttribute("aria-label") === label,
      );
      if (room === 150)
        expect(Math.abs(after!.getBoundingClientRect().top - before - room)).toBeLessThan(6);
    }
    scroller.scrollTop = 0;
    await expect.element(page.getByText("This is where the conversation begins.")).toBeVisible();
    expect(page.getByRole("article").elements().length).toBeLessThan(70);
  });

  test("older messages that are on a server which does not answer can be asked for again", async () => {
    let isThere = false;
    await openRoom({
      "rooms.messages": (_room: string, from?: string) => {
        return isThere ? { chunk: [] } : { chunk: [], end: from ?? "p1" };
      },
    });
    const again = page.getByRole("button", { name: /could not be fetched/ });
    await expect.element(again).toBeVisible();
    await expectAccessible();
    isThere = true;
    await userEvent.click(again);
    await expect.element(page.getByText("This is where the conversation begins.")).toBeVisible();
  });

  test("a new message is followed at the end and only counted further up", async () => {
    const { timeline, bring, make } = await openRoom(history(), 40);
    const scroller = timeline().shadowRoot!.querySelector(".scroller")!;
    const gap = (): number => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    await bring({ timeline: { events: [make.message(ANN, "followed")] } });
    await eventually(() => expect(gap()).toBeLessThan(3));
    scroller.scrollTop -= 500;
    await settled();
    const before = scroller.scrollTop;
    await bring({ timeline: { events: [make.message(ANN, "counted")] } });
    expect(Math.abs(scroller.scrollTop - before)).toBeLessThan(3);
    await userEvent.click(page.getByRole("button", { name: "1 new" }));
    await eventually(() => expect(gap()).toBeLessThan(3));
    await expect.element(article(/counted/)).toBeVisible();
  });

  test("what has been in sight is marked as read", async () => {
    const { calls, bring, make } = await openRoom();
    window.focus();
    const last = make.message(ANN, "newest");
    await bring({ timeline: { events: [last] }, unread_notifications: { notification_count: 1 } });
    if (document.hasFocus()) {
      await eventually(() =>
        expect(calls.filter(({ name }) => name === "rooms.markRead").at(-1)?.args[1]).toBe(
          last.event_id,
        ),
      );
    }
  });
});
