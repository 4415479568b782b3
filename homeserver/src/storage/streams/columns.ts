/** `jsonText`: a column of type text for JSON texts, whose values come from `jsonText` in text.ts. */
export type ColumnType = "int" | "bigint" | "text" | "bytea" | "jsonText";
export type Value = number | string | Buffer | null;
export type Column = readonly [name: string, type: ColumnType];
