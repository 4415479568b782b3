import type { ApartRow, Row } from "../row.ts";
import { apartDevices } from "./apart-devices.ts";
import { cutRows as apart } from "./apart.ts";
import { busy } from "./busy.ts";
import { conversation } from "./conversation.ts";
import { encryption } from "./encryption.ts";
import { ephemeral } from "./ephemeral.ts";
import { membership } from "./membership.ts";
import { relations } from "./relations.ts";
import { state } from "./state.ts";

/** In the order in which a column runs them: those of "conversation" make the room of the others. */
export const rows: readonly Row[] = [
  ...conversation,
  ...relations,
  ...ephemeral,
  ...membership,
  ...state,
  ...encryption,
  busy,
];
export const cutRows: readonly ApartRow[] = [...apart, ...apartDevices];
