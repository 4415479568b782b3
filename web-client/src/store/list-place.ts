import { atom } from "nanostores";
import { readSetting, writeSetting } from "./settings.ts";

/** The part of the rooms that the list shows: all of them, direct chats, or a space by its id. */
export type ListPlace = "home" | "people" | `!${string}`;

const KEY = "weft.list-place";

function read(): ListPlace {
  const kept = readSetting(KEY);
  return kept === "people" || kept?.startsWith("!") === true ? (kept as ListPlace) : "home";
}

export const $listPlace = atom<ListPlace>(read());

export function showPlace(place: ListPlace): void {
  writeSetting(KEY, place);
  $listPlace.set(place);
}
