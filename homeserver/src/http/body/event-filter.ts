import { errors } from "../../protocol/errors.ts";
import { type Filter, parseEventFilter } from "../../protocol/filter.ts";
import { parseStrict } from "../../protocol/json.ts";

/**
 * A RoomEventFilter given as JSON text in the query.
 * @throws MatrixError M_NOT_JSON or M_BAD_JSON 400
 */
export function queryEventFilter(text: string | undefined): Filter | undefined {
  if (text === undefined || text === "") return undefined;
  return parseEventFilter(parseQueryJson(text));
}

/** JSON in a query parameter. @throws MatrixError M_NOT_JSON 400 */
function parseQueryJson(text: string): ReturnType<typeof parseStrict> {
  try {
    return parseStrict(text);
  } catch {
    throw errors.notJson("The filter is not valid JSON");
  }
}
