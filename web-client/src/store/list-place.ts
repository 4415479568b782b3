import { atom } from "nanostores";
import { loadSession, nameFor } from "../api/session.ts";
import { readSetting, writeSetting } from "./settings.ts";

/** The part of the rooms that the list shows: all of them, direct chats, or a space by its id. */
export type ListPlace = "home" | "people" | `!${string}`;

/** The name of the setting, for each account. */
export const PLACE_KEY = "weft.list-place";

const key = (): string => nameFor(PLACE_KEY, loadSession()?.userId ?? "");

function read(): ListPlace {
  const kept = readSetting(key());
  return kept === "people" || kept?.startsWith("!") === true ? (kept as ListPlace) : "home";
}

export const $listPlace = atom<ListPlace>(read());

export function showPlace(place: ListPlace): void {
  writeSetting(key(), place);
  $listPlace.set(place);
}
