/** What digests say, by language. */
import type { Language } from "../../users/common/languages.ts";

export interface DigestWords {
  readonly subjectOfOne: (room: string, server: string) => string;
  readonly subjectOfMore: (rooms: number, server: string) => string;
  readonly one: string;
  readonly more: (count: number, isMoreThan: boolean) => string;
  readonly otherRooms: (count: number) => string;
  readonly unsubscribe: string;
  readonly earlier: (count: number) => string;
  readonly seeInvite: string;
  readonly readOn: string;
  readonly roomWith: (sender: string) => string;
  readonly invites: string;
  readonly encrypted: string;
  /** A message part of which is seen only by who wants to. */
  readonly spoiler: string;
  readonly something: string;
}

export const DIGEST_WORDS: Readonly<Record<Language, DigestWords>> = {
  en: {
    subjectOfOne: (room, server) => `Unread in ${room} on ${server}`,
    subjectOfMore: (rooms, server) => `Unread in ${rooms} rooms on ${server}`,
    one: "There is one notification that you have not seen.",
    more: (count, isMoreThan) =>
      `There are ${isMoreThan ? "more than " : ""}${count} notifications that you have not seen.`,
    otherRooms: (count) => `And ${count} more ${count === 1 ? "room" : "rooms"}.`,
    unsubscribe: "Have no more of these mails",
    earlier: (count) => `${count} before these`,
    seeInvite: "See the invite",
    readOn: "Read on",
    roomWith: (sender) => `a room with ${sender}`,
    invites: "invites you",
    encrypted: "an encrypted message",
    spoiler: "a message with hidden words",
    something: "something new",
  },
  de: {
    subjectOfOne: (room, server) => `Ungelesen in ${room} auf ${server}`,
    subjectOfMore: (rooms, server) => `Ungelesen in ${rooms} Räumen auf ${server}`,
    one: "Es gibt eine Benachrichtigung, die du noch nicht gesehen hast.",
    more: (count, isMoreThan) =>
      `Es gibt ${isMoreThan ? "mehr als " : ""}${count} Benachrichtigungen, die du noch nicht gesehen hast.`,
    otherRooms: (count) => `Und ${count} ${count === 1 ? "weiterer Raum" : "weitere Räume"}.`,
    unsubscribe: "Keine solchen E-Mails mehr erhalten",
    earlier: (count) => `${count} davor`,
    seeInvite: "Einladung ansehen",
    readOn: "Weiterlesen",
    roomWith: (sender) => `einem Raum mit ${sender}`,
    invites: "lädt dich ein",
    encrypted: "eine verschlüsselte Nachricht",
    spoiler: "eine Nachricht mit verborgenen Wörtern",
    something: "etwas Neues",
  },
};
