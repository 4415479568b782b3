export type ColumnType = "int" | "bigint" | "text" | "bytea";
export type Value = number | string | Buffer | null;
export type Column = readonly [name: string, type: ColumnType];
