import { msg, str } from "@lit/localize";
import { createFederationAdmin, type Destination } from "../../api/admin/federation.ts";
import { ApiError } from "../../api/errors.ts";
import type { Http } from "../../api/http.ts";
import type { MenuItem } from "../../elements/menu.ts";
import { serverOf } from "../../store/actions.ts";
import type { Act } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { report, toast } from "../../store/toasts.ts";
import { count } from "../parts/facts.ts";

/** Servers that are looked through at most, to say how many a pattern is about. */
const MAX_MATCHED = 1000;

/** What can be done about another server. */
export function serverActs(client: Client, server: Destination, after: () => void): MenuItem[] {
  const { destination: name } = server;
  const federation = createFederationAdmin(client.api.http);
  const retry = async (): Promise<void> => {
    await federation.reset(name);
    toast(msg(str`${name} is tried again at once.`));
    after();
  };
  return [
    ...(server.failure_ts === null
      ? []
      : [
          {
            label: msg("Try again now"),
            icon: "retry" as const,
            run: () => void retry().catch(report),
          },
        ]),
    server.blocked
      ? {
          label: msg("Unblock"),
          icon: "lockOpen",
          run: () => openDialog({ kind: "act", act: unblock(client, name, after) }),
        }
      : {
          label: msg("Block"),
          icon: "ban",
          danger: true,
          run: () => void openBlock(client, name, after).catch(report),
        },
  ];
}

/** Asks which server or servers, and then says what would come of it. */
export function blockAny(client: Client, after: () => void): Act {
  const own = serverOf(client.session.userId);
  return {
    heading: msg("Block a server"),
    text: msg("Nothing is done yet: first you are told what it would mean."),
    fields: [
      {
        name: "server",
        label: msg("Name of the server"),
        type: "text",
        isRequired: true,
        hint: msg(
          "As in the addresses of its users, such as example.org. * and ? stand for any characters: *.example.org are all below it.",
        ),
        check: (value) => checkPattern(value, own),
      },
    ],
    action: msg("Go on"),
    async run(values) {
      const pattern = values["server"]!.toLowerCase();
      return { next: block(client, pattern, await reachOf(client.api.http, pattern), after) };
    },
  };
}

async function openBlock(client: Client, name: string, after: () => void): Promise<void> {
  const act = block(client, name, await reachOf(client.api.http, name), after);
  openDialog({ kind: "act", act });
}

/** What is wrong with the name of a server, in words. */
export function checkPattern(value: string, own: string): string | undefined {
  if (!/^[\w.:[\]*?-]{1,255}$/.test(value))
    return msg("This is no name of a server: letters, digits, dots, and * or ? are allowed.");
  if (matches(value, own)) return msg(str`This would be ${own}, this server itself.`);
  return undefined;
}

/** A server's name as it is compared: ports do not count. */
const host = (name: string): string => name.toLowerCase().replace(/:\d+$/, "");

/** Whether a name is one that a pattern stands for: "*" is any characters, "?" one. */
export function matches(pattern: string, name: string): boolean {
  const [wanted, given] = [host(pattern), host(name)];
  let at = 0;
  /** The last star, and how far the name was when it was met: it can take one letter more. */
  let star = -1;
  let taken = 0;
  for (let letter = 0; letter < given.length;) {
    if (at < wanted.length && (wanted[at] === "?" || wanted[at] === given[letter])) {
      at++;
      letter++;
    } else if (wanted[at] === "*") {
      star = at++;
      taken = letter;
    } else if (star >= 0) {
      at = star + 1;
      letter = ++taken;
    } else return false;
  }
  return /^\**$/.test(wanted.slice(at));
}

/** To what something is done: which servers are known, and in how many rooms one of them is. */
interface Reach {
  readonly servers: readonly string[];
  readonly isMore: boolean;
  /** Of a single server. */
  readonly rooms: number | undefined;
}

async function reachOf(http: Http, pattern: string): Promise<Reach> {
  const federation = createFederationAdmin(http);
  if (/[*?]/.test(pattern)) {
    // The longest part that is said in full is looked for; the rest is compared here.
    const [part = ""] = pattern.split(/[*?]+/).toSorted((a, b) => b.length - a.length);
    const { destinations, total } = await federation.list({
      destination: part,
      limit: MAX_MATCHED,
    });
    const servers = destinations.map(({ destination }) => destination);
    return {
      servers: servers.filter((name) => matches(pattern, name)),
      isMore: total > servers.length,
      rooms: undefined,
    };
  }
  try {
    const { total } = await federation.rooms(pattern, { limit: 1 });
    return { servers: [pattern], isMore: false, rooms: total };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404)
      return { servers: [], isMore: false, rooms: 0 };
    throw error;
  }
}

/** Whom it is about, in words. */
function reachText(pattern: string, { servers, isMore, rooms }: Reach): string {
  if (rooms !== undefined)
    return servers.length === 0
      ? msg(str`Nothing was ever sent to ${pattern}: as far as is known, it is in no room here.`)
      : msg(str`Rooms here that ${pattern} is in: ${count(rooms)}.`);
  if (servers.length === 0)
    return msg(str`No server that is known here has a name like ${pattern}.`);
  const names = servers.slice(0, 5).join(", ");
  return isMore || servers.length > 5
    ? msg(
        str`Known servers with such a name: ${count(servers.length)} or more, among them ${names}.`,
      )
    : msg(str`Known servers with such a name: ${names}.`);
}

function block(client: Client, pattern: string, reach: Reach, after: () => void): Act {
  return {
    heading: msg(str`Block ${pattern}`),
    text: `${msg("Its requests are refused, and nothing is sent to it: its users can neither write into rooms here nor invite anybody, and see nothing new. In the rooms they stay listed.")}\n\n${reachText(pattern, reach)}`,
    undo: msg(
      "You can unblock it at any time. What it has missed is sent to it then; what its users wrote meanwhile is fetched as far as it can be had.",
    ),
    fields: [{ name: "reason", label: msg("Why (for other administrators)"), type: "text" }],
    action: msg("Block"),
    isDanger: true,
    async run(values) {
      await createFederationAdmin(client.api.http).block(pattern, values["reason"]!);
      toast(msg(str`${pattern} is blocked.`));
      after();
    },
  };
}

export function unblock(client: Client, pattern: string, after: () => void): Act {
  return {
    heading: msg(str`Unblock ${pattern}`),
    text: msg(
      "This server federates with it again, and what it has missed is sent to it. It may take some minutes until it asks here again.",
    ),
    undo: msg("You can block it again at any time."),
    action: msg("Unblock"),
    async run() {
      await createFederationAdmin(client.api.http).unblock(pattern);
      toast(msg(str`${pattern} is not blocked any more.`));
      after();
    },
  };
}
