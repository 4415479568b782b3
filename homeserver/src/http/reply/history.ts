/** Answers with parts of rooms' history, whose events are JSON texts already. */
import type { RoomHistory } from "../../rooms/api/index.ts";
import { type Reply, raw } from "./reply.ts";

type Page = Awaited<ReturnType<RoomHistory["messages"]>>;
type Context = Awaited<ReturnType<RoomHistory["context"]>>;

/** A page of /messages. */
export function messagesReply(page: Page): Reply {
  const end = page.end === undefined ? "" : `,"end":${JSON.stringify(page.end)}`;
  const state = page.state.length === 0 ? "" : `,"state":[${page.state.join(",")}]`;
  const start = JSON.stringify(page.start);
  return raw(`{"start":${start}${end},"chunk":[${page.chunk.join(",")}]${state}}`);
}

/** What /context shows around an event. */
export function contextReply(context: Context): Reply {
  const { start, end } = context;
  return raw(
    `{"event":${context.event},"events_before":[${context.events_before.join(",")}],` +
      `"events_after":[${context.events_after.join(",")}],"state":[${context.state.join(",")}],` +
      `"start":${JSON.stringify(start)},"end":${JSON.stringify(end)}}`,
  );
}
