import { msg, str } from "@lit/localize";
import { createUsersAdmin, type ListedUser } from "../../api/admin/users.ts";
import type { MenuItem } from "../../elements/menu.ts";
import type { Act } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { localName } from "../../store/room.ts";
import { navigate } from "../../store/router.ts";
import { report, toast } from "../../store/toasts.ts";
import { plainName } from "../../text/names.ts";
import { count } from "../parts/facts.ts";

/** What acts need to know of somebody. */
export type Subject = Pick<
  ListedUser,
  "name" | "displayname" | "admin" | "suspended" | "locked" | "deactivated" | "shadow_banned"
>;

export const nameOf = (user: Subject): string =>
  plainName(user.displayname) ?? localName(user.name);

type Rate = Awaited<ReturnType<ReturnType<typeof createUsersAdmin>["rate"]>>;

/** What is done about what somebody sends: how fast, to whom, and what of it stays. */
export function moderating(client: Client, user: Subject, after: () => void): MenuItem[] {
  const users = createUsersAdmin(client.api.http);
  /** Opens a window that has to know something first. */
  const knowing =
    <T>(ask: () => Promise<T>, act: (known: T) => Act) =>
    (): void =>
      void ask()
        .then((known) => openDialog({ kind: "act", act: act(known) }))
        .catch(report);
  return [
    {
      label: msg("Limit of requests"),
      icon: "clock",
      run: knowing(
        () => users.rate(user.name),
        (rate) => changeRate(client, user, rate, after),
      ),
    },
    // Administrators are not shadow-banned.
    ...(user.admin && !user.shadow_banned
      ? []
      : [
          {
            label: user.shadow_banned ? msg("End shadow ban") : msg("Shadow-ban"),
            icon: "eyeOff" as const,
            run: () => openDialog({ kind: "act", act: shadowBan(client, user, after) }),
          },
        ]),
    {
      label: msg("Remove all messages"),
      icon: "trash",
      danger: true,
      run: knowing(
        () => users.rooms(user.name),
        ({ memberships }) => redact(client, user, inOrBanned(memberships), after),
      ),
    },
  ];
}

const inOrBanned = (memberships: object): number =>
  Object.values(memberships).filter((membership) => membership === "join" || membership === "ban")
    .length;

/** A rate in words; undefined: it is everybody's. */
export function rateText({
  messages_per_second: rate,
  burst_count: burst,
}: Rate): string | undefined {
  if (rate === undefined) return undefined;
  if (rate === 0) return msg("None");
  return msg(str`${count(rate)} a second, ${count(burst ?? 0)} at once`);
}

function changeRate(client: Client, user: Subject, rate: Rate, after: () => void): Act {
  const { messages_per_second: perSecond, burst_count: burst } = rate;
  const kind = perSecond === undefined ? "everybody" : perSecond === 0 ? "none" : "own";
  return {
    heading: msg("Limit of requests"),
    text: msg(
      str`How fast ${nameOf(user)} (${user.name}) may send. It holds for each kind of request, at once.`,
    ),
    undo: msg("You can change it at any time."),
    fields: [
      {
        name: "kind",
        label: msg("Limit"),
        type: "choice",
        value: kind,
        options: [
          ["everybody", msg("As for everybody")],
          ["own", msg("Their own, as below")],
          ["none", msg("None: as fast as they like")],
        ],
      },
      {
        name: "rate",
        label: msg("Requests a second"),
        type: "number",
        value: String(perSecond || 5),
        check: (value) => (value === "0" ? msg("At least 1 is needed here.") : checkRate(value)),
      },
      {
        name: "burst",
        label: msg("Requests at once"),
        type: "number",
        value: String(burst || 20),
        check: checkRate,
      },
    ],
    action: msg("Save"),
    async run(values) {
      const users = createUsersAdmin(client.api.http);
      if (values["kind"] === "everybody") await users.dropRate(user.name);
      else {
        const isOwn = values["kind"] === "own";
        await users.setRate(user.name, {
          messages_per_second: isOwn ? Math.max(1, Number(values["rate"])) : 0,
          burst_count: isOwn ? Number(values["burst"]) : 0,
        });
      }
      toast(msg("The limit was changed."));
      after();
    },
  };
}

const checkRate = (value: string): string | undefined =>
  Number(value) > 1_000_000 ? msg("This number is too large.") : undefined;

function shadowBan(client: Client, user: Subject, after: () => void): Act {
  const who = nameOf(user);
  const isOver = user.shadow_banned;
  return {
    heading: isOver ? msg("End shadow ban") : msg("Shadow-ban"),
    text: isOver
      ? msg(str`What ${who} (${user.name}) sends reaches the others again.`)
      : msg(
          str`${who} (${user.name}) goes on as before and is told nothing, and nobody gets what they send: no messages, no invites, no change of their name.`,
        ),
    undo: isOver
      ? msg("You can ban them again. What they sent meanwhile stays unsent.")
      : msg("You can end it at any time. What they send until then is never made up for."),
    action: isOver ? msg("End shadow ban") : msg("Shadow-ban"),
    isDanger: !isOver,
    async run() {
      const users = createUsersAdmin(client.api.http);
      await (isOver ? users.endShadowBan(user.name) : users.shadowBan(user.name));
      toast(isOver ? msg("They are heard again.") : msg("They are shadow-banned."));
      after();
    },
  };
}

function redact(client: Client, user: Subject, rooms: number, after: () => void): Act {
  return {
    heading: msg("Remove all messages"),
    text: msg(
      str`What ${nameOf(user)} (${user.name}) has sent until now is removed for everybody, in all rooms that they are in or are banned from: ${count(rooms)}. Other servers are asked to remove it too.`,
    ),
    undo: msg("This cannot be undone. It is done in the background and goes on after a restart."),
    fields: [
      {
        name: "limit",
        label: msg("In each room the newest so many"),
        type: "number",
        value: "1000",
        isRequired: true,
        check: (value) =>
          Number(value) < 1 || Number(value) > 100_000
            ? msg("From 1 to 100,000 are possible.")
            : undefined,
      },
      { name: "reason", label: msg("Why (those in the rooms are told)"), type: "text" },
    ],
    typed: user.name,
    action: msg("Remove all messages"),
    isDanger: true,
    async run(values) {
      await createUsersAdmin(client.api.http).redact(user.name, {
        rooms: [],
        limit: Number(values["limit"]),
        ...(values["reason"] === "" ? {} : { reason: values["reason"]! }),
      });
      navigate({ page: "admin", path: ["users", user.name] });
      after();
    },
  };
}
