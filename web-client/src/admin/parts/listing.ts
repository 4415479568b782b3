import type { MenuItem } from "../../elements/menu.ts";

/** What a list asks the server for. */
export interface Wish {
  /** Where the page begins: what `next` was on the page before; undefined on the first one. */
  readonly from: string | undefined;
  readonly limit: number;
  readonly order: string | undefined;
  readonly dir: "f" | "b";
  readonly search: string;
  /** By name; "" where nothing is chosen. */
  readonly filters: Readonly<Record<string, string>>;
}

/** A page of a list. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** How many there are on all pages, where that is known. */
  readonly total?: number | undefined;
  /** Where the next page begins; undefined on the last one. */
  readonly next?: string | undefined;
}

export interface Column<Row> {
  readonly label: string;
  /** By what the server orders by it. */
  readonly order?: string;
  readonly isNumber?: boolean;
  cell(row: Row): unknown;
}

interface Filter {
  readonly name: string;
  readonly label: string;
  /** The first is chosen at first. */
  readonly options: readonly (readonly [value: string, label: string])[];
}

/** A list: what its columns are, by what it is searched, and how its pages are fetched. */
export interface Listing<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly searchLabel?: string;
  readonly filters?: readonly Filter[];
  /** By what it is ordered at first. */
  readonly order?: string;
  readonly dir?: "f" | "b";
  /** What is said when there is nothing. */
  readonly empty: string;
  keyOf(row: Row): string;
  nameOf(row: Row): string;
  menu?(row: Row): readonly MenuItem[];
  load(wish: Wish, signal: AbortSignal): Promise<Page<Row>>;
}

/** How many there are on a page. */
export const PAGE = 50;

/** The wish that an address holds. */
export function wishOf(
  listing: Pick<Listing<never>, "filters" | "order" | "dir">,
  query: Readonly<Record<string, string>>,
): Wish {
  const filters = (listing.filters ?? []).map(({ name, options }) => {
    const chosen = query[name];
    const known = options.some(([value]) => value === chosen);
    return [name, known ? chosen! : options[0]![0]] as const;
  });
  const dir = query["dir"];
  return {
    from: query["from"] === "" ? undefined : query["from"],
    limit: PAGE,
    order: query["order"] ?? listing.order,
    dir: dir === "f" || dir === "b" ? dir : (listing.dir ?? "f"),
    search: query["search"] ?? "",
    filters: Object.fromEntries(filters),
  };
}

/** The address of a wish; what is as at first is left out. */
export function queryOf(
  listing: Pick<Listing<never>, "filters" | "order" | "dir">,
  wish: Wish,
): Record<string, string> {
  const query: Record<string, string> = {};
  if (wish.search !== "") query["search"] = wish.search;
  for (const { name, options } of listing.filters ?? []) {
    const value = wish.filters[name] ?? "";
    if (value !== options[0]![0]) query[name] = value;
  }
  if (wish.order !== undefined && wish.order !== listing.order) query["order"] = wish.order;
  if (wish.dir !== (listing.dir ?? "f")) query["dir"] = wish.dir;
  if (wish.from !== undefined) query["from"] = wish.from;
  return query;
}

/** A page of a list that the server counts by places. */
export function byPlace<Row>(wish: Wish, rows: readonly Row[], total: number): Page<Row> {
  const end = Number(wish.from ?? 0) + rows.length;
  return { rows, total, next: rows.length > 0 && end < total ? String(end) : undefined };
}

/** A page of a list that came whole: small ones, which the server does not divide. */
export function ofWhole<Row>(wish: Wish, all: readonly Row[]): Page<Row> {
  const from = Number(wish.from ?? 0);
  return byPlace(wish, all.slice(from, from + wish.limit), all.length);
}
