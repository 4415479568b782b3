import { msg, str } from "@lit/localize";
import type { Offer, Offers } from "../../controllers/completion.ts";
import type { Client } from "../../store/client.ts";
import { emoticonsFor, isMine } from "../../store/image-packs.ts";
import { canNotifyRoom } from "../../store/power.ts";
import type { Room } from "../../store/room.ts";
import { findMembers, fold, OFFERED, queryAt, wordAt } from "../../text/mentions.ts";
import { plainName, plainText } from "../../text/names.ts";

interface Place {
  client: Client;
  room: Room;
}

/** Milliseconds that somebody stops typing for before the server is asked. */
const PAUSE = 200;
/** Letters that the server is asked for at least. */
const MIN_TERM = 2;

let turn = 0;

/** People that the server knows by these letters, where nobody in the room is meant. */
async function strangers({ client, room }: Place, start: number, term: string): Promise<Offers> {
  const label = msg("People");
  const mine = ++turn;
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  if (mine !== turn) return { start, label, offers: [] };
  const found = await client.api.account.searchUsers(term);
  const offers = found
    .filter(({ user_id: userId }) => userId !== client.session.userId)
    .slice(0, OFFERED)
    .map(({ user_id: userId, display_name: told, avatar_url: mxc }): Offer => {
      const name = plainName(told) ?? userId.slice(1);
      const isHere = room.member(userId)?.membership === "join";
      return {
        label: name,
        detail: isHere ? userId : msg(str`${userId}, not in this room`),
        avatar: { seed: userId, name, mxc },
        text: `@${name}`,
        mention: { userId, name },
      };
    });
  return { start, label, offers };
}

function people(place: Place, text: string, caret: number): ReturnType<typeof offersAt> {
  const { client, room } = place;
  const query = queryAt(text, caret);
  if (query === undefined) return undefined;
  const me = client.session.userId;
  const others = room.members("join", "invite").filter(({ userId }) => userId !== me);
  const offers = findMembers(others, query.term).map(
    ({ userId, displayName, avatarUrl }): Offer => {
      const name = room.displayName(userId);
      return {
        label: displayName ?? userId,
        detail: userId,
        avatar: { seed: userId, name: displayName ?? userId, mxc: avatarUrl },
        text: `@${name}`,
        mention: { userId, name },
      };
    },
  );
  if ("room".startsWith(query.term.toLowerCase()) && canNotifyRoom(room, me)) {
    offers.push({
      label: "@room",
      detail: msg("Everyone in this room"),
      emoji: "📣",
      text: "@room",
    });
  }
  if (offers.length === 0 && query.term.length >= MIN_TERM)
    return strangers(place, query.start, query.term);
  return { start: query.start, label: msg("People"), offers };
}

function rooms({ client }: Place, text: string, caret: number): Offers | undefined {
  const word = wordAt("#", text, caret);
  if (word === undefined) return undefined;
  const term = fold(word.term);
  const offers = client.store.$list
    .get()
    .filter(({ membership, partner }) => membership === "join" && partner === undefined)
    .flatMap(({ roomId, name, avatarUrl }): Offer[] => {
      const alias = client.store.room(roomId)?.stateEvent("m.room.canonical_alias")?.content.alias;
      const address = typeof alias === "string" ? alias : undefined;
      if (!fold(name).includes(term) && !fold(address ?? "").includes(term)) return [];
      const offer = { label: name, avatar: { seed: roomId, name, mxc: avatarUrl } };
      if (address !== undefined) return [{ ...offer, detail: plainText(address), text: address }];
      return [{ ...offer, text: `#${name}`, mention: { userId: roomId, name } }];
    });
  return { start: word.start, label: msg("Rooms"), offers: offers.slice(0, OFFERED) };
}

async function emoji(place: Place, start: number, term: string): Promise<Offers> {
  const { codeOf, findEmoji, loadEmoji } = await import("../../text/emoji.ts");
  const own = [...emoticonsFor(place.client, place.room)]
    .filter(([name]) => name.toLowerCase().includes(term.toLowerCase()))
    .slice(0, OFFERED)
    .map(([name, { mxc }]): Offer => ({ label: `:${name}:`, image: mxc, text: `:${name}:` }));
  const known = findEmoji(await loadEmoji(), term, OFFERED - own.length).map((one): Offer => ({
    label: `:${codeOf(one, term.toLowerCase())}:`,
    detail: one.name,
    emoji: one.emoji,
    text: one.emoji,
  }));
  return { start, label: msg("Emoji"), offers: [...own, ...known] };
}

async function commands(place: Place, term: string): Promise<Offers> {
  const { allCommands } = await import("../../store/commands.ts");
  const offers = allCommands()
    .filter(({ name, may }) => name.startsWith(term) && may?.(place) !== false)
    .map(({ name, args, help }): Offer => ({
      label: `/${name} ${args}`.trim(),
      detail: help,
      text: `/${name}`,
    }));
  return { start: 0, label: msg("Commands"), offers };
}

/** What the word before the caret may become: someone, a room, an emoji or a command. */
export function offersAt(
  place: Place,
  text: string,
  caret: number,
): Offers | undefined | Promise<Offers | undefined> {
  const command = /^\/([a-z]*)$/i.exec(text.slice(0, caret));
  if (command !== null && caret === text.length) return commands(place, command[1]!.toLowerCase());
  const sign = wordAt(":", text, caret);
  if (sign !== undefined && sign.term.length >= 2) return emoji(place, sign.start, sign.term);
  return people(place, text, caret) ?? rooms(place, text, caret);
}

/** The emoji of a name that was just closed by its colon, and where the name begins. */
export async function closedEmoji(
  place: Place,
  text: string,
  caret: number,
): Promise<{ start: number; emoji: string } | undefined> {
  const match = /(?:^|\s):([\w+-]{2,40}):$/.exec(text.slice(Math.max(0, caret - 50), caret));
  // Of two of a name the picture that one chose to have is meant, and not what others put into a room.
  if (match === null || isMine(place.client, match[1]!)) return undefined;
  const { loadEmoji } = await import("../../text/emoji.ts");
  const name = match[1]!.toLowerCase();
  const found = (await loadEmoji()).find(({ codes }) => codes.includes(name));
  return found && { start: caret - name.length - 2, emoji: found.emoji };
}
