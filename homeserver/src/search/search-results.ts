/** What a search answers: the events that were found, with what stands around them. */
import { parseRoomId, type RoomId } from "../protocol/identifiers.ts";
import { MatrixError } from "../protocol/errors.ts";
import type { Reader, Rooms, VisibleEvent } from "../rooms/api/index.ts";
import type { FoundMessage, MessagePage } from "./message-search.ts";
import { type SearchGroup, type SearchPlace, searchToken } from "./message-places.ts";
import { writtenWords } from "./words.ts";

export interface AnswerOptions {
  readonly term: string;
  /** Events before and after each that was found; undefined: none of them are wanted. */
  readonly context?:
    | { readonly before: number; readonly after: number; readonly profiles: boolean }
    | undefined;
  readonly withState: boolean;
  readonly groupBy: readonly SearchGroup["key"][];
}

export interface AnswerDeps {
  readonly rooms: Pick<Rooms, "view" | "history">;
}

/** Characters of the states of all rooms; the rooms whose states come beyond that have none. */
const MAX_STATE = 16 * 1024 * 1024;

/** The answer of POST /search as JSON text. */
export function createSearchAnswer({ rooms: { view, history } }: AnswerDeps) {
  async function contextOf(
    reader: Reader,
    { roomId, visible }: FoundMessage,
    { context }: AnswerOptions,
  ): Promise<string> {
    if (context === undefined) return "";
    // A room that one was invited to and never joined has nothing around it that one may read.
    const around = await history
      .around(reader, roomId as RoomId, visible, context)
      .catch(withoutRefusals);
    if (around === undefined) return "";
    const { start, end, before, after } = around;
    const profiles = context.profiles
      ? `,"profile_info":${JSON.stringify(await profilesOf([visible, ...around.events]))}`
      : "";
    return (
      `,"context":{"start":${JSON.stringify(start)},"end":${JSON.stringify(end)},` +
      `"events_before":[${before.join(",")}],"events_after":[${after.join(",")}]${profiles}}`
    );
  }

  /** Of the senders, as they were at the last of these events that each has sent. */
  async function profilesOf(events: readonly VisibleEvent[]) {
    const last = new Map(events.map(({ stored }) => [stored.event.sender, stored]));
    const found = await Promise.all(
      [...last].map(async ([sender, { stateAfter }]) => {
        const [member] = await view.stateEventsAt(stateAfter, [["m.room.member", sender]]);
        const { displayname, avatar_url: avatar } = member?.event.content ?? {};
        const profile = {
          ...(typeof displayname === "string" && { displayname }),
          ...(typeof avatar === "string" && avatar.startsWith("mxc://") && { avatar_url: avatar }),
        };
        return [sender, profile] as const;
      }),
    );
    return Object.fromEntries(found);
  }

  async function stateOf(reader: Reader, roomIds: ReadonlySet<string>): Promise<string> {
    const parts: string[] = [];
    let characters = 0;
    for (const roomId of roomIds) {
      const state = await history.state(reader.userId, parseRoomId(roomId)).catch(withoutRefusals);
      if (state === undefined) continue;
      const text = view.presentState(state).join(",");
      characters += text.length;
      if (characters > MAX_STATE) break;
      parts.push(`${JSON.stringify(roomId)}:[${text}]`);
    }
    return `,"state":{${parts.join(",")}}`;
  }

  return async (reader: Reader, page: MessagePage, options: AnswerOptions): Promise<string> => {
    const { found, count } = page;
    const visible = found.map((each) => each.visible);
    const [texts, contexts] = await Promise.all([
      view.present(visible, reader),
      Promise.all(found.map((each) => contextOf(reader, each, options))),
    ]);
    const results = found.map(
      ({ rank }, i) => `{"rank":${rank},"result":${texts[i]!}${contexts[i]!}}`,
    );
    const state = options.withState
      ? await stateOf(reader, new Set(found.map((each) => each.roomId)))
      : "";
    const next = page.next();
    const events =
      `"count":${Math.max(count, found.length)},"results":[${results.join(",")}],` +
      `"highlights":${JSON.stringify(writtenWords(options.term))}${state}` +
      groupsOf(page, options.groupBy) +
      (next === undefined ? "" : `,"next_batch":${JSON.stringify(searchToken(next))}`);
    return `{"search_categories":{"room_events":{${events}}}}`;
  };
}

function withoutRefusals(error: unknown): undefined {
  if (!(error instanceof MatrixError)) throw error;
}

function groupsOf(page: MessagePage, keys: readonly SearchGroup["key"][]): string {
  if (keys.length === 0) return "";
  const groups = [...new Set(keys)].map((key) => {
    const valueOf = ({ roomId, visible: { stored } }: FoundMessage) =>
      key === "room_id" ? roomId : stored.event.sender;
    const byValue = Object.entries(Object.groupBy(page.found, valueOf));
    const members = byValue.map(([value, found = []], order) => [
      value,
      {
        order,
        results: found.map(({ visible }) => visible.stored.event.eventId),
        ...nextOf(page.next({ key, value })),
      },
    ]);
    return [key, Object.fromEntries(members)];
  });
  return `,"groups":${JSON.stringify(Object.fromEntries(groups))}`;
}

function nextOf(place: SearchPlace | undefined): { next_batch?: string } {
  return place === undefined ? {} : { next_batch: searchToken(place) };
}
