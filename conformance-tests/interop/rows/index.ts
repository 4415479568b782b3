import type { ApartRow, Row } from "../row.ts";
import { conversation } from "./conversation.ts";

export const rows: readonly Row[] = [...conversation];
export const cutRows: readonly ApartRow[] = [];
