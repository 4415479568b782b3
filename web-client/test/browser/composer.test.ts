import { html } from "lit";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import type { WeftComposer } from "../../src/elements/composer.ts";
import { navigate } from "../../src/store/router.ts";
import { $dialog } from "../../src/store/dialogs.ts";
import { ApiError } from "../../src/api/errors.ts";
import { eventually } from "../unit/eventually.ts";
import { article, field, openRoom } from "./open-room.ts";
import { ANN, expectAccessible, focused, ME, ROOM, settled, show } from "./support.ts";

beforeEach(async () => {
  await page.viewport(1000, 700);
});

type Opened = Awaited<ReturnType<typeof openRoom>>;

const sentOf = ({ calls }: Opened): Record<string, unknown>[] =>
  calls
    .filter(({ name }) => name === "rooms.send")
    .map(({ args }) => args[3] as Record<string, unknown>);

async function write(text: string): Promise<void> {
  await userEvent.click(field());
  await userEvent.fill(field(), text);
}

test("who sends by the button writes on: the keyboard is in the field", async () => {
  const room = await openRoom();
  const send = page.getByRole("button", { name: "Send", exact: true });
  await write("by the pointer");
  await userEvent.click(send);
  await eventually(() => expect(sentOf(room)).toHaveLength(1));
  expect(focused()).toBe(field().element());
  await write("by its key");
  (send.element() as HTMLElement).focus();
  await userEvent.keyboard("{Enter}");
  await eventually(() => expect(sentOf(room)).toHaveLength(2));
  expect(focused()).toBe(field().element());
});

describe("commands", () => {
  test("are offered with what they do while a slash begins the message", async () => {
    await openRoom();
    await write("/to");
    const offer = page.getByRole("option", { name: /^\/topic/ });
    await expect.element(offer).toBeVisible();
    await expect.element(offer.getByText("Say what this room is about")).toBeVisible();
    await expectAccessible();
    await userEvent.keyboard("{Enter}");
    await expect.element(field()).toHaveValue("/topic ");
  });

  test("do what they say, and are not posted", async () => {
    const room = await openRoom();
    await write("/topic Looms and yarn");
    await userEvent.keyboard("{Enter}");
    await eventually(() =>
      expect(room.calls.find(({ name }) => name === "rooms.setState")?.args).toEqual([
        ROOM,
        "m.room.topic",
        { topic: "Looms and yarn" },
      ]),
    );
    await expect.element(field()).toHaveValue("");
    expect(sentOf(room)).toEqual([]);
  });

  test("that nobody knows are told, stay in the field, and go as text behind a second slash", async () => {
    const room = await openRoom();
    await write("/tpoic Looms");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByRole("alert").getByText(/no command \/tpoic/)).toBeVisible();
    await expect.element(field()).toHaveValue("/tpoic Looms");
    await expectAccessible();
    expect(sentOf(room)).toEqual([]);
    await write("//tpoic Looms");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(sentOf(room)).toMatchObject([{ body: "/tpoic Looms" }]));
  });

  test("a path is no command", async () => {
    const room = await openRoom();
    await write("/usr/bin/loom is there");
    await userEvent.keyboard("{Enter}");
    await eventually(() =>
      expect(sentOf(room)).toMatchObject([{ body: "/usr/bin/loom is there" }]),
    );
  });

  test("say what the server has against them, beside the field", async () => {
    await openRoom({
      "rooms.invite": () => {
        throw new ApiError(403, { errcode: "M_FORBIDDEN" });
      },
    });
    await write("/invite @bob:two");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByRole("alert").getByText(/not allowed/)).toBeVisible();
    await expect.element(field()).toHaveValue("/invite @bob:two");
    await write("/invite bob");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByRole("alert").getByText(/full address/)).toBeVisible();
  });

  test("and all of them are explained by /help", async () => {
    await openRoom();
    await write("/help");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect($dialog.get()).toEqual({ kind: "commands" }));
    await import("../../src/dialogs/commands.ts");
    await show(html`<weft-commands></weft-commands>`);
    await expect.element(page.getByText("Remove someone and keep them out")).toBeVisible();
    await expectAccessible();
  });
});

describe("words in the making", () => {
  test("an emoji is offered by its name, and taken when its name is closed", async () => {
    const room = await openRoom();
    await write("well :smil");
    await expect.element(page.getByRole("option", { name: /:smile:/ })).toBeVisible();
    await expectAccessible();
    await userEvent.keyboard("{Escape}");
    await userEvent.keyboard("e:");
    await expect.element(field()).toHaveValue("well 😄");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(sentOf(room)).toMatchObject([{ body: "well 😄" }]));
  });

  test("someone is mentioned by the first letters, and only they are called", async () => {
    const room = await openRoom();
    await write("hello @an");
    await userEvent.keyboard("{Enter}");
    await expect.element(field()).toHaveValue("hello @Ann ");
    await userEvent.keyboard("and `@Ann`{Enter}");
    await eventually(() => expect(sentOf(room)).toHaveLength(1));
    expect(sentOf(room)[0]).toMatchObject({
      "m.mentions": { user_ids: [ANN] },
      formatted_body:
        'hello <a href="https://matrix.to/#/%40ann%3Atwo">Ann</a> and <code>@Ann</code>',
    });
  });

  test("someone who is not in the room is found in the directory, when nobody here is meant", async () => {
    const room = await openRoom({
      "account.searchUsers": () => [
        { user_id: "@zoe:three", display_name: "Zoe" },
        { user_id: ME, display_name: "Me" },
      ],
    });
    await write("hello @zo");
    const offer = page.getByRole("option", { name: /Zoe/ });
    await expect.element(offer).toBeVisible();
    await expect.element(page.getByText("@zoe:three, not in this room")).toBeVisible();
    await expectAccessible();
    await userEvent.keyboard("{Enter}");
    await expect.element(field()).toHaveValue("hello @Zoe ");
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(sentOf(room)).toHaveLength(1));
    expect(sentOf(room)[0]).toMatchObject({ "m.mentions": { user_ids: ["@zoe:three"] } });
    // Who is here is offered at once, and the server is asked nothing more.
    const asked = () => room.calls.filter(({ name }) => name === "account.searchUsers").length;
    const before = asked();
    await write("hello @an");
    await expect.element(page.getByRole("option", { name: /Ann/ })).toBeVisible();
    expect(asked()).toBe(before);
  });

  test("marks go around what is selected, by key and by the bar, and can be undone", async () => {
    await openRoom();
    await write("bold words");
    const area = field().element() as HTMLTextAreaElement;
    area.setSelectionRange(0, 4);
    await userEvent.keyboard("{Control>}b{/Control}");
    expect(area.value).toBe("**bold** words");
    await userEvent.keyboard("{Control>}b{/Control}");
    expect(area.value).toBe("bold words");
    await userEvent.click(page.getByRole("button", { name: "Formatting" }));
    area.setSelectionRange(5, 10);
    await userEvent.click(page.getByRole("button", { name: "Spoiler" }));
    expect(area.value).toBe("bold ||words||");
    await expectAccessible();
    area.focus();
    await userEvent.keyboard("{Control>}z{/Control}");
    expect(area.value).toBe("bold words");
  });

  test("the bar is one stop of the keyboard, with arrows inside", async () => {
    await openRoom();
    await userEvent.click(page.getByRole("button", { name: "Formatting" }));
    const bold = page.getByRole("button", { name: "Bold" });
    await expect.element(bold).toBeVisible();
    (bold.element() as HTMLElement).focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(focused()?.ariaLabel).toBe("Italic");
    await userEvent.keyboard("{End}");
    expect(focused()?.ariaLabel).toBe("Spoiler");
  });
});

describe("a draft", () => {
  const leave = () => show(html`<p>elsewhere</p>`);
  const back = ({ client }: Opened) => {
    navigate({ page: "room", room: ROOM, via: [] }, true);
    const place = { page: "room" as const, room: ROOM, via: [] };
    return show(html`<weft-room .client=${client} .place=${place}></weft-room>`, client);
  };

  test("is there again after one was elsewhere, with whom it answers and mentions", async () => {
    const room = await openRoom();
    (article(/Ann, .*: message 1/).element() as HTMLElement).focus();
    await userEvent.keyboard("r");
    await userEvent.click(field());
    await userEvent.keyboard("dear @an{Enter}wait");
    expect(room.client.drafts.get(ROOM)).toEqual({
      text: "dear @Ann wait",
      mentions: [{ userId: ANN, name: "Ann" }],
      replyTo: room.said[1]!.event_id,
    });
    await leave();
    await back(room);
    await expect.element(field()).toHaveValue("dear @Ann wait");
    await expect.element(page.getByText("Answer to Ann")).toBeVisible();
    await userEvent.click(field());
    await userEvent.keyboard("{Enter}");
    await eventually(() => expect(sentOf(room)).toHaveLength(1));
    expect(sentOf(room)[0]).toMatchObject({
      "m.relates_to": { "m.in_reply_to": { event_id: room.said[1]!.event_id } },
    });
    expect(room.client.drafts.get(ROOM)).toBeUndefined();
  });

  test("stands aside while a message is changed, and comes back then", async () => {
    const room = await openRoom();
    await write("half a thought");
    (article(/Me, .*: message 0/).element() as HTMLElement).focus();
    await userEvent.keyboard("e");
    await expect.element(field()).toHaveValue("message 0");
    await userEvent.fill(field(), "message zero");
    await userEvent.keyboard("{Enter}");
    await expect.element(field()).toHaveValue("half a thought");
    await eventually(() =>
      expect(sentOf(room)).toMatchObject([{ "m.new_content": { body: "message zero" } }]),
    );
  });

  test("that is too long for one message says so, stays, and can go as a file", async () => {
    const room = await openRoom();
    await write("x".repeat(70_000));
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByRole("alert").getByText(/too long/)).toBeVisible();
    expect(sentOf(room)).toEqual([]);
    expect((field().element() as HTMLTextAreaElement).value).toHaveLength(70_000);
    await expectAccessible();
    await userEvent.click(page.getByRole("button", { name: "Send as a file" }));
    await expect.element(page.getByText("message.txt")).toBeVisible();
    await expect.element(field()).toHaveValue("");
  });

  test("what the server refused can be taken back into the field", async () => {
    const room = await openRoom({
      "rooms.send": () => {
        throw new ApiError(413, { errcode: "M_TOO_LARGE" });
      },
    });
    await write("an **over-long** message");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/too large for the server/)).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "Edit", exact: true }));
    await expect.element(field()).toHaveValue("an **over-long** message");
    await settled();
    expect(article(/over-long/).elements()).toHaveLength(0);
    expect(room.client.drafts.get(ROOM)?.text).toBe("an **over-long** message");
  });
});

describe("changing a message", () => {
  test("begins with what was written: its Markdown, whom it mentions, and that it was an emote", async () => {
    const room = await openRoom();
    await room.bring({
      timeline: {
        events: [
          room.make.event("m.room.message", ME, {
            msgtype: "m.emote",
            body: "greets **@Ann**",
            format: "org.matrix.custom.html",
            formatted_body:
              'greets <strong><a href="https://matrix.to/#/%40ann%3Atwo">Ann</a></strong>',
          }),
        ],
      },
    });
    await userEvent.click(field());
    await userEvent.keyboard("{ArrowUp}");
    await expect.element(field()).toHaveValue("/me greets **@Ann**");
    await userEvent.keyboard("!{Enter}");
    await eventually(() => expect(sentOf(room)).toHaveLength(1));
    expect(sentOf(room)[0]!["m.new_content"]).toMatchObject({
      msgtype: "m.emote",
      body: "greets **@Ann**!",
      "m.mentions": { user_ids: [ANN] },
    });
  });

  test("the words of a file are changed without the file", async () => {
    const room = await openRoom();
    const file = { msgtype: "m.file", body: "old", filename: "plan.pdf", url: "mxc://one/x" };
    await room.bring({ timeline: { events: [room.make.event("m.room.message", ME, file)] } });
    await userEvent.click(field());
    await userEvent.keyboard("{ArrowUp}");
    await expect.element(field()).toHaveValue("old");
    await userEvent.fill(field(), "new");
    await userEvent.keyboard("{Enter}");
    await eventually(() =>
      expect(sentOf(room)).toMatchObject([{ "m.new_content": { ...file, body: "new" } }]),
    );
  });
});

describe("words with files", () => {
  test("go as the caption of the first, and come back when it is taken off", async () => {
    const finish = vi.fn<(mxc: string) => void>();
    const room = await openRoom({
      "media.uploadLimit": () => 100_000,
      "media.upload": () => {
        const { promise, resolve } = Promise.withResolvers<string>();
        finish.mockImplementation(resolve);
        return { done: promise, cancel: () => undefined };
      },
    });
    const composer = room.stage
      .querySelector("weft-room")!
      .shadowRoot!.querySelector<WeftComposer>("weft-composer")!;
    composer.addFiles([new File(["a"], "a.txt")]);
    await write("the **plan**");
    await userEvent.keyboard("{Enter}");
    await eventually(() =>
      expect(room.calls.some(({ name }) => name === "media.upload")).toBe(true),
    );
    expect(sentOf(room)).toEqual([]);
    finish("mxc://one/a");
    await eventually(() =>
      expect(sentOf(room)).toMatchObject([
        {
          msgtype: "m.file",
          filename: "a.txt",
          body: "the **plan**",
          formatted_body: "the <strong>plan</strong>",
          url: "mxc://one/a",
        },
      ]),
    );
    composer.addFiles([new File(["b"], "b.txt")]);
    await write("taken back");
    await userEvent.keyboard("{Enter}");
    await userEvent.click(page.getByRole("button", { name: "Cancel b.txt" }));
    await expect.element(field()).toHaveValue("taken back");
  });
});
