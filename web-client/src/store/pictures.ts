import { object, text, type MatrixEvent } from "../api/types.ts";
import { plainName } from "../text/names.ts";
import { openDialog, type Picture } from "./dialogs.ts";
import { wishFor } from "./files.ts";
import { isRedacted } from "./timeline.ts";

function pictureIn(event: MatrixEvent): Picture | undefined {
  const { content } = event;
  if (text(content, "msgtype") !== "m.image" || isRedacted(event)) return undefined;
  const type = text(object(content, "info"), "mimetype");
  const file = wishFor(content, { url: "url", file: "file" }, type);
  const name = plainName(text(content, "filename") ?? text(content, "body")) ?? "";
  return file === undefined ? undefined : { file, name };
}

/** Shows a picture large, with the others that were sent before and after it. */
export function openPictures(events: readonly MatrixEvent[], at: MatrixEvent): void {
  const shown = events.flatMap((event) => {
    const picture = pictureIn(event);
    return picture === undefined ? [] : [{ event, picture }];
  });
  const index = shown.findIndex(({ event }) => event.event_id === at.event_id);
  const pictures = shown.map(({ picture }) => picture);
  if (index >= 0) openDialog({ kind: "image", pictures, index });
}
