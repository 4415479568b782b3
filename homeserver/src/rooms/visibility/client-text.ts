/** An event's client JSON, serialised once; `unsigned` is inserted for each reader. */
import { clientEvent } from "../../protocol/events/client-event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";

const texts = new WeakMap<RoomEvent, string>();

/** The client JSON object without its closing brace and without `unsigned`. */
function openText(event: RoomEvent): string {
  let text = texts.get(event);
  if (text === undefined) {
    const whole = JSON.stringify(clientEvent(event));
    text = whole.slice(0, -1);
    texts.set(event, text);
  }
  return text;
}

/**
 * Client JSON; `unsigned` is the inside of an object, like `"age":5,"membership":"join"`, or empty.
 */
export function clientText(event: RoomEvent, unsigned: string): string {
  return unsigned === "" ? `${openText(event)}}` : `${openText(event)},"unsigned":{${unsigned}}}`;
}
