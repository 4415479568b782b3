import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseEventFilter } from "../protocol/filter.ts";
import type { Search } from "../search/index.ts";

/** Numbers of keys in the index. */
const KEYS = ["content.body", "content.name", "content.topic"] as const;
const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 50;
/** Results of one answer that come with what stands around them, or with the states of rooms. */
const MAX_WITH_CONTEXT = 20;
const MAX_WITH_STATE = 10;
/** Events before, and after, each result. */
const DEFAULT_CONTEXT = 5;
const MAX_CONTEXT = 20;

/** Searching for messages. (Client-server API, "Server Side Search".) */
export function searchRoutes({ search }: { search: Search }): Route[] {
  return [
    // POST /_matrix/client/v3/search
    route("search", async ({ body, query, requester }) => {
      const asked = body.search_categories.room_events;
      if (asked === undefined) return { search_categories: {} };
      const filter = asked.filter && parseEventFilter(asked.filter);
      const { event_context: context } = asked;
      const withState = asked.include_state === true;
      const most = withState ? MAX_WITH_STATE : context ? MAX_WITH_CONTEXT : MAX_LIMIT;
      const page = await search.messages(requester, {
        term: asked.search_term,
        keys: asked.keys?.map((key) => KEYS.indexOf(key)),
        order: asked.order_by ?? "rank",
        filter,
        limit: Math.min(Math.max(filter?.limit ?? DEFAULT_LIMIT, 1), most),
        from: query.next_batch,
      });
      const contextOf = (limit: number | undefined) =>
        Math.min(limit ?? DEFAULT_CONTEXT, MAX_CONTEXT);
      const text = await search.answer(requester, page, {
        term: asked.search_term,
        context: context && {
          before: contextOf(context.before_limit),
          after: contextOf(context.after_limit),
          profiles: context.include_profile === true,
        },
        withState,
        groupBy: (asked.groupings?.group_by ?? []).flatMap(({ key }) => key ?? []),
      });
      return raw(text);
    }),
  ];
}
