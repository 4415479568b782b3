import { openPictures } from "../store/pictures.ts";
import type { TimelineItem } from "../store/timeline-items.ts";
import type { WeftMessage } from "./message.ts";

/** Shows the picture large that an event was fired at, with those of the lines before and after it. */
export function enlarge(event: Event, items: readonly TimelineItem[]): void {
  const path = event.composedPath() as Partial<WeftMessage>[];
  const shown = path.find((one) => one.localName === "weft-message")?.item?.entry.event;
  if (shown === undefined) return;
  event.preventDefault();
  const events = items.flatMap((item) => (item.kind === "message" ? [item.entry.event] : []));
  openPictures(events, shown);
}
