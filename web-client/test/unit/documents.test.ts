import { describe, expect, test } from "vitest";
import type { MatrixEvent } from "../../src/api/types.ts";
import { withDecryption } from "../../src/encryption/decryption.ts";
import { applyChange, changeOf, type IndexedMessage } from "../../src/store/search/documents.ts";
import { createEvents } from "./events.ts";

const ANN = "@ann:two";
const EVE = "@eve:two";

/** The event as it is once it was read. */
function read(event: MatrixEvent): MatrixEvent {
  const wire = { ...event, type: "m.room.encrypted", content: {} };
  return withDecryption(event, { state: "readable", wire, shield: { color: "none" } as never });
}

function indexOf(...events: MatrixEvent[]): IndexedMessage[] {
  const messages = new Map<string, IndexedMessage>();
  for (const event of events) {
    const change = changeOf(event);
    if (change !== undefined) applyChange(messages, change);
  }
  return [...messages.values()];
}

const bodies = (messages: readonly IndexedMessage[]): string[] => messages.map(({ body }) => body);

describe("what is kept to be searched", () => {
  test("is what came encrypted and was read", () => {
    const make = createEvents();
    const [secret, open] = [make.message(ANN, "secret"), make.message(ANN, "open")];
    const unread = make.event("m.room.encrypted", ANN, { ciphertext: "…" });
    expect(bodies(indexOf(read(secret), open, unread))).toEqual(["secret"]);
  });

  test("is an answer without what it answers", () => {
    const make = createEvents();
    const answer = make.message(ANN, "> <@ben:two> the plan\n\nagreed");
    answer.content["m.relates_to"] = { "m.in_reply_to": { event_id: "$1" } };
    expect(bodies(indexOf(read(answer)))).toEqual(["agreed"]);
  });

  test("are a message's newest words, whatever order they come in", () => {
    const make = createEvents();
    const said = make.message(ANN, "old words");
    const edit = make.edit(ANN, said.event_id, "new words");
    for (const events of [
      [said, edit],
      [edit, said],
    ]) {
      const [one, ...more] = indexOf(...events.map(read));
      expect(more).toEqual([]);
      expect(one).toMatchObject({
        id: said.event_id,
        body: "new words",
        ts: said.origin_server_ts,
      });
    }
  });

  test("is not changed by the edit of somebody else", () => {
    const make = createEvents();
    const said = make.message(ANN, "her words");
    const edit = make.edit(EVE, said.event_id, "put into her mouth");
    expect(bodies(indexOf(read(said), read(edit)))).toEqual(["her words"]);
    expect(bodies(indexOf(read(edit), read(said)))).toEqual(["her words"]);
  });

  test("goes when it is taken back", () => {
    const make = createEvents();
    const said = make.message(ANN, "regretted");
    const redaction = make.redaction(ANN, said.event_id);
    expect(indexOf(read(said), redaction)).toEqual([]);
    const taken = { ...said, content: {}, unsigned: { redacted_because: redaction } };
    expect(indexOf(read(said), taken)).toEqual([]);
  });

  test("has the words that are shown beside those that were written", () => {
    const make = createEvents();
    const rich = (body: string, formatted_body: string) => ({
      ...{ msgtype: "m.text", body, format: "org.matrix.custom.html", formatted_body },
    });
    const content = rich("**who** ||did it||", "<b>who</b> <span data-mx-spoiler>did it</span>");
    const said = make.event("m.room.message", ANN, content);
    expect(indexOf(read(said))[0]).toMatchObject({
      body: "**who** ||did it||",
      said: "who ▒▒▒▒",
    });
    const plain = make.edit(ANN, said.event_id, "nobody");
    const [edited] = indexOf(read(said), read(plain));
    expect(edited).toMatchObject({ body: "nobody" });
    expect(edited).not.toHaveProperty("said");
    const other = make.message(ANN, "old");
    const edit = make.edit(ANN, other.event_id, "");
    edit.content["m.new_content"] = content;
    for (const events of [
      [other, edit],
      [edit, other],
    ]) {
      expect(indexOf(...events.map(read))[0]).toMatchObject({ said: "who ▒▒▒▒" });
    }
  });

  test("is no more than the beginning of a very long message", () => {
    const [one] = indexOf(read(createEvents().message(ANN, "x".repeat(60_000))));
    expect(one!.body.length).toBe(2000);
  });
});
