import { html } from "lit";
import { beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { $dialog, closeDialog } from "../../src/store/dialogs.ts";
import { newPoll, RESPONSE, START, END } from "../../src/store/polls.ts";
import { eventually } from "../unit/eventually.ts";
import { openRoom } from "./open-room.ts";
import { ANN, expectAccessible, ME, ROOM, show } from "./support.ts";
import "../../src/dialogs/poll.ts";

beforeEach(async () => {
  await page.viewport(1000, 700);
  closeDialog();
});

const sentOf = ({ calls }: Awaited<ReturnType<typeof openRoom>>, type: string) =>
  calls.filter(({ name, args }) => name === "rooms.send" && args[1] === type);

const content = newPoll({
  question: "Tea or coffee?",
  answers: ["Tea", "Coffee"],
  most: 1,
  isOpen: true,
});
const [tea, coffee] = content[START].answers;

test("a poll is drawn, voted in and ended", async () => {
  const room = await openRoom({}, 1);
  const poll = room.make.event(START, ME, content);
  const about = { rel_type: "m.reference", event_id: poll.event_id };
  await room.bring({ timeline: { events: [poll] } });
  const choice = (name: RegExp) => page.getByRole("radio", { name });
  await expect.element(choice(/Tea/)).toBeVisible();
  expect(page.getByText("0 votes").elements()).toHaveLength(1);
  await expectAccessible();
  await room.bring({
    timeline: {
      events: [
        room.make.event(RESPONSE, ANN, {
          [RESPONSE]: { answers: [coffee!.id] },
          "m.relates_to": about,
        }),
      ],
    },
  });
  await userEvent.click(choice(/Tea/));
  await expect.element(choice(/Tea/)).toBeChecked();
  await expect.element(page.getByText("2 votes")).toBeVisible();
  await eventually(() =>
    expect(sentOf(room, RESPONSE)[0]?.args[3]).toEqual({
      [RESPONSE]: { answers: [tea!.id] },
      "m.relates_to": about,
    }),
  );
  await expectAccessible();
  await userEvent.click(page.getByRole("button", { name: "End the poll" }));
  await eventually(() => expect($dialog.get()?.kind).toBe("confirm"));
  const dialog = $dialog.get();
  if (dialog?.kind === "confirm") await dialog.run("", false);
  await expect.element(page.getByText(/The poll has ended/)).toBeVisible();
  expect(sentOf(room, END)).toHaveLength(1);
  await expect.element(choice(/Tea/)).toBeDisabled();
});

test("votes that lie far back are fetched", async () => {
  const room = await openRoom(
    {
      "rooms.related": (_room: string, eventId: string, _type: string, from?: string) => {
        const event = room_event(eventId, from === undefined ? "@a:one" : "@b:one");
        return { chunk: [event], ...(from === undefined ? { next_batch: "more" } : {}) };
      },
    },
    1,
  );
  function room_event(eventId: string, sender: string) {
    return room.make.event(RESPONSE, sender, {
      [RESPONSE]: { answers: [tea!.id] },
      "m.relates_to": { rel_type: "m.reference", event_id: eventId },
    });
  }
  await room.bring({ timeline: { events: [room.make.event(START, ANN, content)] } });
  await expect.element(page.getByText("2 votes")).toBeVisible();
});

test("one is asked with as many answers as one likes; mistakes are told beside the form", async () => {
  const room = await openRoom();
  await userEvent.click(page.getByRole("button", { name: "Add" }));
  await userEvent.click(page.getByRole("menuitem", { name: "Create a poll" }));
  await eventually(() => expect($dialog.get()).toMatchObject({ kind: "new-poll", roomId: ROOM }));
  await show(html`<weft-new-poll .client=${room.client} roomId=${ROOM}></weft-new-poll>`);
  await userEvent.fill(page.getByLabelText("Question"), "Lunch?");
  await userEvent.fill(page.getByLabelText("Answer 1"), "Now");
  await userEvent.fill(page.getByLabelText("Answer 2"), "Now");
  await userEvent.click(page.getByRole("button", { name: "Ask" }));
  await expect.element(page.getByText("Two answers are the same.")).toBeVisible();
  await expectAccessible();
  await userEvent.fill(page.getByLabelText("Answer 2"), "Later");
  await userEvent.click(page.getByRole("button", { name: "Another answer" }));
  await userEvent.keyboard("Never");
  await userEvent.click(page.getByLabelText("Show the outcome at the end only"));
  await userEvent.click(page.getByRole("button", { name: "Ask" }));
  await eventually(() => expect(sentOf(room, START)).toHaveLength(1));
  expect(sentOf(room, START)[0]!.args[3]).toMatchObject({
    [START]: {
      kind: "org.matrix.msc3381.poll.undisclosed",
      max_selections: 1,
      answers: [
        { "org.matrix.msc1767.text": "Now" },
        { "org.matrix.msc1767.text": "Later" },
        { "org.matrix.msc1767.text": "Never" },
      ],
    },
  });
});
