import { msg, str } from "@lit/localize";
import type { Client } from "../../store/client.ts";
import { emoticonsFor } from "../../store/image-packs.ts";
import type { Room } from "../../store/room.ts";
import type { Uploads } from "../../store/uploads.ts";
import {
  commandIn,
  contentOf,
  relationOf,
  SPOKEN,
  type Draft,
  type Renderer,
} from "../../text/compose.ts";
import { explain } from "../../text/problems.ts";

/** Bytes of a message's content, at most: an event has 65,536 in all, and grows by a third when it is encrypted. */
const MAX_BYTES = { open: 60_000, encrypted: 44_000 };
/** Milliseconds that a message waits for what turns its Markdown into HTML; then it goes as it is. */
const PATIENCE = 4000;

/** What came of sending: it is on its way, or something is wrong, in words. */
export type Outcome = { sent: true } | { sent: false; problem: string; isTooLong?: boolean };

export interface Sending {
  client: Client;
  room: Room;
  uploads: Uploads;
  draft: Draft | undefined;
}

/** Turns Markdown into HTML, once its code has been loaded. */
export class Markdown {
  #loading: Promise<Renderer> | undefined;
  ready: Renderer | undefined;

  load(): Promise<Renderer> {
    this.#loading ??= import("../../text/markdown.ts").then(async ({ loadRenderer }) => {
      this.ready = await loadRenderer();
      return this.ready;
    });
    this.#loading.catch(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** Without the Markdown code (the server was away when it was wanted) the words go as they are. */
  async whenever(): Promise<Renderer> {
    const late = new Promise<Renderer>((resolve) =>
      setTimeout(() => resolve(() => undefined), PATIENCE),
    );
    return Promise.race([this.load().catch((): Renderer => () => undefined), late]);
  }
}

function bytesOf(content: object): number {
  return new TextEncoder().encode(JSON.stringify(content)).length;
}

/** Puts a draft on its way, with the files that wait. The words go with the first file as its caption. */
export function sendNow({ client, room, uploads, draft }: Sending, render: Renderer): Outcome {
  const withEmoticons =
    draft?.body.includes(":") === true
      ? { ...draft, emoticons: emoticonsFor(client, room) }
      : draft;
  const me = client.session.userId;
  const content = withEmoticons && contentOf(withEmoticons, render, me);
  const most = room.encryption === undefined ? MAX_BYTES.open : MAX_BYTES.encrypted;
  if (content !== undefined && bytesOf(content) > most) {
    return {
      sent: false,
      isTooLong: true,
      problem: msg(
        str`This is too long for one message, by about ${bytesOf(content) - most} characters.`,
      ),
    };
  }
  const waits = uploads.$items.get().some(({ state }) => state !== "sending");
  if (waits && draft?.edits === undefined) {
    const relation = draft?.thread && relationOf({ thread: draft.thread });
    const words = content && { content, source: draft!.body };
    const first = draft === undefined ? undefined : relationOf(draft);
    void uploads.sendAll(client, room, { words, first, relation });
  } else if (content !== undefined) client.outbox.send(room, "m.room.message", content);
  return { sent: true };
}

/** Does the command that a text begins with. Answers undefined when it is to be sent as a message. */
export async function obey(
  { client, room }: Pick<Sending, "client" | "room">,
  text: string,
): Promise<Outcome | undefined> {
  const command = commandIn(text);
  if (command === undefined) return undefined;
  if (SPOKEN.has(command.name) && command.rest !== "") return undefined;
  const { CommandError, runCommand } = await import("../../store/commands.ts");
  try {
    return (await runCommand({ client, room }, command)) ? { sent: true } : undefined;
  } catch (error) {
    const problem = error instanceof CommandError ? error.message : explain(error);
    return { sent: false, problem };
  }
}
