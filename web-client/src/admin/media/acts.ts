import { msg, str } from "@lit/localize";
import { createMediaAdmin } from "../../api/admin/media.ts";
import type { MenuItem } from "../../elements/menu.ts";
import type { Act } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";

interface KnownFile {
  serverName: string;
  mediaId: string;
  name: string;
  isLocal: boolean;
  isQuarantined: boolean;
  isProtected: boolean;
}

type Open = (act: Omit<Act, "run">, done: string, work: () => Promise<unknown>) => () => void;
type Media = ReturnType<typeof createMediaAdmin>;

/** What can be done to a file. */
export function fileActs(client: Client, file: KnownFile, after: () => void): MenuItem[] {
  const media = createMediaAdmin(client.api.http);
  const open: Open = (act, done, work) => () =>
    openDialog({
      kind: "act",
      act: {
        ...act,
        async run() {
          await work();
          toast(done);
          after();
        },
      },
    });
  const items = [quarantining(media, file, open)];
  return file.isLocal
    ? [...items, protecting(media, file, open), deleting(media, file, open)]
    : items;
}

function quarantining(media: Media, { serverName, mediaId, name, ...file }: KnownFile, open: Open) {
  const path = { serverName, mediaId };
  return file.isQuarantined
    ? {
        label: msg("Give back"),
        icon: "eye" as const,
        run: open(
          {
            heading: msg("Give back"),
            text: msg(str`“${name}” can be opened again, like other files of the same content.`),
            action: msg("Give back"),
          },
          msg("The file can be opened again."),
          () => media.unquarantine(path),
        ),
      }
    : {
        label: msg("Quarantine"),
        icon: "eyeOff" as const,
        run: open(
          {
            heading: msg("Quarantine"),
            text: msg(str`Nobody can open “${name}”, nor other files of the same content.`),
            undo: msg("You can give it back at any time."),
            action: msg("Quarantine"),
            isDanger: true,
          },
          msg("The file is quarantined."),
          () => media.quarantine(path),
        ),
      };
}

function protecting(media: Media, { mediaId, name, isProtected }: KnownFile, open: Open): MenuItem {
  const label = isProtected ? msg("Protect no longer") : msg("Protect");
  return {
    label,
    icon: "shield",
    run: open(
      {
        heading: label,
        text: isProtected
          ? msg(str`“${name}” can be quarantined and deleted for being unused again.`)
          : msg(str`“${name}” is neither quarantined nor deleted for being unused.`),
        undo: msg("You can change it back at any time."),
        action: label,
      },
      isProtected ? msg("The file is no longer protected.") : msg("The file is protected."),
      () => (isProtected ? media.unprotect(mediaId) : media.protect(mediaId)),
    ),
  };
}

function deleting(media: Media, { serverName, mediaId, name }: KnownFile, open: Open): MenuItem {
  return {
    label: msg("Delete"),
    icon: "trash",
    danger: true,
    run: open(
      {
        heading: msg("Delete the file"),
        text: msg(str`“${name}” is deleted from this server. Where it was shown, nothing is left.`),
        undo: msg("This cannot be undone. Other servers may have copies."),
        fields: [
          { name: "sure", label: msg("Delete it for good"), type: "tick", isRequired: true },
        ],
        action: msg("Delete"),
        isDanger: true,
      },
      msg("The file was deleted."),
      () => media.delete({ serverName, mediaId }),
    ),
  };
}
