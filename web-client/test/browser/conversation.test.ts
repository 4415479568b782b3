import { beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { eventually } from "../unit/eventually.ts";
import { article, field, openRoom } from "./open-room.ts";
import { ANN, expectAccessible, focused, ME, settled } from "./support.ts";

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
      .toBe(page.getByRole("menuitem", { name: "Forward" }).element());
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
